"""A private authority and its certificates, made once for a run."""

from __future__ import annotations

from functools import cache

from suitor.cli.pki import Issued, KeyKind, make_leaf, make_root
from suitor.plug import Credential
from suitor_plugins.verification import PrivateVerification

NAME = "server.example"
CLIENT_NAME = "client.example"


@cache
def root() -> Issued:
    return make_root()


@cache
def credential(kind: KeyKind = KeyKind.P256, name: str = NAME) -> Credential:
    """A server's identity for ``name``."""
    return make_leaf(root(), [name], kind=kind).credential(f"{name} {kind.value}")


@cache
def client_credential(kind: KeyKind = KeyKind.P256) -> Credential:
    return make_leaf(root(), [CLIENT_NAME], client=True, kind=kind).credential(f"client {kind.value}")


@cache
def verification() -> PrivateVerification:
    return PrivateVerification([root().certificate])
