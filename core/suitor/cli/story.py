"""A handshake over loopback, recorded: what ``suitor demo`` tells. Data only; telling is the renderer's work.

``Story.to_dict`` is the documented form, ``suitor.demo/1``: times are in milliseconds from the start, sizes
in bytes. A ``step`` is a message that was sent (``arrived`` says when the other side took it), a key that was
put to use, or a stage that answered, in the order of time. ``candidates`` are every candidate's fate as the
server (or the client, judging the server's answer) saw it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import define, evolve, field, frozen

from suitor.catalogue import Catalogue
from suitor.cli.pki import Issued, KeyKind, make_leaf, make_root
from suitor.cli.report import failure
from suitor.config import ClientConfig, ServerConfig
from suitor.decision import Axis, Decision, Note, Offer
from suitor.errors import SuitorError
from suitor.events import ConnectionInfo, TraceEntry, TraceKind
from suitor.io.streams import TLSReader, TLSWriter, open_connection, start_server
from suitor.names import protocol_name
from suitor.notes import candidate_name
from suitor.plug.interfaces import Selected, StageFactory
from suitor.policy import Policy
from suitor.wire.hello import decode_client_hello

SCHEMA = "suitor.demo/1"
SERVER_NAME = "localhost"
OTHER_NAME = "shop.example"
PROTOCOLS = (b"greeting/2", b"greeting/1")
QUESTION = b"Will you have me?"
ANSWER = b"I will."
TIME = 10.0
"""Seconds that each part of the demonstration may take."""

_KINDS = {
    "ecdsa_secp256r1_sha256": KeyKind.P256,
    "ecdsa_secp384r1_sha384": KeyKind.P384,
    "ed25519": KeyKind.ED25519,
    "rsa_pss_rsae_sha256": KeyKind.RSA2048,
}
_CERTIFICATES = 3


@frozen
class Step:
    """One thing that happened, at ``at`` milliseconds. ``side`` is who did it."""

    at: float
    side: str
    kind: TraceKind
    name: str
    sent: bool
    size: int = 0
    arrived: float | None = None
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "side": self.side,
            "kind": self.kind.value,
            "name": self.name,
            "sent": self.sent,
            "size": self.size,
            "arrived": self.arrived,
            "detail": self.detail,
        }


@frozen
class Story:
    """All of it. ``info`` is missing and ``error`` is there when the handshake failed."""

    policy: str
    certificates: tuple[tuple[str, tuple[str, ...]], ...]
    offer: Offer | None
    steps: tuple[Step, ...]
    server_notes: tuple[Note, ...]
    client_notes: tuple[Note, ...]
    info: ConnectionInfo | None
    exchanged: tuple[tuple[str, bytes], ...]
    handshake_time: float | None
    error: SuitorError | None = None

    def offered(self) -> dict[str, list[str]]:
        """The ClientHello's lists by name, in the client's order."""
        if self.offer is None:
            return {}
        offer = self.offer

        def names(axis: Axis, codes: tuple[int, ...] | None) -> list[str]:
            return [candidate_name(axis, code) for code in codes or ()]

        return {
            "versions": names(Axis.VERSION, offer.versions),
            "suites": names(Axis.SUITE, offer.suites),
            "groups": names(Axis.GROUP, offer.groups),
            "key_shares": names(Axis.GROUP, offer.shares),
            "signatures": names(Axis.SIGNATURE, offer.signatures),
            "server_name": [offer.server_name] if offer.server_name else [],
            "alpn": [protocol_name(name) for name in offer.alpn],
        }

    def to_dict(self) -> dict[str, Any]:
        """The documented form, plain JSON data."""
        return {
            "schema": SCHEMA,
            "policy": self.policy,
            "certificates": [{"label": label, "names": list(names)} for label, names in self.certificates],
            "offer": self.offered(),
            "candidates": {
                "server": [note.to_dict() for note in self.server_notes],
                "client": [note.to_dict() for note in self.client_notes],
            },
            "steps": [step.to_dict() for step in self.steps],
            "handshake_time": self.handshake_time,
            "agreed": None if self.info is None else self.info.to_dict(),
            "application_data": [
                {"from": side, "size": len(data), "text": data.decode("ascii")}
                for side, data in self.exchanged
            ],
            "error": None if self.error is None else failure(self.error),
        }


@define
class _Recorder:
    """Both sides' trace entries, in the order in which they came."""

    entries: list[tuple[str, TraceEntry]] = field(factory=list)

    def of(self, side: str) -> Any:
        return lambda entry: self.entries.append((side, entry))

    def offer(self) -> Offer | None:
        """The first ClientHello's."""
        for side, entry in self.entries:
            if side == "client" and entry.kind is TraceKind.MESSAGE and entry.sent:
                return decode_client_hello(entry.detail).offer
        return None

    def notes(self, side: str) -> tuple[Note, ...]:
        """The last decision's; the first one may have been to ask for another key share."""
        for by, entry in reversed(self.entries):
            if by == side and isinstance(entry.detail, Decision):
                return entry.detail.notes
        return ()

    def steps(self) -> tuple[Step, ...]:
        """Every step once: a message's arrival joins its departure."""
        steps: list[Step] = []
        under_way: dict[str, list[int]] = {"client": [], "server": []}
        start = self.entries[0][1].time if self.entries else 0.0
        for side, entry in self.entries:
            at = _milliseconds(entry.time - start)
            carried = entry.kind in (TraceKind.MESSAGE, TraceKind.ALERT)
            other = "server" if side == "client" else "client"
            if carried and not entry.sent:
                # Messages of one side arrive in the order in which they left.
                if under_way[other]:
                    index = under_way[other].pop(0)
                    steps[index] = evolve(steps[index], arrived=at)
                continue
            if entry.kind is TraceKind.DECISION:
                continue
            if carried:
                under_way[side].append(len(steps))
            steps.append(
                Step(at, side, entry.kind, entry.name, entry.sent, entry.size, detail=_detail(entry.detail))
            )
        return tuple(steps)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _detail(detail: Any) -> str:
    """A stage's answer in words."""
    if isinstance(detail, Selected):
        return ", ".join(f"{label}: {why}" for label, why in detail.notes)
    return str(getattr(detail, "subject", ""))


