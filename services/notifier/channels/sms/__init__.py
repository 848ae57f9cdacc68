"""SMS by way of the operator's own gateway: few words, the most important first, to a number a subscriber named."""
