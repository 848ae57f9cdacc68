"""Webhooks by the Standard Webhooks scheme (https://www.standardwebhooks.com), to addresses that were checked."""
