"""Tracking links: one ticket, shown to somebody without an account. Made and revoked by those whose ticket it is.

A link's token is its own way to prove who one is (`door.py`); who shows one may see the ticket's steps and nothing
else (`view.py`).
"""
