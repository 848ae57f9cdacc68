"""How a fact reaches another service: a port over the embedded bus (the log itself) and Kafka.

Delivery is at least once and in order per ticket. Effects are made single by whoever receives, never by the bus.
Only `kafka` imports aiokafka; who may do what there is `rights`.
"""
