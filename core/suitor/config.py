"""How one side is set up: policy, catalogue and stages. Checked when built, before any byte is sent."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from attrs import Factory, field, frozen

from suitor.catalogue import Catalogue, default_catalogue
from suitor.errors import LocalError, LocalMistake
from suitor.events import TraceEntry
from suitor.plug.interfaces import Credentials, PeerVerification
from suitor.policy import MODERN, Policy

Keylog = Callable[[str], None]
"""Receives one line of the SSLKEYLOGFILE format (RFC 9850), without the newline."""

Trace = Callable[[TraceEntry], None]


class ClientAuth(Enum):
    """Whether a server asks its clients for a certificate (RFC 8446 section 4.3.2)."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


def _check_alpn(_instance: object, _attribute: object, value: tuple[bytes, ...]) -> None:
    """RFC 7301 section 3.1: names are 1 to 255 bytes long, and the list has to fit into an extension."""
    for name in value:
        if not 1 <= len(name) <= 255:
            raise LocalError(LocalMistake.BAD_ALPN, repr(name))
    if sum(1 + len(name) for name in value) > 16_384:
        raise LocalError(LocalMistake.BAD_ALPN, "all names together are longer than 16384 bytes")


def _catalogue(config: ClientConfig | ServerConfig) -> Catalogue:
    return default_catalogue(config.policy)


@frozen(kw_only=True, eq=False)
class ClientConfig:
    """What a client needs. ``verification`` decides whom to trust; ``credentials`` answers a server that asks
    for a client certificate. ``alpn`` is in preference order. ``explain`` records every candidate."""

    verification: PeerVerification
    policy: Policy = MODERN
    catalogue: Catalogue = field(default=Factory(_catalogue, takes_self=True), repr=False)
    credentials: Credentials | None = None
    alpn: tuple[bytes, ...] = field(default=(), validator=_check_alpn)
    keylog: Keylog | None = field(default=None, repr=False)
    trace: Trace | None = field(default=None, repr=False)
    explain: bool = False


@frozen(kw_only=True, eq=False)
class ServerConfig:
    """What a server needs. ``credentials`` finds its identity by SNI; ``verification`` is needed when
    ``client_auth`` asks for certificates. ``alpn`` is in preference order; when both sides name protocols
    and share none, the handshake is refused (RFC 7301 section 3.2)."""

    credentials: Credentials
    policy: Policy = MODERN
    catalogue: Catalogue = field(default=Factory(_catalogue, takes_self=True), repr=False)
    verification: PeerVerification | None = None
    client_auth: ClientAuth = ClientAuth.NONE
    alpn: tuple[bytes, ...] = field(default=(), validator=_check_alpn)
    keylog: Keylog | None = field(default=None, repr=False)
    trace: Trace | None = field(default=None, repr=False)
    explain: bool = False

    def __attrs_post_init__(self) -> None:
        if self.client_auth is not ClientAuth.NONE and self.verification is None:
            raise LocalError(
                LocalMistake.NO_VERIFICATION,
                "client certificates are asked for, so give a verification stage",
            )
