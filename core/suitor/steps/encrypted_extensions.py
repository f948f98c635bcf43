"""EncryptedExtensions (RFC 8446 section 4.3.1): the server's answers that need no key exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suitor.answer import check_answer
from suitor.catalogue import Catalogue
from suitor.decision import Axis
from suitor.errors import PeerMisbehaved, ProtocolError, plugin_failed
from suitor.plug.interfaces import BadExtension
from suitor.steps.client_hello import SentHello
from suitor.wire import extensions as ext
from suitor.wire.codec import vec8, vec16
from suitor.wire.hello import ClientHello, parse_extension, protocol_names
from suitor.wire.messages import decode_encrypted_extensions, encode_encrypted_extensions


def make_encrypted_extensions(
    hello: ClientHello, alpn: bytes | None, named: bool, catalogue: Catalogue
) -> tuple[bytes, dict[str, Any]]:
    """Server: the message, and what extension plugins had to tell. ``named``: the SNI chose the certificate,
    which an empty server_name acknowledges (RFC 6066 section 3)."""
    answers: dict[int, bytes] = {}
    facts: dict[str, Any] = {}
    if named:
        answers[ext.SERVER_NAME] = b""
    if alpn is not None:
        answers[ext.ALPN] = vec16(vec8(alpn))
    for code, extension in catalogue.extensions.items():
        offered = hello.extensions.get(code)
        if offered is None:
            continue
        try:
            body, facts[extension.name] = extension.answer(offered)
        except BadExtension as error:
            raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, f"{extension.name}: {error}") from error
        except Exception as error:
            raise plugin_failed(f"extension {extension.name}", "answer", error) from error
        if body is not None:
            answers[code] = body
    return encode_encrypted_extensions(answers), facts


def read_encrypted_extensions(
    raw: bytes, sent: SentHello, catalogue: Catalogue, limit: int
) -> tuple[bytes | None, dict[str, Any]]:
    """Client: the protocol that ALPN chose (RFC 7301 section 3.1), and the extension plugins' facts."""
    answers = decode_encrypted_extensions(raw, limit)
    ext.check_solicited(answers, sent.extensions, "EncryptedExtensions")
    if answers.get(ext.SERVER_NAME):
        raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, "server_name")
    alpn = read_alpn(answers, sent)
    return alpn, _facts(answers, catalogue)


def read_alpn(answers: Mapping[int, bytes], sent: SentHello) -> bytes | None:
    """Client: the one protocol of those offered that the server chose, if it chose (RFC 7301 section 3.1)."""
    if ext.ALPN not in answers:
        return None
    names = parse_extension(ext.ALPN, protocol_names, answers[ext.ALPN])
    if len(names) != 1:
        raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, "ALPN: more than one protocol")
    alpn: bytes = names[0]
    check_answer(Axis.ALPN, alpn, sent.offer.alpn)
    return alpn


def _facts(answers: Mapping[int, bytes], catalogue: Catalogue) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for code, extension in catalogue.extensions.items():
        if code in answers:
            try:
                facts[extension.name] = extension.accept(answers[code])
            except BadExtension as error:
                raise ProtocolError(
                    PeerMisbehaved.MALFORMED_EXTENSION, f"{extension.name}: {error}"
                ) from error
            except Exception as error:
                raise plugin_failed(f"extension {extension.name}", "accept", error) from error
    return facts
