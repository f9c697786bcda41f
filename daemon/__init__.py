"""The long-running program: intake, decisions, the outbox, the page and the servers."""
