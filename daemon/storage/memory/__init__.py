"""A store in memory: what tools that play histories in virtual time use in the place of a database."""
