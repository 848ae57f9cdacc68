"""The command line, a file a command; each adds itself to the group."""
