"""When a service will be back, by what repairs like this one took: prediction from the record, and how well it held.

Pure: `durations` (a distribution that can be asked late), `history` (whose distribution), `foretelling` (what is
recorded of a ticket, and when). What it costs a decision is a look into memory.
"""
