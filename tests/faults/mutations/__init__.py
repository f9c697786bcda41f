"""A mutation check of the delivery core: every rule that is taken away makes a test fail."""
