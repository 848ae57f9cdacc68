"""The statement of a ticket: what was promised, what came of it, and all that is needed to check it offline.

Here belong its making from the log, its signature, its check and its page, all pure; who may read whose does not. The
format is `docs/architecture/statement.md`: whoever changes what a field means gives `sealing.FORMAT` another number.
"""
