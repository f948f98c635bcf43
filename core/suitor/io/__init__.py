"""Drivers that join the sans-IO connection to a network: blocking sockets and asyncio streams."""
