"""What a hostile peer of either role does to records, and after the handshake."""

from __future__ import annotations

from suitor.errors import Alert, PeerMisbehaved
from suitor.wire.codec import message, vec8, vec16
from suitor.wire.messages import encode_key_update
from tests.flows.attack import Attack
from tests.support.hostile import Inner, Item, Raw, Record, Villain

P = PeerMisbehaved

TICKET = message(4, bytes(8) + vec8(b"n") + vec16(b"ticket") + vec16(b""))


def put(*items: Item) -> object:
    return lambda villain: villain.put(*items)


def updates(count: int) -> object:
    """That many KeyUpdates with the keys that follow from them."""

    def send(villain: Villain) -> None:
        for _ in range(count):
            villain.update_keys()

    return send


def after(name: str, reason: PeerMisbehaved, alert: Alert, rule: str, *items: Item) -> Attack:
    return Attack(name, reason, alert, rule, after=put(*items))  # type: ignore[arg-type]


CCS = Record(20, b"\x01", plain=True)

# These come first, with nothing before them.
FIRST = [
    Attack("not TLS at all", P.NOT_TLS, Alert.UNEXPECTED_MESSAGE, "5.1", raw=b"GET / HTTP/1.1\r\n\r\n"),
    Attack("one byte that is not TLS", P.NOT_TLS, Alert.UNEXPECTED_MESSAGE, "5.1", raw=b"\x80"),
    Attack("SSL 2.0's record", P.RECORD_VERSION, Alert.PROTOCOL_VERSION, "D.5", raw=b"\x16\x02\x00\x00\x05"),
    Attack("a record too long", P.RECORD_OVERFLOW, Alert.RECORD_OVERFLOW, "5.1", raw=b"\x16\x03\x01\x40\x01"),
    Attack("an empty handshake record", P.EMPTY_RECORD, Alert.UNEXPECTED_MESSAGE, "5.1",
           raw=b"\x16\x03\x01\x00\x00"),
    Attack("an alert of one byte", P.MALFORMED_ALERT, Alert.DECODE_ERROR, "6", raw=b"\x15\x03\x01\x00\x01\x02"),
    Attack("two alerts in a record", P.MALFORMED_ALERT, Alert.DECODE_ERROR, "5.1",
           raw=b"\x15\x03\x01\x00\x04\x01\x5a\x01\x00"),
    Attack("an alert between parts", P.INTERLEAVED_RECORD, Alert.UNEXPECTED_MESSAGE, "5.1",
           raw=b"\x16\x03\x01\x00\x01\x01" + b"\x15\x03\x01\x00\x02\x01\x5a"),
    Attack("an unknown record type", P.BAD_RECORD_TYPE, Alert.UNEXPECTED_MESSAGE, "5",
           raw=b"\x16\x03\x01\x00\x01\x01" + b"\x18\x03\x03\x00\x03\x01\x00\x00"),
    Attack("a message too large", P.MESSAGE_TOO_LARGE, Alert.ILLEGAL_PARAMETER, "4",
           raw=b"\x16\x03\x01\x00\x04\x02\x02\x00\x01"),
    Attack("five user_canceled", P.TOO_MANY_WARNINGS, Alert.UNEXPECTED_MESSAGE, "6.1",
           raw=b"\x15\x03\x01\x00\x02\x01\x5a" * 5),
]  # fmt: skip

