"""Mails that came back: what they say, and the door through which they come."""
