"""Reports over what was measured: attainment, the worst, repeated faults, and what is due to customers for breaches.

They add up `measures` and nothing else; what a row holds is `services.dispatcher.measures`. Rules of compensation are
data (`rules_file`), what follows from them is pure (`compensation`).
"""
