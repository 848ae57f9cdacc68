"""The audit trail: who did what that is no step of a ticket, from where, by which key; appended and chained by hash.

`trail` is the seam everybody records through. `keeper` seals the chain's head and anchors all chains once a day,
`anchors` is what it signs. `verify` finds what was tampered with, in this chain and in every ticket's. What is a step
of a ticket stands in the ticket log and not in here.
"""
