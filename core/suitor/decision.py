"""The words of a negotiation: what is offered, what is chosen, and every candidate's fate. Plain data."""

from __future__ import annotations

from enum import Enum
from typing import Any

from attrs import frozen

from suitor.catalogue import LitSuite
from suitor.errors import NoAgreement, PeerMisbehaved
from suitor.plug.interfaces import Credential, Group, SignatureScheme


class Axis(Enum):
    """What is being chosen."""

    VERSION = "version"
    SUITE = "suite"
    GROUP = "group"
    SIGNATURE = "signature"
    CREDENTIAL = "credential"
    ALPN = "alpn"


class Verdict(Enum):
    """Why a candidate was taken or dropped."""

    TAKEN = "taken"
    LESS_PREFERRED = "usable, but another is preferred"
    NOT_OFFERED = "the peer does not offer it"
    NOT_IN_POLICY = "the policy does not list it"
    NOT_INSTALLED = "nothing installed provides it"
    BELOW_FLOOR = "weaker than the policy's floor"
    WRONG_VERSION = "does not belong to the chosen version"
    NO_SHARE = "usable, but no key share came with it"
    NO_GROUP = "its key exchange has no group in common"
    NO_KEY = "no certificate here has a key for it"
    NO_SCHEME = "the client accepts no signature scheme that its key can make"
    STAGE = "the credentials stage's own word"
    CERTIFICATES_ONLY = "accepted inside certificates alone"
    NOT_CHOSEN = "offered, and the server chose otherwise"
    NEVER_OFFERED = "selected by the server, though it was never offered"
    GREASE = "a GREASE value, ignored (RFC 8701)"
    UNKNOWN = "not in the registry"
    SIGNALLING = "a signal, not an algorithm"
    NOT_SPOKEN = "this version of Suitor does not speak it"


@frozen
class Offer:
    """What a ClientHello offers, as plain wire codes in the client's order. ``shares`` are the groups that
    came with a key share. ``signatures`` None means that the extension was missing."""

    versions: tuple[int, ...]
    suites: tuple[int, ...]
    groups: tuple[int, ...] = ()
    shares: tuple[int, ...] = ()
    signatures: tuple[int, ...] | None = None
    certificate_signatures: tuple[int, ...] | None = None
    server_name: str | None = None
    alpn: tuple[bytes, ...] = ()


@frozen
class Note:
    """One candidate's fate. ``code`` is its wire code, where it has one."""

    axis: Axis
    candidate: str
    code: int | None
    verdict: Verdict
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "axis": self.axis.value,
            "candidate": self.candidate,
            "code": self.code,
            "verdict": self.verdict.name.lower(),
            "reason": self.verdict.value,
            "detail": self.detail,
        }


@frozen
class Agreement:
    """What was chosen on each axis. ``retry``: the group needs a HelloRetryRequest first. ``group`` is None for
    a key exchange of TLS 1.2 without one, ``signature`` for one that nothing is signed in."""

    version: int
    suite: LitSuite
    group: Group | None
    retry: bool
    signature: SignatureScheme | None
    credential: Credential | None
    alpn: bytes | None


@frozen
class Decision:
    """The outcome: an agreement or a refusal, with the notes that were recorded on the way. A server's refusal
    is a NoAgreement; a client's says how the server's answer broke the offer."""

    agreement: Agreement | None
    refusal: NoAgreement | PeerMisbehaved | None
    notes: tuple[Note, ...] = ()
