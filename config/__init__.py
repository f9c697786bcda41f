"""Settings of the daemon: how it is wired, never what is said."""
