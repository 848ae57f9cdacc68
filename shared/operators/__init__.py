"""The operators' door: sign-in with an OpenID provider, server-side sessions, bearer tokens of tools, break-glass.

It stands above the HTTP door it is plugged into: nothing but the composition root imports it, and what it needs of
libraries (JOSE, argon2, an HTTP client) is imported when it is first used.
"""
