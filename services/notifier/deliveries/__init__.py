"""`/v1/subscriptions/{id}/deliveries` and what belongs to it: what became of each attempt, a test, and replays."""
