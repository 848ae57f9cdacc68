"""Speed beside this machine's own floor, measured side by side in one run and given as ratios.

`python -m tests.bench [intake] [pipeline] [latency] [streams] [tick] [webhooks]`; all without a name. Nothing in here
asserts a time.
"""
