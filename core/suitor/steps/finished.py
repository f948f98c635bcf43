"""Finished (RFC 8446 section 4.4.4): both sides prove that they saw the same handshake."""

from __future__ import annotations

from hmac import compare_digest

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.keys.schedule import finished_data
from suitor.plug.interfaces import Hash
from suitor.wire.messages import encode_finished


def make_finished(hash_: Hash, base_secret: bytes, transcript: bytes) -> bytes:
    """The message, keyed by this side's handshake traffic secret."""
    return encode_finished(finished_data(hash_, base_secret, transcript))


def check_finished(hash_: Hash, base_secret: bytes, transcript: bytes, raw: bytes) -> None:
    """The peer's verify_data, keyed by its handshake traffic secret, compared in constant time."""
    if len(raw) != 4 + hash_.digest_size:
        raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "Finished has the wrong length")
    if not compare_digest(finished_data(hash_, base_secret, transcript), raw[4:]):
        raise ProtocolError(PeerMisbehaved.BAD_FINISHED)
