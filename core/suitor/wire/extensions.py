"""Extension blocks (RFC 8446 section 4.2): which may stand where, never twice, never unasked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum
from functools import cache

from suitor import registry
from suitor.errors import PeerMisbehaved, ProtocolError


class ExtensionType(IntEnum):
    """The extensions that the core itself speaks; their names elsewhere are the registry's."""

    SERVER_NAME = 0
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    PADDING = 21
    ENCRYPT_THEN_MAC = 22
    EXTENDED_MASTER_SECRET = 23
    COMPRESS_CERTIFICATE = 27
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    CERTIFICATE_AUTHORITIES = 47
    SIGNATURE_ALGORITHMS_CERT = 50
    KEY_SHARE = 51
    RENEGOTIATION_INFO = 0xFF01


# Plain ints: an enum look-up costs more than decoding the extension does.
SERVER_NAME = int(ExtensionType.SERVER_NAME)
SUPPORTED_GROUPS = int(ExtensionType.SUPPORTED_GROUPS)
SIGNATURE_ALGORITHMS = int(ExtensionType.SIGNATURE_ALGORITHMS)
ALPN = int(ExtensionType.ALPN)
PADDING = int(ExtensionType.PADDING)
COMPRESS_CERTIFICATE = int(ExtensionType.COMPRESS_CERTIFICATE)
PRE_SHARED_KEY = int(ExtensionType.PRE_SHARED_KEY)
EARLY_DATA = int(ExtensionType.EARLY_DATA)
SUPPORTED_VERSIONS = int(ExtensionType.SUPPORTED_VERSIONS)
COOKIE = int(ExtensionType.COOKIE)
PSK_KEY_EXCHANGE_MODES = int(ExtensionType.PSK_KEY_EXCHANGE_MODES)
CERTIFICATE_AUTHORITIES = int(ExtensionType.CERTIFICATE_AUTHORITIES)
SIGNATURE_ALGORITHMS_CERT = int(ExtensionType.SIGNATURE_ALGORITHMS_CERT)
KEY_SHARE = int(ExtensionType.KEY_SHARE)
EC_POINT_FORMATS = int(ExtensionType.EC_POINT_FORMATS)
ENCRYPT_THEN_MAC = int(ExtensionType.ENCRYPT_THEN_MAC)
EXTENDED_MASTER_SECRET = int(ExtensionType.EXTENDED_MASTER_SECRET)
RENEGOTIATION_INFO = int(ExtensionType.RENEGOTIATION_INFO)

# The registry's abbreviations for the messages of TLS 1.3.
CH, SH, HRR, EE, CT, CR, NST = "CH", "SH", "HRR", "EE", "CT", "CR", "NST"


@cache
def _forbidden(message: str) -> frozenset[int]:
    """The known extensions that may not stand in ``message``. A ClientHello speaks for TLS 1.2 as well, so
    there an extension that TLS 1.3 has no place for is fine."""
    return frozenset(
        row.code
        for row in registry.extensions().values()
        if message not in row.messages and (row.messages or message != CH)
    )


def decode_extensions(data: bytes, message: str | None, limit: int) -> dict[int, bytes]:
    """The body of an extension block, in order. A known extension out of place ends the handshake
    (RFC 8446 section 4.2: "illegal_parameter"), and so does one that stands twice."""
    found: dict[int, bytes] = {}
    pos, end = 0, len(data)
    while pos < end:
        if pos + 4 > end:
            raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "extension header ends early")
        code = data[pos] << 8 | data[pos + 1]
        stop = pos + 4 + (data[pos + 2] << 8 | data[pos + 3])
        if stop > end:
            raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, f"extension {code} ends early")
        if code in found:
            raise ProtocolError(PeerMisbehaved.DUPLICATE_EXTENSION, extension_name(code))
        found[code] = data[pos + 4 : stop]
        pos = stop
    if len(found) > limit:
        raise ProtocolError(PeerMisbehaved.TOO_MANY_EXTENSIONS, str(len(found)))
    if message is not None:
        check_placed(found, message)
    return found


def check_placed(found: Iterable[int], message: str) -> None:
    """Known extensions stand only where TLS 1.3 says they may."""
    misplaced = _forbidden(message).intersection(found)
    if misplaced:
        raise ProtocolError(
            PeerMisbehaved.MISPLACED_EXTENSION, f"{extension_name(min(misplaced))} in {message}"
        )


def check_solicited(found: Mapping[int, bytes], offered: Collection[int], message: str) -> None:
    """An answer to an extension that was not offered ends the handshake (RFC 8446 section 4.2)."""
    for code in found:
        if code not in offered:
            raise ProtocolError(PeerMisbehaved.UNSOLICITED_EXTENSION, f"{extension_name(code)} in {message}")


def extension_name(code: int) -> str:
    row = registry.extensions().get(code)
    return row.name if row else f"extension 0x{code:04x}"


def encode_extensions(extensions: Iterable[tuple[int, bytes]]) -> bytes:
    """An extension block with its length."""
    body = b"".join([(code << 16 | len(data)).to_bytes(4, "big") + data for code, data in extensions])
    return len(body).to_bytes(2, "big") + body
