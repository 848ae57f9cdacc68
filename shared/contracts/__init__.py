"""What crosses a process: facts of the ticket log, progress from local networks, topics, the CloudEvents envelope.

Pure values without I/O. A released shape never changes: a test holds every schema frozen; what must change
becomes a new version beside the old one.
"""
