"""Pure parsers: bytes from a monitor in, alerts out; one file per format."""
