"""What the notifier does: feed, deliver, stream, keep subscriptions. Nothing is sent inside a transaction."""
