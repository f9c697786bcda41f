"""Channels: what they send, and what they make of every answer."""
