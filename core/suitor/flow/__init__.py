"""The order of the handshake: one file per role and version, each a table of contents over the steps."""
