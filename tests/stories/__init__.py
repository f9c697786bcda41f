"""Whole-system behaviour on a clock that is pushed forward, one story per file."""
