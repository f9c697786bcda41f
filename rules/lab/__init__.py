"""Tools for people who write rules; all of them ask the router and the one ``decide``."""
