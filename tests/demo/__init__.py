"""The demo: its recorded outage, its stand-ins, its story and its verdict."""
