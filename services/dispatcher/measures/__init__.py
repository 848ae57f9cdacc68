"""What is measured of each ticket, kept as rows beside the log: what reports, metrics and predictions read.

A row holds nothing that the log and the registry do not say: it can be made again at any time, and is compared.
"""
