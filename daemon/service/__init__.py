"""Use cases, one file per noun; each is one transaction of the store."""
