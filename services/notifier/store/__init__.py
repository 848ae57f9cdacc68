"""The notifier's tables in and out of the database; nothing in here decides, sends or knows HTTP."""
