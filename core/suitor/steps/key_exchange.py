"""Key shares (RFC 8446 section 4.2.8): a group's three moves, held to their contract."""

from __future__ import annotations

from typing import Any

from suitor.errors import PeerMisbehaved, ProtocolError, plugin_failed
from suitor.plug.interfaces import BadShare, Group


def start(group: Group) -> tuple[Any, bytes]:
    """Client: a private value and the share to send."""
    try:
        private, share = group.start()
    except Exception as error:
        raise plugin_failed(f"group {group.name}", "start", error) from error
    if type(share) is not bytes or not share:
        raise plugin_failed(f"group {group.name}", "start", "the share is not bytes")
    return private, share


def answer(group: Group, client_share: bytes) -> tuple[bytes, bytes]:
    """Server: the share to send back, and the shared secret."""
    _check_size(group, group.client_share_size, client_share)
    try:
        share, secret = group.answer(client_share)
    except BadShare as error:
        raise ProtocolError(PeerMisbehaved.BAD_SHARE, group.name) from error
    except Exception as error:
        raise plugin_failed(f"group {group.name}", "answer", error) from error
    if type(share) is not bytes or not share or type(secret) is not bytes or not secret:
        raise plugin_failed(f"group {group.name}", "answer", "the share and the secret are not both bytes")
    return share, secret


def finish(group: Group, private: Any, server_share: bytes) -> bytes:
    """Client: the shared secret."""
    _check_size(group, group.server_share_size, server_share)
    try:
        secret = group.finish(private, server_share)
    except BadShare as error:
        raise ProtocolError(PeerMisbehaved.BAD_SHARE, group.name) from error
    except Exception as error:
        raise plugin_failed(f"group {group.name}", "finish", error) from error
    if type(secret) is not bytes or not secret:
        raise plugin_failed(f"group {group.name}", "finish", "the secret is not bytes")
    return secret


def _check_size(group: Group, size: int, share: bytes) -> None:
    if size and len(share) != size:
        raise ProtocolError(PeerMisbehaved.BAD_SHARE, f"{group.name}: {len(share)} bytes, not {size}")
