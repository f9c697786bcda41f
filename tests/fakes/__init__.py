"""Stand-ins for the outside world: real servers on loopback that count what they accept."""
