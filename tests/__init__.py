"""Tests, laid out like the packages, plus stories, faults, contracts and browser."""
