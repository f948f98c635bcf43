"""Bytes <-> messages: one class per RFC struct, decoded strictly, keeping the received bytes."""
