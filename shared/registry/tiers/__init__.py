"""Tier schemes and reviews: what a key account's tier is by its spend and sector, and the record of who decided so.

`scheme` decides and is pure, `files` reads what people write, `store` proposes for all accounts and applies.
"""
