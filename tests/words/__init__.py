"""Tests of the wording gate."""
