"""The rule lab: test files, simulations, and that both are the daemon itself."""
