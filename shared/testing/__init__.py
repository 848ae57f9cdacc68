"""Fakes and real servers that ship, for the demonstration, the tests and the bench; production imports none."""
