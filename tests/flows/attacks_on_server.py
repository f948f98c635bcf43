"""What a hostile client does in the handshake."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from suitor.config import ClientAuth
from suitor.errors import Alert, PeerMisbehaved
from suitor.wire.codec import message, vec8, vec16, vec24
from suitor.wire.hello import ClientHello
from suitor.wire.messages import encode_certificate_verify, encode_key_update
from tests.flows.attack import Attack
from tests.support import pki
from tests.support.hostile import (
    Edit,
    Record,
    client_hello,
    client_hello_block,
    drop_extension,
    put_extension,
)
from tests.support.pairs import LIGHT

P = PeerMisbehaved

CLIENT_HELLO, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED, COMPRESSED = 1, 11, 15, 20, 25
SNI, GROUPS, SIGNATURES, ALPN, COMPRESS, PSK, VERSIONS, COOKIE, MODES, SHARES = (
    0, 10, 13, 16, 27, 41, 43, 44, 45, 51,
)  # fmt: skip
X25519, P256, P384 = 0x001D, 0x0017, 0x0018

PSK_OFFER = vec16(vec16(b"identity") + bytes(4)) + vec16(vec8(bytes(32)))

ASKING: dict[str, Any] = {"client_auth": ClientAuth.REQUIRED, "verification": pki.verification()}
"""A server that wants a certificate."""

RETRYING: dict[str, Any] = {"policy": evolve(LIGHT, groups=("secp384r1",))}
COOKIE_TOO: dict[str, Any] = {"policy": evolve(LIGHT, groups=("secp384r1",), retry_cookie=True)}


class _OneIdentity:
    name = "one"

    def select(self, request: object) -> object:
        from suitor.plug import Selected

        return Selected((pki.client_credential(),))


IDENTIFIED: dict[str, Any] = {"credentials": _OneIdentity()}
"""A client that has a certificate."""


def shares(*entries: tuple[int, bytes]) -> bytes:
    return vec16(b"".join(code.to_bytes(2, "big") + vec16(share) for code, share in entries))


def own_share(hello: ClientHello) -> bytes:
    assert hello.shares
    return hello.shares[0][1]


def twice(items: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return [*items, items[-1]]


def many(count: int) -> Edit:
    """A ClientHello with exactly ``count`` extensions."""
    return client_hello_block(lambda items: [*items, *((0x4000 + n, b"") for n in range(count - len(items)))])


def raw_hello(body: bytes) -> bytes:
    return b"\x16\x03\x01" + vec16(message(CLIENT_HELLO, body))


HELLO = [
    Attack("body cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "6.2",
           [Edit(1, lambda raw: [message(1, raw[4:60])])]),
    Attack("extension cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.2",
           [Edit(1, lambda raw: [message(1, raw[4:-1])])]),
    Attack("session ID of 33 bytes", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.1.2",
           [client_hello(lambda h: evolve(h, session_id=bytes(33)))]),
    Attack("odd suites", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.1.2",
           raw=raw_hello(b"\x03\x03" + bytes(32) + b"\0" + vec16(b"\x13\x01\x13") + b"\x01\0" + b"\0\0")),
    Attack("bytes behind the extensions", P.TRAILING_DATA, Alert.DECODE_ERROR, "6.2",
           [Edit(1, lambda raw: [message(1, raw[4:] + b"\0")])]),
    Attack("empty suites", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.1.2",
           [client_hello(lambda h: evolve(h, suites=()))]),
    Attack("empty groups", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.2.7",
           [client_hello(put_extension(GROUPS, vec16(b"")))]),
    Attack("empty versions", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.2.1",
           [client_hello(put_extension(VERSIONS, vec8(b"")))]),
    Attack("empty share", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.2.8",
           [client_hello(put_extension(SHARES, shares((X25519, b""))))]),
    Attack("odd versions", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.1",
           [client_hello(put_extension(VERSIONS, b"\x03\x03\x04\x03"))]),
    Attack("a byte behind versions", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.1",
           [client_hello(put_extension(VERSIONS, b"\x02\x03\x04\x00"))]),
    Attack("ALPN with a name cut", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "RFC 7301 3.1",
           [client_hello(put_extension(ALPN, b"\0\x03\x05h2"))]),
    Attack("share cut", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.8",
           [client_hello(put_extension(SHARES, vec16(b"\0\x1d\0\x20" + bytes(31))))]),
    Attack("extension twice", P.DUPLICATE_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [client_hello_block(twice)]),
    Attack("101 extensions", P.TOO_MANY_EXTENSIONS, Alert.ILLEGAL_PARAMETER, "4.2", [many(101)]),
    Attack("a server's extension", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [client_hello(put_extension(48, b""))]),
    Attack("PSK not last", P.PSK_NOT_LAST, Alert.ILLEGAL_PARAMETER, "4.2.11",
           [client_hello_block(lambda items: [(PSK, PSK_OFFER), (MODES, b"\x01\x01"), *items])]),
    Attack("PSK without modes", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "4.2.9",
           [client_hello(put_extension(PSK, PSK_OFFER))]),
    Attack("no signature_algorithms", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "9.2",
           [client_hello(drop_extension(SIGNATURES))]),
    Attack("no signature_algorithms but a PSK", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "4.2.3",
           [client_hello(lambda h: put_extension(PSK, PSK_OFFER)(
               put_extension(MODES, b"\x01\x01")(drop_extension(SIGNATURES)(h))))]),
    Attack("no supported_groups", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "9.2",
           [client_hello(drop_extension(GROUPS))]),
    Attack("no key_share", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "9.2",
           [client_hello(drop_extension(SHARES))]),
    Attack("two compression methods", P.BAD_COMPRESSION_METHODS, Alert.ILLEGAL_PARAMETER, "4.1.2",
           [client_hello(lambda h: evolve(h, compression_methods=b"\x01\0"))]),
    Attack("no null compression", P.NO_NULL_COMPRESSION, Alert.ILLEGAL_PARAMETER, "4.1.2",
           [client_hello(lambda h: evolve(h, compression_methods=b"\x01"))]),
    Attack("SSL 3.0", P.HELLO_VERSION, Alert.PROTOCOL_VERSION, "D.5",
           [client_hello(lambda h: evolve(h, legacy_version=0x0300))]),
    Attack("two shares of a group", P.DUPLICATE_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [client_hello(lambda h: put_extension(
               SHARES, shares((X25519, own_share(h)), (X25519, own_share(h))))(h))]),
    Attack("a share of no group offered", P.SHARE_NOT_IN_GROUPS, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [client_hello(lambda h: put_extension(
               SHARES, shares((X25519, own_share(h)), (0x0100, b"x")))(h))]),
    Attack("shares out of order", P.SHARE_NOT_IN_GROUPS, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [client_hello(lambda h: put_extension(SHARES, shares((P256, b"x"), (X25519, own_share(h))))(h))]),
    Attack("a share too short", P.BAD_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [client_hello(put_extension(SHARES, shares((X25519, bytes(31)))))]),
    Attack("a share that yields zero", P.BAD_SHARE, Alert.ILLEGAL_PARAMETER, "7.4.2",
           [client_hello(put_extension(SHARES, shares((X25519, bytes(32)))))]),
    Attack("a share off the curve", P.BAD_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8.2",
           [client_hello(put_extension(SHARES, shares((P256, b"\x04" + bytes([1]) * 64))))],
           server={"policy": evolve(LIGHT, groups=("secp256r1",))}),
    Attack("two host names", P.BAD_SERVER_NAME, Alert.ILLEGAL_PARAMETER, "RFC 6066 3",
           [client_hello(put_extension(SNI, vec16((b"\0" + vec16(b"a.example")) * 2)))]),
    Attack("a host name with NUL", P.BAD_SERVER_NAME, Alert.ILLEGAL_PARAMETER, "RFC 6066 3",
           [client_hello(put_extension(SNI, vec16(b"\0" + vec16(b"a\0b"))))]),
    Attack("a host name of dots", P.BAD_SERVER_NAME, Alert.ILLEGAL_PARAMETER, "RFC 6066 3",
           [client_hello(put_extension(SNI, vec16(b"\0" + vec16(b"."))))]),
    Attack("a larger hello announced", P.MESSAGE_TOO_LARGE, Alert.ILLEGAL_PARAMETER, "4",
           raw=b"\x16\x03\x01\x00\x04\x01\x01\x00\x01"),
    Attack("a message behind the hello", P.KEY_CHANGE_NOT_ALIGNED, Alert.UNEXPECTED_MESSAGE, "5.1",
           [Edit(1, lambda raw: [raw, message(FINISHED, bytes(32))])], deaf=True),
    Attack("another message first", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4",
           [Edit(1, lambda raw: [message(FINISHED, bytes(32))])]),
    Attack("a message of no known type", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4",
           [Edit(1, lambda raw: [message(99, b"")])]),
    Attack("change_cipher_spec first", P.BAD_CHANGE_CIPHER_SPEC, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(1, lambda raw: [Record(20, b"\x01"), raw])]),
]  # fmt: skip


def again(change: object) -> list[Edit]:
    """An edit of the second ClientHello alone."""
    return [client_hello(change, nth=1)]  # type: ignore[arg-type]


def reordered(hello: ClientHello) -> ClientHello:
    return evolve(hello, extensions=dict(reversed(list(hello.extensions.items()))))


RETRY = [
    Attack("another random", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(lambda h: evolve(h, random=bytes(32))), server=RETRYING),
    Attack("another session ID", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(lambda h: evolve(h, session_id=b"")), server=RETRYING),
    Attack("other suites", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(lambda h: evolve(h, suites=h.suites[:1])), server=RETRYING),
    Attack("another name", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(put_extension(SNI, vec16(b"\0" + vec16(b"other.example")))), server=RETRYING),
    Attack("an extension more", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(put_extension(0x4444, b"")), server=RETRYING),
    Attack("an extension less", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(drop_extension(SNI)), server=RETRYING),
    Attack("extensions in another order", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.2",
           again(reordered), server=RETRYING),
    Attack("early data after a retry", P.SECOND_HELLO_CHANGED, Alert.ILLEGAL_PARAMETER, "4.2.10",
           again(put_extension(42, b"")), server=RETRYING),
    Attack("no share after a retry", P.SECOND_HELLO_WRONG_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           again(put_extension(SHARES, vec16(b""))), server=RETRYING),
    Attack("key_share gone after a retry", P.SECOND_HELLO_WRONG_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           again(drop_extension(SHARES)), server=RETRYING),
    Attack("the wrong share after a retry", P.SECOND_HELLO_WRONG_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           again(put_extension(SHARES, shares((X25519, bytes(range(32)))))), server=RETRYING),
    Attack("a share more after a retry", P.SECOND_HELLO_WRONG_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           again(lambda h: put_extension(SHARES, shares((X25519, bytes(range(32))), (P384, own_share(h))))(h)),
           server=RETRYING),
    Attack("no cookie", P.BAD_COOKIE, Alert.ILLEGAL_PARAMETER, "4.2.2",
           again(drop_extension(COOKIE)), server=COOKIE_TOO),
    Attack("another cookie", P.BAD_COOKIE, Alert.ILLEGAL_PARAMETER, "4.2.2",
           again(put_extension(COOKIE, vec16(bytes(32)))), server=COOKIE_TOO),
    Attack("a cookie that nobody sent", P.BAD_COOKIE, Alert.ILLEGAL_PARAMETER, "4.2.2",
           again(put_extension(COOKIE, vec16(b"x"))), server=RETRYING),
    Attack("Finished after a retry", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.1.4",
           [Edit(1, lambda raw: [message(FINISHED, bytes(32))], 1)], server=RETRYING),
    Attack("no early data was offered", P.UNEXPECTED_APPLICATION_DATA, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(1, lambda raw: [Record(23, bytes(30)), raw], 1)], server=RETRYING),
]  # fmt: skip


FINISH = [
    Attack("a wrong Finished", P.BAD_FINISHED, Alert.DECRYPT_ERROR, "4.4.4",
           [Edit(FINISHED, lambda raw: [message(FINISHED, bytes(32))])]),
    Attack("a Finished cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.4.4",
           [Edit(FINISHED, lambda raw: [message(FINISHED, raw[4:-1])])]),
    Attack("a ClientHello again", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.1.2",
           [Edit(FINISHED, lambda raw: [message(1, b"")])]),
    Attack("a key update before Finished", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.6.3",
           [Edit(FINISHED, lambda raw: [encode_key_update(False), raw])]),
    Attack("EndOfEarlyData unasked", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.5",
           [Edit(FINISHED, lambda raw: [message(5, b""), raw])]),
    Attack("data before Finished", P.UNEXPECTED_APPLICATION_DATA, Alert.UNEXPECTED_MESSAGE, "4.4.4",
           [Edit(FINISHED, lambda raw: [Record(23, b"early"), raw])]),
    Attack("empty data before Finished", P.UNEXPECTED_APPLICATION_DATA, Alert.UNEXPECTED_MESSAGE, "4.4.4",
           [Edit(FINISHED, lambda raw: [Record(23, b""), raw])]),
    Attack("a message behind Finished", P.KEY_CHANGE_NOT_ALIGNED, Alert.UNEXPECTED_MESSAGE, "5.1",
           [Edit(FINISHED, lambda raw: [raw, encode_key_update(False)])]),
    Attack("plaintext Finished", P.PLAINTEXT_RECORD, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(FINISHED, lambda raw: [Record(22, raw, plain=True)])]),
    Attack("a certificate unasked", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4.2",
           [Edit(FINISHED, lambda raw: [message(CERTIFICATE, b"\0\0\0\0"), raw])]),
    Attack("a record between parts", P.INTERLEAVED_RECORD, Alert.UNEXPECTED_MESSAGE, "5.1",
           [Edit(FINISHED, lambda raw: [raw[:9], Record(20, b"\x01", plain=True), raw[9:]])]),
    Attack("33 change_cipher_specs", P.TOO_MANY_EMPTY_RECORDS, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(FINISHED, lambda raw: [*[Record(20, b"\x01", plain=True)] * 33, raw])]),
    Attack("change_cipher_spec of 2", P.BAD_CHANGE_CIPHER_SPEC, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(FINISHED, lambda raw: [Record(20, b"\x02", plain=True), raw])]),
    Attack("change_cipher_spec of two bytes", P.BAD_CHANGE_CIPHER_SPEC, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(FINISHED, lambda raw: [Record(20, b"\x01\x01", plain=True), raw])]),
]  # fmt: skip


def certificate(*entries: bytes, context: bytes = b"") -> bytes:
    return message(CERTIFICATE, vec8(context) + vec24(b"".join(entries)))


def entry(extensions: bytes = b"") -> bytes:
    return vec24(pki.client_credential().chain[0]) + vec16(extensions)


AUTHENTICATION = [
    Attack("no certificate", P.CERTIFICATE_REQUIRED, Alert.CERTIFICATE_REQUIRED, "4.4.2.4", server=ASKING),
    Attack("a certificate context", P.BAD_CERTIFICATE_CONTEXT, Alert.ILLEGAL_PARAMETER, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(entry(), context=b"x")])],
           client=IDENTIFIED, server=ASKING),
    Attack("eleven certificates", P.CHAIN_TOO_LARGE, Alert.BAD_CERTIFICATE, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(*[entry()] * 11)])], client=IDENTIFIED, server=ASKING),
    Attack("an empty certificate", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(vec24(b"") + vec16(b""))])],
           client=IDENTIFIED, server=ASKING),
    Attack("an extension of a certificate", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(entry(b"\0\x12\0\0"))])],
           client=IDENTIFIED, server=ASKING),
    Attack("server_name in a certificate", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(entry(b"\0\0\0\0"))])],
           client=IDENTIFIED, server=ASKING),
    Attack("a certificate too large", P.MESSAGE_TOO_LARGE, Alert.ILLEGAL_PARAMETER, "4",
           [Edit(CERTIFICATE, lambda raw: [b"\x0b\x02\x00\x01"])], client=IDENTIFIED, server=ASKING),
    Attack("no CertificateVerify", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4.3",
           [Edit(CERTIFICATE_VERIFY, lambda raw: [])], client=IDENTIFIED, server=ASKING),
    Attack("CertificateVerify first", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4.3",
           [Edit(CERTIFICATE, lambda raw: [])], client=IDENTIFIED, server=ASKING),
    Attack("a scheme not asked for", P.SCHEME_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.4.3",
           [Edit(CERTIFICATE_VERIFY, lambda raw: [encode_certificate_verify(0x0401, raw[8:])])],
           client=IDENTIFIED, server=ASKING),
    Attack("a scheme for another key", P.SCHEME_KEY_MISMATCH, Alert.ILLEGAL_PARAMETER, "4.4.3",
           [Edit(CERTIFICATE_VERIFY, lambda raw: [encode_certificate_verify(0x0807, raw[8:])])],
           client=IDENTIFIED, server=ASKING),
    Attack("a wrong signature", P.BAD_SIGNATURE, Alert.DECRYPT_ERROR, "4.4.3",
           [Edit(CERTIFICATE_VERIFY, lambda raw: [raw[:-1] + bytes([raw[-1] ^ 1])])],
           client=IDENTIFIED, server=ASKING),
    Attack("a signature that is none", P.BAD_SIGNATURE, Alert.DECRYPT_ERROR, "4.4.3",
           [Edit(CERTIFICATE_VERIFY, lambda raw: [encode_certificate_verify(0x0403, b"")])],
           client=IDENTIFIED, server=ASKING),
    Attack("compressed unasked", P.COMPRESSION_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "RFC 8879 4",
           [Edit(CERTIFICATE, lambda raw: [message(COMPRESSED, b"\0\x09\0\0\x10" + vec24(b"x"))])],
           client=IDENTIFIED, server=ASKING),
]  # fmt: skip


ON_SERVER = [*HELLO, *RETRY, *FINISH, *AUTHENTICATION]
