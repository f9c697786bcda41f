"""The two aiohttp servers and their handlers."""
