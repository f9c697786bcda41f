"""Documentation that is made from the code, or compared with it."""
