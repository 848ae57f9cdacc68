"""The registry over HTTP, for operators and their tools, and what the desk finds in it while somebody is calling.

Nothing here stands behind a report.
"""
