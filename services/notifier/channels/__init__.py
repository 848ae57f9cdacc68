"""One folder a channel: its transport and templates. A channel takes one event to one receiver and says how it went."""
