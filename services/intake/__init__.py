"""① Reports in: a key account, or the desk for it, reports once and holds a ticket number.

Also what a customer may do with its ticket: read it, note, cancel, confirm, reopen. Who repairs is not decided here.
"""
