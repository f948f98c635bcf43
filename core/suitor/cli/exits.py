"""What the command's exit codes mean, and which error leads to which."""

from __future__ import annotations

from enum import IntEnum

from suitor.errors import (
    Alert,
    ConnectionEnded,
    Ended,
    LocalError,
    NegotiationError,
    SuitorError,
    VerificationError,
)


class Exit(IntEnum):
    """Exit codes of ``suitor``. A peer's alert counts as what it complains about."""

    SUCCESS = 0
    PROBLEMS = 1
    """``suitor plugins --strict``: a plugin was refused."""
    LOCAL = 2
    """Wrong usage, or a mistake on this side: a file, a policy, a name."""
    VERIFICATION = 3
    """A certificate was refused, by this side or by the peer."""
    NEGOTIATION = 4
    """The two sides have nothing in common."""
    NETWORK = 5
    """No connection, a timeout, or one that ended without close_notify."""
    PROTOCOL = 6
    """A side broke the protocol."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it: 128 and the signal's number."""
    BROKEN_PIPE = 141
    """Whoever read the output went away."""


_ABOUT_CERTIFICATES = frozenset(
    {
        Alert.BAD_CERTIFICATE,
        Alert.UNSUPPORTED_CERTIFICATE,
        Alert.CERTIFICATE_REVOKED,
        Alert.CERTIFICATE_EXPIRED,
        Alert.CERTIFICATE_UNKNOWN,
        Alert.UNKNOWN_CA,
        Alert.ACCESS_DENIED,
        Alert.BAD_CERTIFICATE_STATUS_RESPONSE,
        Alert.CERTIFICATE_REQUIRED,
    }
)

_ABOUT_AGREEMENT = frozenset(
    {
        Alert.HANDSHAKE_FAILURE,
        Alert.PROTOCOL_VERSION,
        Alert.INSUFFICIENT_SECURITY,
        Alert.INAPPROPRIATE_FALLBACK,
        Alert.UNRECOGNIZED_NAME,
        Alert.NO_APPLICATION_PROTOCOL,
    }
)


def exit_for(error: SuitorError) -> Exit:
    """The exit code for an error that ended a connection, or kept it from starting."""
    if isinstance(error, LocalError):
        return Exit.LOCAL
    if isinstance(error, VerificationError):
        return Exit.VERIFICATION
    if isinstance(error, NegotiationError):
        return Exit.NEGOTIATION
    if isinstance(error, ConnectionEnded):
        if error.reason is not Ended.PEER_ALERT:
            return Exit.NETWORK
        if error.peer_alert in _ABOUT_CERTIFICATES:
            return Exit.VERIFICATION
        if error.peer_alert in _ABOUT_AGREEMENT:
            return Exit.NEGOTIATION
    return Exit.PROTOCOL
