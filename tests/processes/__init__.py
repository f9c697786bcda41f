"""The real daemon as a process of its own: started, watched, stopped and killed by tests."""