def collect(policy: Policy, catalogue: Catalogue) -> Story:
    """Make certificates, start a server on 127.0.0.1, connect to it, exchange a few words, and tell all.
    A failed handshake is told too. Raises LocalError when the policy leaves nothing to try, and OSError."""
    root, leaves = _certificates(policy)
    recorder = _Recorder()
    sni = catalogue.stages[StageFactory.CREDENTIALS, "sni"].make
    private = catalogue.stages[StageFactory.VERIFICATION, "private"].make
    credentials = [leaf.credential(label) for label, leaf in leaves]
    server = ServerConfig(
        credentials=sni(credentials=credentials),
        policy=policy,
        catalogue=catalogue,
        alpn=PROTOCOLS,
        trace=recorder.of("server"),
        explain=True,
    )
    client = ClientConfig(
        verification=private(roots=[root.certificate]),
        policy=policy,
        catalogue=catalogue,
        alpn=PROTOCOLS[1:],
        trace=recorder.of("client"),
        explain=True,
    )
    info, exchanged, error = asyncio.run(_meet(client, server))
    steps = recorder.steps()
    finished = [
        step.at if step.arrived is None else step.arrived for step in steps if step.name == "Finished"
    ]
    return Story(
        policy=policy.name,
        certificates=tuple((credential.label, credential.names) for credential in credentials),
        offer=recorder.offer(),
        steps=steps,
        server_notes=recorder.notes("server"),
        client_notes=recorder.notes("client"),
        info=info,
        exchanged=exchanged,
        handshake_time=max(finished) if info is not None and finished else None,
        error=error,
    )


def _certificates(policy: Policy) -> tuple[Issued, list[tuple[str, Issued]]]:
    """An authority and certificates whose keys fit the policy, and one for another name."""
    kinds = [_KINDS[name] for name in policy.signatures if name in _KINDS] or [KeyKind.P256]
    root = make_root("Suitor demo authority", kind=kinds[0])
    leaves = [
        (f"{SERVER_NAME} ({kind.value})", make_leaf(root, [SERVER_NAME], kind=kind))
        for kind in dict.fromkeys(kinds[:_CERTIFICATES])
    ]
    leaves.append((OTHER_NAME, make_leaf(root, [OTHER_NAME], kind=kinds[0])))
    return root, leaves


async def _meet(
    client: ClientConfig, server: ServerConfig
) -> tuple[ConnectionInfo | None, tuple[tuple[str, bytes], ...], SuitorError | None]:
    refused: list[SuitorError] = []

    async def answer(reader: TLSReader, writer: TLSWriter) -> None:
        await reader.read()
        writer.write(ANSWER)
        await writer.drain()

    listening = await start_server(
        answer,
        "127.0.0.1",
        0,
        server,
        handshake_timeout=TIME,
        on_error=lambda error, _peer: refused.append(error),
    )
    async with listening, asyncio.timeout(TIME):
        try:
            port = listening.sockets[0].getsockname()[1]
            reader, writer = await open_connection("127.0.0.1", port, client, SERVER_NAME)
        except SuitorError as error:
            # Whoever refused knows more than whoever got the alert.
            return None, (), refused[0] if refused else error
        writer.write(QUESTION)
        writer.write_eof()
        answered = await reader.read()
        info: ConnectionInfo = writer.get_extra_info("suitor_info")
        writer.close()
        await writer.wait_closed()
    return info, (("client", QUESTION), ("server", answered)), None
