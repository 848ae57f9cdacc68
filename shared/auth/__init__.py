"""Who calls and what they may do: principals, permissions, API keys.

How a request proves who it is (a key, a session) is the door's: `shared.web.authentication`.
"""
