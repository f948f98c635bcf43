"""What a plugin's object must look like before it enters the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from suitor import registry
from suitor.plug.interfaces import StageFactory
from suitor.registry import PRIVATE_SUITES, TLS12, TLS13, Entry, Suite
from suitor.wire.extensions import ExtensionType


class Kind(Enum):
    """The kinds of things a plugin can bring; the value is the word for people and for ``winners``."""

    GROUP = "group"
    CIPHER = "cipher"
    BLOCK_CIPHER = "block cipher"
    KEY_EXCHANGE = "key exchange"
    HASH = "hash"
    SIGNATURE = "signature"
    SUITE = "suite"
    COMPRESSION = "compression"
    EXTENSION = "extension"
    STAGE = "stage"


class Unfit(Exception):
    """An object does not follow its interface; the text says which attribute and why."""


Rule = Callable[[Any], str | None]
"""Says what is wrong with an attribute's value, or None."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]{0,63}")

MINIMUM_NONCE = 8
"""Bytes: a shorter nonce cannot hold the record's sequence number (RFC 8446 section 5.3)."""

MINIMUM_RECORDS = 64
"""A key for fewer records could not carry a flight and then the KeyUpdate that ends its use."""


def _name(value: Any) -> str | None:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return None
    return "is not a name of 1 to 64 letters, digits and _ . + / -"


def _whole(low: int, high: int | None = None) -> Rule:
    def rule(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return "is not an int"
        if value < low or (high is not None and value > high):
            return f"is not at least {low}" if high is None else f"is not within {low} and {high}"
        return None

    return rule


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "is not a bool"


def _method(value: Any) -> str | None:
    return None if callable(value) else "is not callable"


def _group_kind(value: Any) -> str | None:
    return None if value in ("", "ecdhe", "ffdhe") else 'is none of "ecdhe", "ffdhe" and ""'


def _auth12(value: Any) -> str | None:
    return None if value in ("", "RSA", "ECDSA", "DSS") else 'is none of "RSA", "ECDSA", "DSS" and ""'


_CODE = _whole(0, 0xFFFF)

_RULES: Mapping[Kind, Mapping[str, Rule]] = {
    Kind.GROUP: {
        "name": _name,
        "code": _CODE,
        "strength": _whole(1),
        "post_quantum": _flag,
        "client_share_size": _whole(0, 0xFFFF),
        "server_share_size": _whole(0, 0xFFFF),
        "start": _method,
        "answer": _method,
        "finish": _method,
    },
    Kind.CIPHER: {
        "name": _name,
        "key_size": _whole(1, 255),
        "nonce_size": _whole(MINIMUM_NONCE, 255),
        "tag_size": _whole(1, 255),
        "strength": _whole(1),
        "record_limit": _whole(MINIMUM_RECORDS),
        "key": _method,
    },
    Kind.BLOCK_CIPHER: {
        "name": _name,
        "key_size": _whole(0, 255),
        "block_size": _whole(1, 64),
        "strength": _whole(0),
        "key": _method,
    },
    Kind.KEY_EXCHANGE: {
        "name": _name,
        "has_parameters": _flag,
        "group_kind": _group_kind,
        "forward_secret": _flag,
        "parameters": _method,
        "parameters_size": _method,
        "group_of": _method,
        "answer": _method,
        "finish": _method,
    },
    Kind.HASH: {
        "name": _name,
        "digest_size": _whole(1, 255),
        "new": _method,
        "digest": _method,
        "hmac": _method,
    },
    Kind.SIGNATURE: {
        "name": _name,
        "code": _CODE,
        "strength": _whole(1),
        "handshake13": _flag,
        "accepts": _method,
        "sign": _method,
        "verify": _method,
    },
    Kind.SUITE: {"name": _name, "code": _CODE, "cipher": _name, "hash": _name},
    Kind.COMPRESSION: {"name": _name, "code": _CODE, "compress": _method, "decompress": _method},
    Kind.EXTENSION: {"name": _name, "code": _CODE, "offer": _method, "answer": _method, "accept": _method},
    Kind.STAGE: {"name": _name, "make": _method},
}

_OPTIONAL: Mapping[Kind, Mapping[str, Rule]] = {
    Kind.GROUP: {"tls12": _flag},
    Kind.CIPHER: {"explicit_nonce": _whole(0, 8)},
    Kind.SIGNATURE: {"auth12": _auth12, "accepts12": _method},
}
"""What an algorithm may say about TLS 1.2; wrong if there and wrong."""

_REGISTRIES: Mapping[Kind, Callable[[], Mapping[int, Entry]]] = {
    Kind.GROUP: registry.groups,
    Kind.SIGNATURE: registry.schemes,
    Kind.SUITE: registry.suites,
    Kind.COMPRESSION: registry.compressions,
    Kind.EXTENSION: registry.extensions,
}

_STAGES = (StageFactory.CREDENTIALS, StageFactory.VERIFICATION, StageFactory.RESUMPTION)


def check(kind: Kind, thing: Any) -> None:
    """Raises Unfit when ``thing`` does not follow the interface of its kind or contradicts the registry.

    Whatever else the thing's own attributes raise passes through.
    """
    optional = _OPTIONAL.get(kind, {})
    for attribute, rule in (*_RULES[kind].items(), *optional.items()):
        try:
            value = getattr(thing, attribute)
        except AttributeError:
            if attribute in optional:
                continue
            raise Unfit(f"{attribute} is missing") from None
        wrong = rule(value)
        if wrong:
            raise Unfit(f"{attribute} {value!r} {wrong}" if rule is not _method else f"{attribute} {wrong}")
    if kind in _REGISTRIES:
        _check_registered(_REGISTRIES[kind](), thing.code, thing.name)
    if kind is Kind.SUITE:
        _check_suite(thing)
    elif kind is Kind.STAGE and getattr(thing, "kind", None) not in _STAGES:
        raise Unfit(f"kind {getattr(thing, 'kind', None)!r} is not one of {', '.join(_STAGES)}")
    elif kind is Kind.EXTENSION and thing.code in tuple(ExtensionType):
        raise Unfit(f"code 0x{thing.code:04X} belongs to the core")


def _check_registered(table: Mapping[int, Entry], code: int, name: str) -> None:
    """A registered code goes with its registered name, and the other way round."""
    row = table.get(code)
    if row is not None and row.name != name:
        raise Unfit(f"code 0x{code:04X} is registered to {row.name}")
    if row is None and registry.is_grease(code):
        raise Unfit(f"code 0x{code:04X} is GREASE (RFC 8701)")
    if row is None:
        for other in table.values():
            if other.name == name:
                raise Unfit(f"{name} is registered with code 0x{other.code:04X}")


def _check_suite(thing: Any) -> None:
    """Plugins bring suites on private code points only, for the versions that there are."""
    if not isinstance(thing, Suite):
        raise Unfit("not a suitor.registry.Suite")
    if thing.code not in PRIVATE_SUITES:
        raise Unfit(f"code 0x{thing.code:04X} is not for private use (0xFF00 to 0xFFFF)")
    if not TLS12 <= thing.min_version <= thing.max_version <= TLS13:
        raise Unfit("min_version and max_version are not 0x0303 or 0x0304 in order")
    if (thing.kx == "") != (thing.min_version == TLS13) or (thing.kx == "") != (thing.auth == ""):
        raise Unfit("kx and auth are empty for TLS 1.3 and only there")
