"""② Straight to the fault: routing, repair orders, the local networks' doors, the NOC's queue.

Owns `repair_orders`, `refused_progress`, `untold_refusals`. Decides on the ticket as it stands, so an event that comes
twice, late or out of turn changes nothing.
"""
