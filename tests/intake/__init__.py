"""The parsers: bytes of monitors in, alerts out, and nothing raised but BadInput."""
