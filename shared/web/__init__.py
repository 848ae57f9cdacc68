"""The HTTP door every service shares: strict bodies, problems, pages, limits, who may use which route.

A service declares its routes; what is refused before a handler is refused here, alike everywhere.
"""
