"""The public status page: bytes, addresses and answers."""
