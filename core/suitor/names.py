"""Server names: what to verify and what to send (RFC 6066 section 3, RFC 9525 section 2)."""

from __future__ import annotations

import re
from ipaddress import ip_address

from suitor.errors import LocalError, LocalMistake

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")


def protocol_name(protocol: bytes) -> str:
    """An application protocol (RFC 7301) for people: ASCII as it is, anything else escaped."""
    return protocol.decode("ascii", "backslashreplace")


def parse_server_name(name: str) -> tuple[str, str | None]:
    """(the name to verify, the SNI to send). An IP address is verified but never sent.

    DNS names are lower-cased and lose a trailing dot; an internationalised name must come as A-labels
    (``xn--…``). Raises LocalError(BAD_NAME).
    """
    bare = name.removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(bare)), None
    except ValueError:
        pass
    host = name.lower().removesuffix(".")
    if not host or len(host) > 253 or not all(_LABEL.match(label) for label in host.split(".")):
        hint = "" if name.isascii() else "; give an internationalised name as A-labels (xn--...)"
        raise LocalError(LocalMistake.BAD_NAME, f"{name!r}{hint}")
    return host, host
