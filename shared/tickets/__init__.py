"""The trouble ticket: one aggregate, one state machine, one log.

`model` is pure: what a ticket is and which moves are legal. `log` is the hash-chained record a ticket is folded
from. `store` keeps both in one transaction. `changes` runs commands on existing tickets, many at once.
Which networks are ordered is the dispatcher's business, what a customer may do the intake's: not in here.
"""
