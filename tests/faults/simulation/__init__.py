"""The real daemon in a world that is out to get it: virtual time, crashes, lies of every provider."""
