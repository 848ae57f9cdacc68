"""The notifier's decisions, without I/O: who wants what, when it is due, what an attempt means, when to try again."""
