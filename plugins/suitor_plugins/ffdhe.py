"""The finite-field groups of RFC 7919, by the formula of its appendix A rather than by their digits."""

from __future__ import annotations

from functools import cache

_GROUPS = {
    0x0100: (2048, 560_316),
    0x0101: (3072, 2_625_351),
    0x0102: (4096, 5_736_041),
    0x0103: (6144, 15_705_020),
    0x0104: (8192, 10_965_728),
}
"""Code point: size in bits, and the X of appendix A."""

CODES = tuple(_GROUPS)


@cache
def prime(code: int) -> int:
    """p = 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1 (RFC 7919 appendix A); the generator is 2."""
    bits, x = _GROUPS[code]
    return (1 << bits) - (1 << (bits - 64)) + (_scaled_e(bits - 130) + x) * (1 << 64) - 1


def _scaled_e(bits: int) -> int:
    """floor(2^bits e), summed with enough guard bits that the tail cannot matter."""
    guard = 64
    term = total = 1 << (bits + guard)
    n = 1
    while term:
        term //= n
        total += term
        n += 1
    return total >> guard
