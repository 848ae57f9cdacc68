"""What the three services share: the ticket log and its aggregate, contracts, registry, bus, database, web door.

Nothing in here knows a service. A module that only one service needs belongs to that service.
"""
