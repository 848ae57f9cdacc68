"""The notifier's routes: live streams and subscriptions. An account sees only its own; everything else is 404."""
