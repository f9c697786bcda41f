"""Attacks on the daemon as a stranger, a monitor or a careless operator could make them."""
