"""One handshake step each, both sides of it: plain functions, tested without a connection."""
