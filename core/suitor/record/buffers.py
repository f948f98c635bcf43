"""Buffers that busy connections borrow, so that an idle connection holds none.

A buffer belongs to one connection from ``take`` to ``give``; both are single list operations, which makes the pool
safe between threads. A page that was touched before costs no page fault, and that is most of the price of a fresh
buffer.
"""

from __future__ import annotations

SIZE = 16_384 + 256
"""The largest protected record without its header, in bytes (RFC 8446 section 5.2)."""

_KEPT = 8
_free: list[memoryview] = []


def take() -> memoryview:
    """A view of a buffer of ``SIZE`` bytes. Its content is whatever was there before."""
    try:
        return _free.pop()
    except IndexError:
        return memoryview(bytearray(SIZE))


def give(buffer: memoryview) -> None:
    """Hand a buffer back."""
    if len(_free) < _KEPT:
        _free.append(buffer)
