"""`tocsin demo`: a recorded outage through the real daemon on a sped-up clock, with stand-ins on loopback."""
