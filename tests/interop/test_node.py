"""Node in both roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from suitor import Alert, Ended, NoAgreement, PeerMisbehaved, Untrusted, VerificationError
from suitor.cli.pki import KeyKind
from tests.interop.ours import (
    GROUPS,
    SUITES,
    Serving,
    client_config,
    connect,
    mutual,
    only,
    receive,
    refusal,
    refused,
    server_config,
    serving,
)
from tests.interop.pki import KINDS, NAME, SCHEMES, Identity, PeerPki
from tests.interop.programs import Talk, free_port, program, run, talking

CURVES = {"x25519": "X25519", "secp256r1": "P-256", "secp384r1": "P-384"}
PEER = Path(__file__).with_name("node_peer.js")


def own_files(own: Identity) -> dict[str, str]:
    return {"cert": str(own.chain), "key": str(own.key)}


def client(server: Serving, pki: PeerPki, own: Identity | None = None, **options: Any) -> Any:
    files = {"ca": str(pki.ca), **(own_files(own) if own else {})}
    text = json.dumps({"servername": NAME, "files": files, **options})
    done = run([program("node"), PEER, "client", str(server.port), text])
    assert done.out, done.text
    return json.loads(done.out)


@contextmanager
def node_server(pki: PeerPki, own: Identity | None = None, **options: Any) -> Iterator[Talk]:
    port = free_port()
    files = {"ca": str(pki.ca), **own_files(own or pki.servers[KeyKind.P256])}
    text = json.dumps({"files": files, **options})
    with talking([program("node"), PEER, "server", str(port), text], port) as talk:
        talk.hear("listening")
        yield talk


# --- their client -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_suites_and_groups(peer_pki: PeerPki, kind: KeyKind) -> None:
    with serving(server_config(peer_pki, only(), peer_pki.servers[kind], alpn=(b"h2",))) as server:
        for suite, group in zip(SUITES, GROUPS, strict=True):
            facts = client(server, peer_pki, ciphers=suite, ecdhCurve=CURVES[group], ALPNProtocols=["h2"])
            outcome = server.outcome()
            info = outcome.agreed
            assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])
            assert facts == {
                "echoed": "hello\n",
                "suite": suite,
                "version": "TLSv1.3",
                "alpn": "h2",
                "authorized": True,
                "exported": outcome.exported.hex(),
            }


def test_client_retry(peer_pki: PeerPki) -> None:
    with serving(server_config(peer_pki, only(group="secp384r1"))) as server:
        assert client(server, peer_pki, ecdhCurve="X25519:P-384")["echoed"] == "hello\n"
        assert server.outcome().agreed.retried


def test_client_certificate(peer_pki: PeerPki) -> None:
    with serving(mutual(peer_pki)) as server:
        assert client(server, peer_pki, peer_pki.clients[KeyKind.P256])["echoed"] == "hello\n"
        peer = server.outcome().agreed.peer
        assert peer is not None
        assert peer.names == ("client.example",)
        assert client(server, peer_pki)["error"] == "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"
        assert refused(server.outcome()).reason is PeerMisbehaved.CERTIFICATE_REQUIRED


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"maxVersion": "TLSv1.2"}, NoAgreement.NO_COMMON_VERSION),
        ({"ciphers": SUITES[2]}, NoAgreement.NO_COMMON_SUITE),
        ({"ecdhCurve": "P-384"}, NoAgreement.NO_COMMON_GROUP),
        ({"ALPNProtocols": ["nothing/1.0"]}, NoAgreement.NO_COMMON_ALPN),
    ],
    ids=lambda value: value.name if isinstance(value, NoAgreement) else "",
)
def test_client_nothing_in_common(peer_pki: PeerPki, options: dict[str, Any], reason: NoAgreement) -> None:
    with serving(server_config(peer_pki, only(SUITES[0], "x25519"), alpn=(b"h2",))) as server:
        assert "ALERT" in client(server, peer_pki, **options)["error"]
        assert refused(server.outcome()).reason is reason


def test_client_refuses_our_certificate(peer_pki: PeerPki) -> None:
    """Node verifies after the handshake, and then just drops the connection."""
    with serving(server_config(peer_pki, only(), peer_pki.odd["stranger"])) as server:
        assert client(server, peer_pki)["error"] == "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
        assert refused(server.outcome()).reason in (Ended.CLOSED_DURING_HANDSHAKE, Ended.TRUNCATED)


# --- their server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    payload = bytes(range(256)) * 400
    with node_server(peer_pki, peer_pki.servers[kind]) as server:
        for suite in SUITES:
            for group in GROUPS:
                with connect(client_config(peer_pki, only(suite, group)), server.port) as tls:
                    tls.sendall(payload)
                    assert receive(tls, len(payload)) == payload
                    info = tls.info
                    tls.unwrap()
                assert info is not None
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])


def test_server_retry_and_alpn(peer_pki: PeerPki) -> None:
    config = client_config(peer_pki, alpn=(b"http/1.1", b"h2"))
    options: Any = {"ecdhCurve": "P-384", "ALPNProtocols": ["h2"]}
    with node_server(peer_pki, **options) as server, connect(config, server.port) as tls:
        assert tls.info is not None
        assert tls.info.retried
        assert tls.info.alpn == "h2"


def test_server_asks_for_a_certificate(peer_pki: PeerPki) -> None:
    with node_server(peer_pki, requestCert=True, rejectUnauthorized=True) as server:
        for own in peer_pki.clients.values():
            with connect(client_config(peer_pki, only(), own), server.port) as tls:
                tls.sendall(b"hello")
                assert receive(tls, 5) == b"hello"


@pytest.mark.parametrize(
    ("options", "policy", "alert"),
    [
        ({"maxVersion": "TLSv1.2"}, only(), Alert.PROTOCOL_VERSION),
        ({"ciphers": SUITES[1]}, only(SUITES[0]), Alert.HANDSHAKE_FAILURE),
        ({"ecdhCurve": "P-384"}, only(group="x25519"), Alert.HANDSHAKE_FAILURE),
        ({}, only(edits="only rsa_pss_rsae_sha256"), Alert.HANDSHAKE_FAILURE),
        ({"ALPNProtocols": ["nothing/1.0"]}, only(), Alert.NO_APPLICATION_PROTOCOL),
    ],
    ids=lambda value: value.name if isinstance(value, Alert) else "",
)
def test_server_refuses(peer_pki: PeerPki, options: dict[str, Any], policy: str, alert: Alert) -> None:
    with node_server(peer_pki, **options) as server:
        assert refusal(client_config(peer_pki, policy, alpn=(b"h2",)), server.port) == alert


@pytest.mark.parametrize(
    ("label", "reason", "said"),
    [
        ("stranger", Untrusted.UNKNOWN_ISSUER, "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"),
        ("expired", Untrusted.EXPIRED, "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        ("other", Untrusted.NAME_MISMATCH, "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE"),
    ],
)
def test_server_hears_our_refusal(peer_pki: PeerPki, label: str, reason: Untrusted, said: str) -> None:
    with node_server(peer_pki, peer_pki.odd[label]) as server:
        with pytest.raises(VerificationError) as caught:
            connect(client_config(peer_pki), server.port)
        assert caught.value.reason is reason
        server.hear(said)
