"""`/v1/subscriptions`: what an account wants to be told, by which channel, and when."""
