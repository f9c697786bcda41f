"""The private listener over real sockets on loopback."""
