"""What the center knows beforehand: accounts, circuits and their segments, local networks.

Read far more than written: each process holds what the hot paths need in memory and follows a version number.
"""
