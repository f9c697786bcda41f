"""The reference server of the AT protocol (Bluesky), from npm."""
