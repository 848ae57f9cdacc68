"""E-mail over the operator's own SMTP server, to an address a subscriber named: one thread a ticket, text and HTML."""
