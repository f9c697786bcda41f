"""How the daemon is wired: settings from a YAML file, the environment and secret files."""
