"""Named places in the daemon where a test can end it, stop it or hurt it, without a word in its code.

A hook rewrites the daemon's modules while they are imported (``rewriting``),
so that it passes a name before and after each ``await``.  What happens there is
the child's order of the day (``trigger``).
"""
