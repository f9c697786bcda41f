"""The store on a PostgreSQL server, for several daemons at once (docs/decisions/0012-several-nodes.md)."""
