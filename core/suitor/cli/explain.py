"""``suitor explain``: what would be negotiated for a ClientHello, and why."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from suitor import registry
from suitor.catalogue import Catalogue, default_catalogue
from suitor.cli.capture import Captured, Format, bad_input, find, read_input
from suitor.cli.certificates import credentials_of
from suitor.cli.exits import Exit
from suitor.cli.explained import show_explanation
from suitor.cli.options import alpn_from, verification_from
from suitor.config import ClientConfig
from suitor.connection import Connection
from suitor.explain import explain as explain_offer
from suitor.policy import MODERN, find_policy
from suitor.wire.extensions import extension_name
from suitor.wire.hello import ClientHello, decode_client_hello

SAMPLE_NAME = "example.com"
"""The server that the sample hello asks for (RFC 2606)."""


def explain(
    source: Annotated[str | None, Parameter(name="INPUT", allow_leading_hyphen=True)] = None,
    /,
    *,
    policy: str = MODERN.name,
    cert: Annotated[list[Path] | None, Parameter(negative=(), consume_multiple=False)] = None,
    alpn: Annotated[list[str] | None, Parameter(negative=(), consume_multiple=False)] = None,
    form: Annotated[Format, Parameter(name="--format")] = Format.AUTO,
    stream: int | None = None,
    sample: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say what a server would negotiate for a ClientHello: every candidate with its reason, and for a refusal
    the smallest change of policy that would agree.

    INPUT is a file with what a client sent: TLS records or the bare message, as bytes, hex (bare, or dumped
    by xxd, Wireshark, openssl), base64, or a packet capture (pcap, pcapng). "-" reads standard input, and so
    does no INPUT at all when something is piped in. At a terminal without INPUT, a sample is explained.

    Exit codes: 0 they would agree; 4 they would not; 2 wrong usage, or no ClientHello in the input; 6 the
    ClientHello breaks the protocol.

    Parameters
    ----------
    source
        A file, or "-" for standard input.
    policy
        The server's policy: a preset or a policy file, then edits: "modern, only x25519".
    cert
        A certificate (PEM, leaf first) that the server could show; once for each. Without it, signatures are
        judged as if a key for every scheme were at hand. Private keys are not needed.
    alpn
        The server's application protocols, best first, separated by commas.
    form
        What the input is, when a look at its first bytes is not enough.
    stream
        Which connection of a packet capture, counted from 1.
    sample
        Explain the ClientHello that Suitor's own client sends with the policy "modern".
    json
        Print JSON (docs/reference/explain-schema.md).
    """
    if source is not None and source.startswith("-") and source != "-":
        raise bad_input(f"{source} is not an option: 'suitor explain --help' lists them")
    if sample and source is not None:
        raise bad_input("--sample takes no INPUT")
    if source is None and not sample:
        source, sample = (None, True) if sys.stdin.isatty() else ("-", False)
    chosen = find_policy(policy)
    catalogue = default_catalogue(chosen)
    if source is None:
        found = _sample(catalogue)
    else:
        found = find(read_input(source), form, stream)
    hello = decode_client_hello(found.message, chosen.limits.extensions)
    credentials = credentials_of(catalogue, cert, hello) if cert else None
    explanation = explain_offer(
        hello.offer, chosen, catalogue, credentials=credentials, alpn=alpn_from(alpn or [])
    )
    if json:
        facts = {**explanation.to_dict(), "input": _input(source, found, hello)}
        print(json_text.dumps(facts, indent=2))
    else:
        show_explanation(explanation, catalogue, hello, _title(source, found), found.streams, policy)
    return Exit.SUCCESS if explanation.agreed else Exit.NEGOTIATION


def _sample(catalogue: Catalogue) -> Captured:
    """What our own client sends. It is never answered, so whom it would trust does not matter."""
    config = ClientConfig(
        verification=verification_from(catalogue, None, insecure=True), policy=MODERN, catalogue=catalogue
    )
    return find(bytes(Connection.client(config, SAMPLE_NAME).data_to_send()), Format.RAW)


def _title(source: str | None, found: Captured) -> str:
    if source is None:
        return "a sample: what Suitor's client sends with the policy modern"
    place = "standard input" if source == "-" else source
    number = f", connection {found.stream} of {len(found.streams)}" if len(found.streams) > 1 else ""
    return f"{found.where} ({len(found.message)} bytes) in {place}{number}"


def _input(source: str | None, found: Captured, hello: ClientHello) -> dict[str, Any]:
    """The ClientHello itself, as far as the offer does not say it."""
    return {
        "source": source,
        "format": found.format.value,
        "where": found.where,
        "size": len(found.message),
        "stream": found.stream,
        "streams": list(found.streams),
        "legacy_version": registry.version_name(hello.legacy_version),
        "session_id_size": len(hello.session_id),
        "extensions": _extensions(hello),
    }


def _extensions(hello: ClientHello) -> Sequence[dict[str, Any]]:
    return [
        {
            "code": code,
            "name": extension_name(code),
            "grease": registry.is_grease(code),
            "size": len(body),
        }
        for code, body in hello.extensions.items()
    ]
