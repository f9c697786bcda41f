"""Bounces: parsing, policy, the listener, and a real mail system."""
