"""For the NOC: its queue and commands, what was refused, and what the center noticed by itself."""
