"""The three services and what puts them together: cli > run > (intake | dispatcher | notifier) > shared."""
