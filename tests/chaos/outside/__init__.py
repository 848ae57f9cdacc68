"""Key accounts, local networks and auditors: they know the center by its HTTP contract, and no code of it."""
