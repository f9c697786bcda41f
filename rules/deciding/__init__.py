"""The parts of the one decision function; `rules.decide` alone is called from outside."""
