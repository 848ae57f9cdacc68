"""For whoever reads: tickets in lists and one by one, their logs, and circuits."""
