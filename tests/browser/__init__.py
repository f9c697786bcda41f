"""The public status page in a real browser."""
