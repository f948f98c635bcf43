"""What a hostile server does in the handshake."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from attrs import evolve

from suitor.errors import Alert, PeerMisbehaved
from suitor.wire import messages
from suitor.wire.codec import message, vec8, vec16, vec24
from suitor.wire.hello import DOWNGRADE_TO_TLS11, DOWNGRADE_TO_TLS12, RETRY_RANDOM, ServerHello
from suitor.wire.messages import CertificateRequest, CompressedCertificate, encode_certificate_verify
from tests.flows.attack import Attack
from tests.flows.attacks_on_server import ASKING, COOKIE_TOO, IDENTIFIED, RETRYING, certificate
from tests.support import pki
from tests.support.hostile import Edit, Record, drop_extension, put_extension, server_hello
from tests.support.pairs import LIGHT

P = PeerMisbehaved

SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE, REQUEST, VERIFY, FINISHED = 2, 8, 11, 13, 15, 20
VERSIONS, SHARES, COOKIE, ALPN = 43, 51, 44, 16


def old(random_end: bytes = b"", **fields: object) -> Callable[[ServerHello], ServerHello]:
    """A ServerHello of TLS 1.2."""

    def change(hello: ServerHello) -> ServerHello:
        random = hello.random[: 32 - len(random_end)] + random_end
        return evolve(drop_extension(VERSIONS)(hello), random=random, **fields)  # type: ignore[no-any-return]

    return change


def share(group: int, value: bytes) -> Callable[[ServerHello], ServerHello]:
    return put_extension(SHARES, group.to_bytes(2, "big") + vec16(value))


def extensions(block: dict[int, bytes]) -> Edit:
    """EncryptedExtensions with exactly these."""
    return Edit(ENCRYPTED_EXTENSIONS, lambda raw: [messages.encode_encrypted_extensions(block)])


HELLO = [
    Attack("body cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "6.2",
           [Edit(SERVER_HELLO, lambda raw: [message(2, raw[4:50])])]),
    Attack("bytes behind the extensions", P.TRAILING_DATA, Alert.DECODE_ERROR, "6.2",
           [Edit(SERVER_HELLO, lambda raw: [message(2, raw[4:] + b"\0")])]),
    Attack("session ID of 33 bytes", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.1.3",
           [server_hello(lambda h: evolve(h, session_id=bytes(33)))]),
    Attack("version of three bytes", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.1",
           [server_hello(put_extension(VERSIONS, b"\x03\x04\0"))]),
    Attack("share cut", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.8",
           [server_hello(put_extension(SHARES, b"\0\x1d\0\x20" + bytes(31)))]),
    Attack("share empty", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.2.8", [server_hello(share(0x1D, b""))]),
    Attack("a version not offered", P.SELECTED_VERSION_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.2.1",
           [server_hello(put_extension(VERSIONS, b"\x03\x05"))]),
    Attack("TLS 1.2 in supported_versions", P.SELECTED_VERSION_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.2.1",
           [server_hello(put_extension(VERSIONS, b"\x03\x03"))]),
    Attack("TLS 1.2", P.SERVER_TOO_OLD, Alert.PROTOCOL_VERSION, "4.2.1", [server_hello(old())]),
    Attack("TLS 1.2 without extensions", P.SERVER_TOO_OLD, Alert.PROTOCOL_VERSION, "4.2.1",
           [Edit(SERVER_HELLO, lambda raw: [message(2, raw[4:38] + b"\0\xc0\x2f\0")])]),
    Attack("talked down to TLS 1.2", P.DOWNGRADE_SENTINEL, Alert.ILLEGAL_PARAMETER, "4.1.3",
           [server_hello(old(DOWNGRADE_TO_TLS12))]),
    Attack("talked down to TLS 1.1", P.DOWNGRADE_SENTINEL, Alert.ILLEGAL_PARAMETER, "4.1.3",
           [server_hello(old(DOWNGRADE_TO_TLS11, legacy_version=0x0302))]),
    Attack("legacy_version of TLS 1.1", P.HELLO_VERSION, Alert.PROTOCOL_VERSION, "4.1.3",
           [server_hello(lambda h: evolve(h, legacy_version=0x0302))]),
    Attack("a suite not offered", P.SELECTED_SUITE_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.1.3",
           [server_hello(lambda h: evolve(h, suite=0x1304))]),
    Attack("a group not offered", P.SELECTED_GROUP_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [server_hello(share(0x0019, bytes(133)))]),
    Attack("a group without share", P.SELECTED_GROUP_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [server_hello(share(0x0017, bytes(65)))]),
    Attack("another session ID", P.SESSION_ID_NOT_ECHOED, Alert.ILLEGAL_PARAMETER, "4.1.3",
           [server_hello(lambda h: evolve(h, session_id=bytes(32)))]),
    Attack("no session ID", P.SESSION_ID_NOT_ECHOED, Alert.ILLEGAL_PARAMETER, "4.1.3",
           [server_hello(lambda h: evolve(h, session_id=b""))]),
    Attack("a compression method", P.BAD_COMPRESSION_METHODS, Alert.ILLEGAL_PARAMETER, "4.1.3",
           [server_hello(lambda h: evolve(h, compression_method=1))]),
    Attack("no key_share", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "9.2",
           [server_hello(drop_extension(SHARES))]),
    Attack("pre_shared_key unasked", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.2",
           [server_hello(put_extension(41, b"\0\0"))]),
    Attack("an unknown extension", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.2",
           [server_hello(put_extension(0x4444, b""))]),
    Attack("ALPN in ServerHello", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [server_hello(put_extension(ALPN, b"\0\x03\x02h2"))]),
    Attack("extension twice", P.DUPLICATE_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [Edit(SERVER_HELLO, lambda raw: [message(2, raw[4:74] + vec16((b"\0\x2b\0\x02\x03\x04") * 2))])]),
    Attack("a share too long", P.BAD_SHARE, Alert.ILLEGAL_PARAMETER, "4.2.8",
           [server_hello(share(0x1D, bytes(33)))]),
    Attack("a share that yields zero", P.BAD_SHARE, Alert.ILLEGAL_PARAMETER, "7.4.2",
           [server_hello(share(0x1D, bytes(32)))]),
    Attack("a message behind ServerHello", P.KEY_CHANGE_NOT_ALIGNED, Alert.UNEXPECTED_MESSAGE, "5.1",
           [Edit(SERVER_HELLO, lambda raw: [raw, message(ENCRYPTED_EXTENSIONS, b"\0\0")])], deaf=True),
    Attack("no ServerHello", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4",
           [Edit(SERVER_HELLO, lambda raw: [message(ENCRYPTED_EXTENSIONS, b"\0\0")])]),
    Attack("a HelloRequest", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4",
           [Edit(SERVER_HELLO, lambda raw: [message(0, b"")])]),
    Attack("a ServerHello twice", P.KEY_CHANGE_NOT_ALIGNED, Alert.UNEXPECTED_MESSAGE, "5.1",
           [Edit(SERVER_HELLO, lambda raw: [raw, raw])], deaf=True),
    Attack("plaintext data", P.UNEXPECTED_APPLICATION_DATA, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(SERVER_HELLO, lambda raw: [Record(22, raw[:1]), Record(23, b"x")])]),
]  # fmt: skip


def retry(change: Callable[[ServerHello], ServerHello]) -> list[Edit]:
    """An edit of the HelloRetryRequest alone."""
    return [server_hello(change, nth=0)]


def then(change: Callable[[ServerHello], ServerHello]) -> list[Edit]:
    """An edit of the ServerHello after a retry."""
    return [server_hello(change, nth=1)]


RETRY = [
    Attack("a retry for nothing", P.RETRY_CHANGES_NOTHING, Alert.ILLEGAL_PARAMETER, "4.1.4",
           retry(drop_extension(SHARES)), server=RETRYING),
    Attack("a retry for the share sent", P.RETRY_GROUP_ALREADY_SHARED, Alert.ILLEGAL_PARAMETER, "4.2.8",
           retry(put_extension(SHARES, b"\0\x1d")), server=RETRYING),
    Attack("a retry for a group not offered", P.SELECTED_GROUP_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.2.8",
           retry(put_extension(SHARES, b"\0\x19")), server=RETRYING),
    Attack("a retry with a suite not offered", P.SELECTED_SUITE_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.1.4",
           retry(lambda h: evolve(h, suite=0x1304)), server=RETRYING),
    Attack("a retry with half a group", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.8",
           retry(put_extension(SHARES, b"\0")), server=RETRYING),
    Attack("a retry with an empty cookie", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.2.2",
           retry(put_extension(COOKIE, b"\0\0")), server=COOKIE_TOO),
    Attack("a retry with another session ID", P.SESSION_ID_NOT_ECHOED, Alert.ILLEGAL_PARAMETER, "4.1.4",
           retry(lambda h: evolve(h, session_id=b"")), server=RETRYING),
    Attack("a retry without a version", P.SERVER_TOO_OLD, Alert.PROTOCOL_VERSION, "4.1.4",
           retry(drop_extension(VERSIONS)), server=RETRYING),
    Attack("an unknown extension in a retry", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.2",
           retry(put_extension(0x4444, b"")), server=RETRYING),
    Attack("server_name in a retry", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           retry(put_extension(0, b"")), server=RETRYING),
    Attack("a second retry", P.SECOND_HELLO_RETRY_REQUEST, Alert.UNEXPECTED_MESSAGE, "4.1.4",
           then(lambda h: evolve(put_extension(SHARES, b"\0\x17")(h), random=RETRY_RANDOM)), server=RETRYING),
    Attack("another suite after a retry", P.RETRY_SUITE_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.4",
           then(lambda h: evolve(h, suite=0x1303)), server=RETRYING),
    Attack("another version after a retry", P.RETRY_VERSION_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.4",
           then(put_extension(VERSIONS, b"\x03\x05")), server=RETRYING),
    Attack("TLS 1.2 after a retry", P.RETRY_VERSION_CHANGED, Alert.ILLEGAL_PARAMETER, "4.1.4",
           then(old()), server=RETRYING),
    Attack("another group after a retry", P.SELECTED_GROUP_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.2.8",
           then(share(0x1D, bytes(range(32)))), server=RETRYING),
    Attack("a cookie in ServerHello", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           then(put_extension(COOKIE, vec16(b"x"))), server=RETRYING),
]  # fmt: skip


ENCRYPTED = [
    Attack("extensions cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "6.2",
           [Edit(ENCRYPTED_EXTENSIONS, lambda raw: [message(8, b"\0")])]),
    Attack("bytes behind the extensions", P.TRAILING_DATA, Alert.DECODE_ERROR, "6.2",
           [Edit(ENCRYPTED_EXTENSIONS, lambda raw: [message(8, b"\0\0\0")])]),
    Attack("ALPN unasked", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.2",
           [extensions({ALPN: b"\0\x03\x02h2"})]),
    Attack("another ALPN", P.SELECTED_ALPN_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "RFC 7301 3.1",
           [extensions({ALPN: b"\0\x03\x02h3"})], client={"alpn": (b"h2",)}),
    Attack("two ALPNs", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "RFC 7301 3.1",
           [extensions({ALPN: b"\0\x06\x02h2\x02h2"})], client={"alpn": (b"h2",)}),
    Attack("no ALPN in ALPN", P.EMPTY_LIST, Alert.DECODE_ERROR, "RFC 7301 3.1",
           [extensions({ALPN: b"\0\0"})], client={"alpn": (b"h2",)}),
    Attack("a server_name that says something", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "RFC 6066 3",
           [extensions({0: b"x"})]),
    Attack("key_share encrypted", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.3.1",
           [extensions({SHARES: b"\0\x1d"})]),
    Attack("early data accepted", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.2.10",
           [extensions({42: b""})]),
    Attack("101 extensions", P.TOO_MANY_EXTENSIONS, Alert.ILLEGAL_PARAMETER, "4.2",
           [extensions({0x4000 + n: b"" for n in range(101)})]),
    Attack("no EncryptedExtensions", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.3.1",
           [Edit(ENCRYPTED_EXTENSIONS, lambda raw: [])]),
    Attack("a plaintext alert with keys in use", P.PLAINTEXT_RECORD, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(ENCRYPTED_EXTENSIONS, lambda raw: [raw, Record(21, b"\x02\x28", plain=True)])]),
    Attack("plaintext EncryptedExtensions", P.PLAINTEXT_RECORD, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(ENCRYPTED_EXTENSIONS, lambda raw: [Record(22, raw, plain=True)])]),
    Attack("plaintext data with keys", P.UNEXPECTED_APPLICATION_DATA, Alert.UNEXPECTED_MESSAGE, "5",
           [Edit(ENCRYPTED_EXTENSIONS, lambda raw: [Record(23, b"x")])]),
    Attack("a request context", P.BAD_CERTIFICATE_CONTEXT, Alert.ILLEGAL_PARAMETER, "4.3.2",
           [Edit(REQUEST, lambda raw: [messages.encode_certificate_request(
               CertificateRequest(b"x", {13: b"\0\x02\x04\x03"}))])], client=IDENTIFIED, server=ASKING),
    Attack("a request without schemes", P.MISSING_EXTENSION, Alert.MISSING_EXTENSION, "4.3.2",
           [Edit(REQUEST, lambda raw: [message(REQUEST, b"\0\0\0")])], client=IDENTIFIED, server=ASKING),
    Attack("a request with half a scheme", P.MALFORMED_EXTENSION, Alert.DECODE_ERROR, "4.2.3",
           [Edit(REQUEST, lambda raw: [messages.encode_certificate_request(
               CertificateRequest(b"", {13: b"\0\x01\x04"}))])], client=IDENTIFIED, server=ASKING),
    Attack("key_share in a request", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [Edit(REQUEST, lambda raw: [messages.encode_certificate_request(
               CertificateRequest(b"", {13: b"\0\x02\x04\x03", SHARES: b""}))])],
           client=IDENTIFIED, server=ASKING),
    Attack("a request twice", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.3.2",
           [Edit(REQUEST, lambda raw: [raw, raw])], client=IDENTIFIED, server=ASKING),
]  # fmt: skip


def entry(extensions: bytes = b"") -> bytes:
    return vec24(pki.credential().chain[0]) + vec16(extensions)


def compressed(code: int, size: int, data: bytes) -> list[Edit]:
    packed = messages.encode_compressed_certificate(CompressedCertificate(code, size, data))
    return [Edit(kind, lambda raw: [packed]) for kind in (CERTIFICATE, 25)]


BOMB = zlib.compress(bytes(200_000))

AUTHENTICATION = [
    Attack("no certificate", P.NO_CERTIFICATE, Alert.DECODE_ERROR, "4.4.2.4",
           [Edit(CERTIFICATE, lambda raw: [certificate()])]),
    Attack("a certificate context", P.BAD_CERTIFICATE_CONTEXT, Alert.ILLEGAL_PARAMETER, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(entry(), context=b"x")])]),
    Attack("eleven certificates", P.CHAIN_TOO_LARGE, Alert.BAD_CERTIFICATE, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(*[entry()] * 11)])]),
    Attack("a stapled answer unasked", P.UNSOLICITED_EXTENSION, Alert.UNSUPPORTED_EXTENSION, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(entry(b"\0\x05\0\0"))])]),
    Attack("ALPN in a certificate", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
           [Edit(CERTIFICATE, lambda raw: [certificate(entry(b"\0\x10\0\0"))])]),
    Attack("certificates cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.4.2",
           [Edit(CERTIFICATE, lambda raw: [message(CERTIFICATE, b"\0" + vec24(entry()[:-1]))])]),
    Attack("Certificate skipped", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4",
           [Edit(CERTIFICATE, lambda raw: [])]),
    Attack("Certificate twice", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4",
           [Edit(CERTIFICATE, lambda raw: [raw, raw])]),
    Attack("CertificateVerify skipped", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4.3",
           [Edit(VERIFY, lambda raw: [])]),
    Attack("a scheme for certificates alone", P.SCHEME_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "4.4.3",
           [Edit(VERIFY, lambda raw: [encode_certificate_verify(0x0401, raw[8:])])]),
    Attack("a scheme for another key", P.SCHEME_KEY_MISMATCH, Alert.ILLEGAL_PARAMETER, "4.4.3",
           [Edit(VERIFY, lambda raw: [encode_certificate_verify(0x0804, bytes(256))])]),
    Attack("a scheme for another curve", P.SCHEME_KEY_MISMATCH, Alert.ILLEGAL_PARAMETER, "4.2.3",
           [Edit(VERIFY, lambda raw: [encode_certificate_verify(0x0503, raw[8:])])]),
    Attack("a wrong signature", P.BAD_SIGNATURE, Alert.DECRYPT_ERROR, "4.4.3",
           [Edit(VERIFY, lambda raw: [raw[:-1] + bytes([raw[-1] ^ 1])])]),
    Attack("bytes behind the signature", P.TRAILING_DATA, Alert.DECODE_ERROR, "6.2",
           [Edit(VERIFY, lambda raw: [message(VERIFY, raw[4:] + b"\0")])]),
    Attack("a wrong Finished", P.BAD_FINISHED, Alert.DECRYPT_ERROR, "4.4.4",
           [Edit(FINISHED, lambda raw: [message(FINISHED, bytes(32))])]),
    Attack("a long Finished", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.4.4",
           [Edit(FINISHED, lambda raw: [message(FINISHED, raw[4:] + b"\0")])]),
    Attack("a message behind Finished", P.KEY_CHANGE_NOT_ALIGNED, Alert.UNEXPECTED_MESSAGE, "5.1",
           [Edit(FINISHED, lambda raw: [raw, message(4, b"")])], deaf=True),
    Attack("a ticket before Finished", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.6.1",
           [Edit(FINISHED, lambda raw: [message(4, b""), raw])]),
    Attack("data before Finished", P.UNEXPECTED_APPLICATION_DATA, Alert.UNEXPECTED_MESSAGE, "4.4.4",
           [Edit(FINISHED, lambda raw: [Record(23, b"x"), raw])]),
    Attack("compression not offered", P.COMPRESSION_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "RFC 8879 4",
           compressed(0x4444, 100, b"x")),
    Attack("compression forbidden by policy", P.COMPRESSION_NOT_OFFERED, Alert.ILLEGAL_PARAMETER, "RFC 8879 4",
           compressed(1, 100, b"x"), client={"policy": evolve(LIGHT, certificate_compression=False)}),
    Attack("data that does not decompress", P.BAD_COMPRESSED_CERTIFICATE, Alert.BAD_CERTIFICATE, "RFC 8879 4",
           compressed(1, 100, b"x")),
    Attack("more than announced", P.BAD_COMPRESSED_CERTIFICATE, Alert.BAD_CERTIFICATE, "RFC 8879 4",
           compressed(1, 99, zlib.compress(bytes(100)))),
    Attack("less than announced", P.BAD_COMPRESSED_CERTIFICATE, Alert.BAD_CERTIFICATE, "RFC 8879 4",
           compressed(1, 101, zlib.compress(bytes(100)))),
    Attack("a bomb", P.BAD_COMPRESSED_CERTIFICATE, Alert.BAD_CERTIFICATE, "RFC 8879 4",
           compressed(1, 200_000, BOMB)),
    Attack("a bomb that lies", P.BAD_COMPRESSED_CERTIFICATE, Alert.BAD_CERTIFICATE, "RFC 8879 4",
           compressed(1, 1000, BOMB)),
    Attack("nothing compressed", P.EMPTY_LIST, Alert.DECODE_ERROR, "RFC 8879 4", compressed(1, 100, b"")),
    Attack("garbage behind compressed", P.TRAILING_DATA, Alert.DECODE_ERROR, "6.2",
           [Edit(CERTIFICATE, lambda raw: [message(25, b"\0\x01\0\0\x64" + vec24(b"x") + b"\0")])]),
    Attack("a compressed certificate that is none", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "RFC 8879 4",
           compressed(1, 3, zlib.compress(vec8(b"") + b"\0\0"))),
]  # fmt: skip

ON_CLIENT = [*HELLO, *RETRY, *ENCRYPTED, *AUTHENTICATION]
