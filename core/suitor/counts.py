"""How often a peer may do what costs it little and this side more (RFC 8446 sections 4.6, 5.4 and 6.1)."""

from __future__ import annotations

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.policy import Limits


class Counts:
    """What one peer did; each method counts one more and raises ProtocolError when it is one too many.

    Data set ``empty`` and ``key_updates`` back to 0: only a row of them without data is suspicious.
    """

    __slots__ = ("_limits", "empty", "key_updates", "renegotiations", "tickets", "warnings")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.empty = self.key_updates = self.renegotiations = self.tickets = self.warnings = 0

    def empty_record(self) -> None:
        """A record without content, or a change_cipher_spec."""
        self.empty += 1
        if self.empty > self._limits.empty_records:
            raise ProtocolError(PeerMisbehaved.TOO_MANY_EMPTY_RECORDS)

    def key_update(self) -> None:
        self.key_updates += 1
        if self.key_updates > self._limits.key_updates:
            raise ProtocolError(PeerMisbehaved.TOO_MANY_KEY_UPDATES)

    def renegotiation(self) -> None:
        """A wish to renegotiate in TLS 1.2, which costs a warning alert each; data do not make up for it."""
        self.renegotiations += 1
        if self.renegotiations > self._limits.warning_alerts:
            raise ProtocolError(PeerMisbehaved.TOO_MANY_RENEGOTIATIONS)

    def ticket(self) -> None:
        self.tickets += 1
        if self.tickets > self._limits.tickets:
            raise ProtocolError(PeerMisbehaved.TOO_MANY_TICKETS)

    def warning(self) -> None:
        self.warnings += 1
        if self.warnings > self._limits.warning_alerts:
            raise ProtocolError(PeerMisbehaved.TOO_MANY_WARNINGS)
