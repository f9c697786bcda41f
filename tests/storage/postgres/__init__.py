"""What several processes on one PostgreSQL server may rely on, beyond the contract of every store."""
