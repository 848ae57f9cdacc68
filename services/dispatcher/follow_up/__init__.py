"""Until satisfied: the question after a ticket was closed, the case of a customer who is not, the survey of a quarter.

What happened is in the ticket's log, like everything else; `follow_ups` says only when to look at which ticket again.
"""
