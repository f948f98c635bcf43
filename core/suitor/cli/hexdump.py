"""Hex as people paste it: bare, with colons, as a C array, or as xxd, tcpdump and Wireshark print it."""

from __future__ import annotations

import re
import string

from suitor.errors import LocalError, LocalMistake

_COMMENT = re.compile(r"(#|//|>>>|<<<).*")
_OFFSET = re.compile(r"\s*(?:0x)?([0-9a-fA-F]{4,8})(?::\s|\s-\s|\s{2})\s*")
_SEPARATORS = re.compile(r"0[xX]|\\x|[\s,:;\"'.-]")
_HEX = re.compile(r"[0-9a-fA-F]*")
_PAIRS = re.compile(r"(?:[0-9a-fA-F]{2})+")


def looks_like_hex(text: str) -> bool:
    """Whether :func:`decode` would take it, or it is hex with a slip in it (base64 is a third hex digits)."""
    visible = "".join(text.split())
    if sum(map(visible.count, string.hexdigits)) * 10 > len(visible) * 8:
        return True
    try:
        return bool(decode(text))
    except LocalError:
        return False


def decode(text: str) -> bytes:
    """The bytes that hex text stands for. Raises LocalError(BAD_INPUT) with the line that does not fit.

    Comments (``#``, ``//`` and the ``>>>`` headings of ``openssl s_client -msg``) are left out. A dump with
    offsets is told from bare hex by offsets that add up.
    """
    lines = [(number, _COMMENT.sub("", line)) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    if not lines:
        raise _bad("there is no hex in it")
    first = _OFFSET.match(lines[0][1])
    if first is not None and int(first[1], 16) == 0:
        return _dump(lines)
    return _bare(lines)


def _bare(lines: list[tuple[int, str]]) -> bytes:
    joined = "\n".join(line for _, line in lines)
    if "{" in joined:
        # A C array: the declaration around the braces is not hex.
        lines = [(lines[0][0], joined.partition("{")[2].partition("}")[0])]
    digits = []
    for number, line in lines:
        bare = _SEPARATORS.sub("", line)
        if not _HEX.fullmatch(bare):
            wrong = next(character for character in bare if not _HEX.fullmatch(character))
            raise _bad(f"line {number} is not hex (it has {wrong!r})")
        digits.append(bare)
    together = "".join(digits)
    if len(together) % 2:
        raise _bad(f"it has {len(together)} hex digits, an odd number; was the end cut off?")
    return bytes.fromhex(together)


def _dump(lines: list[tuple[int, str]]) -> bytes:
    """A dump with an offset before each line and, perhaps, the same as characters after it."""
    starts: list[tuple[int, int, str]] = []
    for number, line in lines:
        match = _OFFSET.match(line)
        if match is not None:
            starts.append((number, int(match[1], 16), line[match.end() :]))
        elif line.strip() == "*":
            raise _bad(f"line {number} stands for repeated lines; hexdump -v writes them out")
        elif not re.fullmatch(r"\s*[0-9a-fA-F]{4,8}\s*", line):  # hexdump ends with a bare offset
            raise _bad(f"line {number} has no offset, unlike the lines before it")
    result = bytearray()
    width = 16
    for index, (number, offset, rest) in enumerate(starts):
        if offset != len(result):
            raise _bad(
                f"the offset on line {number} is {offset:#x}, but {len(result):#x} bytes came before it"
            )
        following = starts[index + 1][1] - offset if index + 1 < len(starts) else None
        taken = _columns(rest, width if following is None else following)
        if following is not None and len(taken) != following:
            raise _bad(f"line {number} holds {len(taken)} bytes, but the next offset says {following}")
        result += taken
        width = max(len(taken), 1)
    return bytes(result)


def _columns(rest: str, most: int) -> bytes:
    """Up to ``most`` bytes of a dump's line, leaving its column of characters."""
    # Hex columns stand one or two spaces apart; a wider gap or a bar starts the characters.
    rest = re.split(r"\s{3,}|\|", rest)[0]
    taken = bytearray()
    for token in re.split(r"[\s-]+", rest.strip()):
        if len(taken) >= most or not _PAIRS.fullmatch(token):
            break
        taken += bytes.fromhex(token)
    return bytes(taken[:most])


def _bad(detail: str) -> LocalError:
    return LocalError(LocalMistake.BAD_INPUT, detail)
