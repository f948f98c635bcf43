"""The policy itself: frozen, comparable, and never half valid."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, fields, frozen

from suitor import registry
from suitor.errors import LocalError, LocalMistake


class Preference(Enum):
    """Whose order decides a server's choice of suite and group."""

    SERVER = "server"
    CLIENT = "client"


class HelloRetry(Enum):
    """A server's choice when its best common group came without a key share (RFC 8446 section 4.1.1)."""

    AVOID = "avoid"
    """Take a common group that came with a share, if there is one."""
    BEST_GROUP = "best-group"
    """Ask again for the best common group, at the price of a round trip."""


@frozen
class Limits:
    """Bounds on what a peer may make this side hold or do. Sizes in bytes."""

    handshake_message: int = 131_072
    client_hello: int = 65_536
    extensions: int = 100
    certificates: int = 10
    certificate_message: int = 131_072
    empty_records: int = 32
    warning_alerts: int = 4
    key_updates: int = 32
    tickets: int = 64
    early_data: int = 65_536

    def __attrs_post_init__(self) -> None:
        for attribute in fields(Limits):
            if getattr(self, attribute.name) < 0:
                raise LocalError(LocalMistake.BAD_POLICY, f"limits.{attribute.name} is negative")


AXES = ("versions", "suites", "groups", "signatures", "certificate_signatures")
"""The attributes of a policy that are lists of names."""


@frozen(cache_hash=True)
class Policy:
    """Ordered preferences on each axis, by IANA's names (best first), and floors that nothing taken is below.

    ``key_shares``: for how many groups (the first usable ones) a client sends a share at once.
    ``certificate_signatures``: what certificates may be signed with; empty means the same as ``signatures``.
    ``minimum_*`` are in bits: symmetric strength of the cipher, classical strength of group and signature.
    ``middlebox_compat``: look like TLS 1.2 to old middleboxes (RFC 8446 appendix D.4).
    ``certificate_compression``: RFC 8879, where installed.
    ``extended_master_secret``: TLS 1.2 only with it (RFC 7627).
    ``retry_cookie``: a server's HelloRetryRequest carries a cookie (RFC 8446 section 4.2.2).
    ``record_padding``: protected records are padded to a multiple of that many bytes (section 5.4).
    ``winners`` names the distribution to believe where two provide the same thing ("group x25519" -> "dist").
    Names that are not installed stay in the policy and simply never light up.

    Raises LocalError(BAD_POLICY) for an unknown version, a name that stands twice on one axis, a negative
    number, or no version at all.
    """

    name: str
    versions: tuple[str, ...]
    suites: tuple[str, ...]
    groups: tuple[str, ...]
    signatures: tuple[str, ...]
    certificate_signatures: tuple[str, ...] = ()
    preference: Preference = Preference.SERVER
    hello_retry: HelloRetry = HelloRetry.AVOID
    key_shares: int = 1
    minimum_cipher: int = 112
    minimum_group: int = 112
    minimum_signature: int = 112
    middlebox_compat: bool = True
    certificate_compression: bool = True
    extended_master_secret: bool = True
    retry_cookie: bool = False
    record_padding: int = 0
    winners: Mapping[str, str] = field(factory=dict, hash=False)
    limits: Limits = field(factory=Limits)

    def __attrs_post_init__(self) -> None:
        for axis in AXES:
            names = getattr(self, axis)
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise LocalError(LocalMistake.BAD_POLICY, f"{axis} names {twice} twice")
        if not self.versions:
            raise LocalError(LocalMistake.BAD_POLICY, "versions is empty")
        for version in self.versions:
            try:
                registry.version_code(version)
            except KeyError:
                raise LocalError(LocalMistake.BAD_POLICY, f"versions: {version} is not a version") from None
        for number in NUMBERS:
            if getattr(self, number) < 0:
                raise LocalError(LocalMistake.BAD_POLICY, f"{number} is negative")


NUMBERS = tuple(attribute.name for attribute in fields(Policy) if type(attribute.default) is int)
"""The attributes of a policy that are numbers."""

FLAGS = tuple(attribute.name for attribute in fields(Policy) if type(attribute.default) is bool)
"""The attributes of a policy that are yes or no."""
