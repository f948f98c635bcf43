"""Suitor: cipher-suite negotiation for TLS in which every algorithm is a plugin and every choice is told why.

* :func:`negotiate` alone decides, and explains: offer x policy x catalogue -> decision.
* :class:`Connection` is the sans-IO engine: bytes in, bytes and events out.
* :func:`connect` and :func:`wrap` are blocking sockets; :func:`open_connection` and :func:`start_server` asyncio.
* ``suitor.plug`` is what a plugin's author imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from suitor.catalogue import Catalogue, default_catalogue
from suitor.config import ClientAuth, ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.decision import Agreement, Axis, Decision, Note, Offer, Verdict
from suitor.errors import (
    Alert,
    ConnectionEnded,
    Ended,
    LocalError,
    LocalMistake,
    NegotiationError,
    NoAgreement,
    PeerMisbehaved,
    ProtocolError,
    Reason,
    RemoteError,
    SuitorError,
    Untrusted,
    VerificationError,
)
from suitor.events import (
    ConnectionInfo,
    DataReceived,
    Event,
    HandshakeCompleted,
    JobNeeded,
    KeyUpdated,
    PeerClosed,
    TraceEntry,
    TraceKind,
)
from suitor.negotiate import negotiate
from suitor.policy import COMPATIBLE, LEGACY, MODERN, HelloRetry, Limits, Policy, Preference, find_policy
from suitor.wire.hello import ClientHello, decode_client_hello

if TYPE_CHECKING:
    from suitor.io.sockets import TLSSocket, connect, wrap
    from suitor.io.streams import open_connection, start_server
    from suitor.plug.loader import load_catalogue

_ON_FIRST_USE = {
    "TLSSocket": "suitor.io.sockets",
    "connect": "suitor.io.sockets",
    "wrap": "suitor.io.sockets",
    "load_catalogue": "suitor.plug.loader",
    "open_connection": "suitor.io.streams",
    "start_server": "suitor.io.streams",
}
"""asyncio, sockets and the metadata of distributions cost more to import than the engine, which needs none."""


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return getattr(import_module(_ON_FIRST_USE[name]), name)
    raise AttributeError(f"module 'suitor' has no attribute {name!r}")


__all__ = [
    "COMPATIBLE",
    "LEGACY",
    "MODERN",
    "Agreement",
    "Alert",
    "Axis",
    "Catalogue",
    "ClientAuth",
    "ClientConfig",
    "ClientHello",
    "Connection",
    "ConnectionEnded",
    "ConnectionInfo",
    "DataReceived",
    "Decision",
    "Ended",
    "Event",
    "HandshakeCompleted",
    "HelloRetry",
    "JobNeeded",
    "KeyUpdated",
    "Limits",
    "LocalError",
    "LocalMistake",
    "NegotiationError",
    "NoAgreement",
    "Note",
    "Offer",
    "PeerClosed",
    "PeerMisbehaved",
    "Policy",
    "Preference",
    "ProtocolError",
    "Reason",
    "RemoteError",
    "ServerConfig",
    "SuitorError",
    "TLSSocket",
    "TraceEntry",
    "TraceKind",
    "Untrusted",
    "Verdict",
    "VerificationError",
    "connect",
    "decode_client_hello",
    "default_catalogue",
    "find_policy",
    "load_catalogue",
    "negotiate",
    "open_connection",
    "start_server",
    "wrap",
]
