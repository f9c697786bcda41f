"""Ways out: one file per kind of channel, one line each in the registry."""
