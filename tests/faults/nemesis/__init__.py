"""Two real daemons on one PostgreSQL server, and somebody who wants them to fail."""
