"""③ Progress out: the feed that live streams resume from, subscriptions, and deliveries over channels.

Owns `feed`, `feed_marks`, `subscriptions`, `lanes` and `dead_letters`. Reads the ticket log and never writes it: what
it does can be lost and done again. A channel is a folder under `channels` with its transport and its tests.
"""