# These come when the handshake is done.
LATER = [
    after("garbage", P.BAD_RECORD_MAC, Alert.BAD_RECORD_MAC, "5.2", Raw(b"\x17\x03\x03\x00\x20" + bytes(32))),
    after("shorter than a tag", P.BAD_RECORD_MAC, Alert.BAD_RECORD_MAC, "5.2",
          Raw(b"\x17\x03\x03\x00\x10" + bytes(16))),
    after("an empty ciphertext", P.BAD_RECORD_MAC, Alert.BAD_RECORD_MAC, "5.2", Raw(b"\x17\x03\x03\x00\x00")),
    after("ciphertext too long", P.RECORD_OVERFLOW, Alert.RECORD_OVERFLOW, "5.2",
          Raw(b"\x17\x03\x03\x41\x01")),
    after("plaintext too long", P.RECORD_OVERFLOW, Alert.RECORD_OVERFLOW, "5.4", Inner(bytes(16_385) + b"\x17")),
    after("padding too long", P.RECORD_OVERFLOW, Alert.RECORD_OVERFLOW, "5.4", Inner(b"x\x17" + bytes(16_384))),
    after("nothing but padding", P.NO_CONTENT_TYPE, Alert.UNEXPECTED_MESSAGE, "5.4", Inner(bytes(100))),
    after("one byte of padding", P.NO_CONTENT_TYPE, Alert.UNEXPECTED_MESSAGE, "5.4", Inner(b"\0")),
    after("an unknown type inside", P.BAD_RECORD_TYPE, Alert.UNEXPECTED_MESSAGE, "5", Inner(b"x\x18")),
    after("change_cipher_spec inside", P.BAD_RECORD_TYPE, Alert.UNEXPECTED_MESSAGE, "5", Inner(b"\x01\x14")),
    after("an unknown type", P.BAD_RECORD_TYPE, Alert.UNEXPECTED_MESSAGE, "5", Raw(b"\x19\x03\x03\x00\x01x")),
    after("no handshake message inside", P.EMPTY_RECORD, Alert.UNEXPECTED_MESSAGE, "5.4", Inner(b"\x16\0\0")),
    after("no alert inside", P.EMPTY_RECORD, Alert.UNEXPECTED_MESSAGE, "5.4", Inner(b"\x15")),
    after("33 empty records", P.TOO_MANY_EMPTY_RECORDS, Alert.UNEXPECTED_MESSAGE, "5.4",
          *[Record(23, b"")] * 33),
    after("33 padded empty records", P.TOO_MANY_EMPTY_RECORDS, Alert.UNEXPECTED_MESSAGE, "5.4",
          *[Inner(b"\x17" + bytes(500))] * 33),
    after("a plaintext alert", P.PLAINTEXT_RECORD, Alert.UNEXPECTED_MESSAGE, "5",
          Record(21, b"\x01\x00", plain=True)),
    after("a plaintext message", P.PLAINTEXT_RECORD, Alert.UNEXPECTED_MESSAGE, "5",
          Record(22, TICKET, plain=True)),
    after("change_cipher_spec", P.BAD_CHANGE_CIPHER_SPEC, Alert.UNEXPECTED_MESSAGE, "5", CCS),
    after("data between parts", P.INTERLEAVED_RECORD, Alert.UNEXPECTED_MESSAGE, "5.1",
          Record(22, encode_key_update(False)[:3]), Record(23, b"x")),
    after("close_notify between parts", P.INTERLEAVED_RECORD, Alert.UNEXPECTED_MESSAGE, "5.1",
          Record(22, encode_key_update(False)[:3]), Record(21, b"\x01\x00")),
    after("a message behind a key update", P.KEY_CHANGE_NOT_ALIGNED, Alert.UNEXPECTED_MESSAGE, "5.1",
          encode_key_update(False) * 2),
    after("a key update of 2", P.BAD_KEY_UPDATE, Alert.ILLEGAL_PARAMETER, "4.6.3", message(24, b"\x02")),
    after("a key update of two bytes", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.6.3", message(24, b"\0\0")),
    after("the old key after an update", P.BAD_RECORD_MAC, Alert.BAD_RECORD_MAC, "4.6.3",
          encode_key_update(False), Record(23, b"x")),
    after("a hello again", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.1.2", message(1, bytes(40))),
    after("a Finished again", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.4.4", message(20, bytes(32))),
    after("a request for certificates", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.6.2",
          message(13, b"\0\0\0")),
    after("a message too large", P.MESSAGE_TOO_LARGE, Alert.ILLEGAL_PARAMETER, "4", b"\x04\x02\x00\x01"),
    after("an alert of three bytes", P.MALFORMED_ALERT, Alert.DECODE_ERROR, "6", Record(21, b"\x02\x28\x00")),
    after("five user_canceled", P.TOO_MANY_WARNINGS, Alert.UNEXPECTED_MESSAGE, "6.1",
          *[Record(21, b"\x01\x5a")] * 5),
    Attack("33 key updates", P.TOO_MANY_KEY_UPDATES, Alert.UNEXPECTED_MESSAGE, "4.6.3",
           after=updates(33)),  # type: ignore[arg-type]
]  # fmt: skip

# Only a server sends tickets (RFC 8446 section 4.6.1).
LATER_ON_CLIENT = [
    after("65 tickets", P.TOO_MANY_TICKETS, Alert.UNEXPECTED_MESSAGE, "4.6.1", *[TICKET] * 65),
    after("an empty ticket", P.EMPTY_LIST, Alert.DECODE_ERROR, "4.6.1",
          message(4, bytes(8) + b"\0" + vec16(b"") + vec16(b""))),
    after("a ticket cut", P.MALFORMED_MESSAGE, Alert.DECODE_ERROR, "4.6.1", message(4, bytes(8))),
    after("a ticket and more", P.TRAILING_DATA, Alert.DECODE_ERROR, "6.2", message(4, TICKET[4:] + b"\0")),
    after("key_share in a ticket", P.MISPLACED_EXTENSION, Alert.ILLEGAL_PARAMETER, "4.2",
          message(4, bytes(8) + b"\0" + vec16(b"t") + vec16(b"\0\x33\0\0"))),
]  # fmt: skip

LATER_ON_SERVER = [
    after("a ticket from a client", P.UNEXPECTED_MESSAGE, Alert.UNEXPECTED_MESSAGE, "4.6.1", TICKET),
]
