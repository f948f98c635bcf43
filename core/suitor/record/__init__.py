"""The record layer (RFC 8446 section 5): framing, protection, padding and limits."""
