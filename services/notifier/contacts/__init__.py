"""`POST /v1/contact-subscriptions`: an account's contacts in the registry told by mail and SMS, in one call."""
