"""A duty manager sets other terms in mid-ticket: tier, impact, policy version or calendar, with a reason."""
