"""Rows of the fault catalogue that need a real process; a test's name carries its row's number."""
