"""GnuTLS in both roles: ``gnutls-cli`` and ``gnutls-serv``, which send extensions that we know nothing of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suitor import Alert, NoAgreement, PeerMisbehaved, TLSSocket, Untrusted, VerificationError
from suitor.cli.pki import KeyKind
from tests.interop.ours import (
    GROUPS,
    SUITES,
    Serving,
    alert_of,
    client_config,
    connect,
    echo,
    mutual,
    only,
    receive,
    receive_line,
    refusal,
    refused,
    server_config,
    serving,
)
from tests.interop.pki import KINDS, NAME, SCHEMES, PeerPki
from tests.interop.programs import Finished, Talk, free_port, program, run, talking

CIPHERS = dict(zip(SUITES, ("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"), strict=True))
CURVES = {name: f"GROUP-{name.upper()}" for name in GROUPS}


def priority(suite: str | None = None, *groups: str, version: str = "1.3") -> str:
    """A priority string with just these."""
    parts = ["NORMAL", "-VERS-ALL", f"+VERS-TLS{version}"]
    if suite:
        parts += ["-CIPHER-ALL", f"+{CIPHERS[suite]}"]
    if groups:
        parts += ["-GROUP-ALL", *(f"+{CURVES[group]}" for group in groups)]
    return ":".join(parts)


def gnutls_cli(
    server: Serving,
    pki: PeerPki,
    *options: str | Path,
    priorities: str = priority(),
    data: bytes = b"hello\n",
) -> Finished:
    command = [
        program("gnutls-cli"), "127.0.0.1", "-p", str(server.port), "--x509cafile", pki.ca,
        "--sni-hostname", NAME, "--verify-hostname", NAME, "--priority", priorities, *options,
    ]  # fmt: skip
    return run(command, data)


@contextmanager
def gnutls_serv(
    pki: PeerPki, *options: str | Path, kind: KeyKind | str = KeyKind.P256, priorities: str = priority()
) -> Iterator[Talk]:
    own = pki.odd[kind] if isinstance(kind, str) else pki.servers[kind]
    port = free_port()
    command = [
        program("gnutls-serv"), "--echo", "-p", str(port), "--priority", priorities,
        "--x509certfile", own.chain, "--x509keyfile", own.key, *options,
    ]  # fmt: skip
    with talking(command, port) as talk:
        talk.hear(r"listening on IPv4 .*done")
        yield talk


# --- their client -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    with serving(server_config(peer_pki, only(), peer_pki.servers[kind]), echo) as server:
        for suite in SUITES:
            for group in GROUPS:
                said = gnutls_cli(server, peer_pki, priorities=priority(suite, group))
                info = server.outcome().agreed
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])
                assert said.code == 0
                assert "Status: The certificate is trusted" in said.text
                assert "\nhello\n" in said.text


def test_client_retry(peer_pki: PeerPki) -> None:
    for edits in ("", "retry-cookie on"):
        with serving(server_config(peer_pki, only(group="secp384r1", edits=edits)), echo) as server:
            priorities = priority(None, "x25519", "secp384r1")
            said = gnutls_cli(server, peer_pki, "--single-key-share", priorities=priorities)
            assert server.outcome().agreed.retried
            assert "\nhello\n" in said.text


@pytest.mark.parametrize(
    "options",
    [
        ["--recordsize", "512"],
        ["--compress-cert", "zlib"],
        ["--alpn", "h2"],
        ["--post-handshake-auth"],
        ["--heartbeat"],
    ],
    ids=lambda options: options[0],
)
def test_client_extensions(peer_pki: PeerPki, options: list[str]) -> None:
    lines = b"".join(b"%07d\n" % number for number in range(10_000))
    own = peer_pki.servers[KeyKind.RSA2048]

    def service(tls: TLSSocket) -> None:
        assert receive_line(tls) == b"hello\n"
        tls.sendall(lines)

    with serving(server_config(peer_pki, only(), own, alpn=(b"h2",)), service) as server:
        said = gnutls_cli(server, peer_pki, *options)
        assert said.code == 0
        assert server.outcome().agreed.alpn == ("h2" if "--alpn" in options else None)
    assert lines in said.out


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_certificate(peer_pki: PeerPki, kind: KeyKind) -> None:
    client = peer_pki.clients[kind]
    with serving(mutual(peer_pki), echo) as server:
        said = gnutls_cli(server, peer_pki, "--x509certfile", client.chain, "--x509keyfile", client.key)
        peer = server.outcome().agreed.peer
    assert peer is not None
    assert peer.names == ("client.example",)
    assert "\nhello\n" in said.text


def test_client_certificate_missing(peer_pki: PeerPki) -> None:
    with serving(mutual(peer_pki), echo) as server:
        said = gnutls_cli(server, peer_pki)
        assert refused(server.outcome()).reason is PeerMisbehaved.CERTIFICATE_REQUIRED
    assert "alert [116]" in said.text


@pytest.mark.parametrize("label", ["stranger", "expired", "other"])
def test_client_refuses_our_certificate(peer_pki: PeerPki, label: str) -> None:
    """GnuTLS verifies after the handshake here, and tells every reason alike."""
    with serving(server_config(peer_pki, only(), peer_pki.odd[label]), echo) as server:
        assert gnutls_cli(server, peer_pki).code != 0
        assert alert_of(server.outcome().error) == Alert.BAD_CERTIFICATE


@pytest.mark.parametrize(
    ("priorities", "options", "reason"),
    [
        (priority(version="1.2"), [], NoAgreement.NO_COMMON_VERSION),
        (priority(SUITES[2]), [], NoAgreement.NO_COMMON_SUITE),
        (priority(None, "secp384r1"), [], NoAgreement.NO_COMMON_GROUP),
        (priority() + ":-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256", [], NoAgreement.NO_COMMON_SIGNATURE),
        (priority(), ["--alpn", "nothing/1.0"], NoAgreement.NO_COMMON_ALPN),
    ],
    ids=lambda value: value.name if isinstance(value, NoAgreement) else "",
)
def test_client_nothing_in_common(
    peer_pki: PeerPki, priorities: str, options: list[str], reason: NoAgreement
) -> None:
    with serving(server_config(peer_pki, only(SUITES[0], "x25519"), alpn=(b"h2",)), echo) as server:
        said = gnutls_cli(server, peer_pki, *options, priorities=priorities)
        assert refused(server.outcome()).reason is reason
    assert reason.alert is not None
    assert f"alert [{int(reason.alert)}]" in said.text


# --- their server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    with gnutls_serv(peer_pki, "--disable-client-cert", kind=kind) as server:
        for suite in SUITES:
            for group in GROUPS:
                with connect(client_config(peer_pki, only(suite, group)), server.port) as tls:
                    tls.sendall(b"hello\n")
                    assert receive_line(tls) == b"hello\n"
                    info = tls.info
                assert info is not None
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])
                assert not info.retried


def test_server_retry(peer_pki: PeerPki) -> None:
    config = client_config(peer_pki, only(group="x25519 secp384r1"))
    theirs = priority(None, "secp384r1")
    with gnutls_serv(peer_pki, priorities=theirs) as server, connect(config, server.port) as tls:
        assert tls.info is not None
        assert tls.info.retried


@pytest.mark.parametrize(
    "options",
    [["--recordsize", "512"], ["--compress-cert", "zlib"], ["--alpn", "h2"], ["--earlydata"], ["--noticket"]],
    ids=lambda options: options[0],
)
def test_server_extensions(peer_pki: PeerPki, options: list[str]) -> None:
    lines = b"".join(b"%07d\n" % number for number in range(1_000))
    config = client_config(peer_pki, alpn=(b"http/1.1", b"h2"))
    with gnutls_serv(peer_pki, *options, kind=KeyKind.RSA2048) as server, connect(config, server.port) as tls:
        tls.sendall(lines)
        assert receive(tls, len(lines)) == lines
        assert tls.info is not None
        assert tls.info.alpn == ("h2" if "--alpn" in options else None)
        tls.unwrap()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_asks_for_a_certificate(peer_pki: PeerPki, kind: KeyKind) -> None:
    config = client_config(peer_pki, only(), peer_pki.clients[kind])
    options = "--require-client-cert", "--verify-client-cert", "--x509cafile", peer_pki.ca
    with gnutls_serv(peer_pki, *options) as server, connect(config, server.port) as tls:
        tls.sendall(b"hello\n")
        assert receive_line(tls) == b"hello\n"
        assert tls.info is not None
        assert tls.info.credential is not None
        server.hear("The certificate is trusted")


@pytest.mark.parametrize(
    ("options", "priorities", "policy", "alert"),
    [
        ([], priority(version="1.2"), only(), Alert.HANDSHAKE_FAILURE),
        ([], priority(SUITES[1]), only(SUITES[0]), Alert.HANDSHAKE_FAILURE),
        ([], priority(None, "secp384r1"), only(group="x25519"), Alert.HANDSHAKE_FAILURE),
        ([], priority(), only(edits="only rsa_pss_rsae_sha256"), Alert.HANDSHAKE_FAILURE),
        (["--alpn", "nothing/1.0", "--alpn-fatal"], priority(), only(), Alert.NO_APPLICATION_PROTOCOL),
        (["--sni-hostname", "other", "--sni-hostname-fatal"], priority(), only(), Alert.UNRECOGNIZED_NAME),
        (["--require-client-cert"], priority(), only(), Alert.CERTIFICATE_REQUIRED),
    ],
    ids=lambda value: value.name if isinstance(value, Alert) else "",
)
def test_server_refuses(
    peer_pki: PeerPki, options: list[str], priorities: str, policy: str, alert: Alert
) -> None:
    with gnutls_serv(peer_pki, *options, priorities=priorities) as server:
        assert refusal(client_config(peer_pki, policy, alpn=(b"h2",)), server.port) == alert


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("stranger", Untrusted.UNKNOWN_ISSUER),
        ("expired", Untrusted.EXPIRED),
        ("other", Untrusted.NAME_MISMATCH),
    ],
)
def test_server_hears_our_refusal(peer_pki: PeerPki, label: str, reason: Untrusted) -> None:
    with gnutls_serv(peer_pki, "--debug", "5", kind=label) as server:
        with pytest.raises(VerificationError) as caught:
            connect(client_config(peer_pki), server.port)
        assert caught.value.reason is reason
        assert reason.alert is not None
        server.hear(rf"Alert\[2\|{int(reason.alert)}\]")
