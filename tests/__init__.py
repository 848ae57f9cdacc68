"""Promises, one a test: unit (pure), contract (one suite over every implementation), service, flow, architecture."""
