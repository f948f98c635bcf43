"""TLS 1.2 with OpenSSL in both roles: every suite that both sides have, enumerated (RFC 5246)."""

from __future__ import annotations

import pytest
from attrs import evolve

from suitor import ClientAuth, default_catalogue, find_policy
from suitor.catalogue import LitSuite
from suitor.cli.pki import KeyKind
from suitor.policy import Policy
from tests.interop.openssl import ask, s_server
from tests.interop.ours import client_config, connect, echo_line, mutual, receive_line, server_config, serving
from tests.interop.pki import CLIENT, PeerPki
from tests.interop.programs import program, run

OLD = find_policy("legacy, only version:TLSv1.2")
KINDS = {"RSA": KeyKind.RSA2048, "ECDSA": KeyKind.P256}
LIT = [lit for lit in default_catalogue().suites.values() if lit.exchange is not None]


def only(lit: LitSuite) -> Policy:
    return evolve(OLD, suites=(lit.name,))


@pytest.fixture(scope="module")
def theirs() -> dict[str, str]:
    """OpenSSL's own names of the suites it has for TLS 1.2, by IANA's."""
    listed = run([program("openssl"), "ciphers", "-stdname", "-s", "-tls1_2", "ALL:@SECLEVEL=0"])
    rows = [line.split() for line in listed.text.splitlines() if " - " in line]
    return {row[0]: row[2] for row in rows}


@pytest.mark.parametrize("lit", LIT, ids=lambda lit: lit.name)
def test_every_suite(peer_pki: PeerPki, theirs: dict[str, str], lit: LitSuite) -> None:
    if lit.name not in theirs:
        pytest.skip("this OpenSSL does not have the suite")
    options = ("-tls1_2", "-cipher", f"{theirs[lit.name]}:@SECLEVEL=0")
    kind = KINDS[lit.suite.auth]
    with (
        s_server(peer_pki, "-rev", *options, kind=kind) as server,
        connect(evolve(client_config(peer_pki), policy=only(lit)), server.port) as tls,
    ):
        tls.sendall(b"hello\n")
        assert receive_line(tls) == b"olleh\n"
        assert tls.info is not None
        assert (tls.info.version, tls.info.suite) == ("TLSv1.2", lit.name)

    config = evolve(server_config(peer_pki, "modern", peer_pki.servers[kind]), policy=only(lit))
    with serving(config, echo_line) as serves:
        said = ask(serves, peer_pki, *options)
        assert serves.outcome().agreed.suite == lit.name
        assert said.code == 0
        assert f"Cipher is {theirs[lit.name]}" in said.text
        assert "Verification: OK" in said.text


@pytest.mark.parametrize("kind", [KeyKind.P256, KeyKind.P384, KeyKind.RSA2048, KeyKind.ED25519])
def test_client_certificates(peer_pki: PeerPki, kind: KeyKind) -> None:
    own = peer_pki.clients[kind]
    with s_server(peer_pki, "-rev", "-tls1_2", "-Verify", "3", "-verify_return_error") as server:
        config = evolve(client_config(peer_pki, "modern", own), policy=OLD)
        with connect(config, server.port) as tls:
            tls.sendall(b"hello\n")
            assert receive_line(tls) == b"olleh\n"
            assert tls.info is not None
            assert tls.info.credential is not None
    asking = evolve(mutual(peer_pki, ClientAuth.REQUIRED), policy=OLD)
    with serving(asking, echo_line) as serves:
        said = ask(
            serves, peer_pki, "-tls1_2", "-cert", own.chain, "-key", own.key, "-cert_chain", own.issuers
        )
        peer = serves.outcome().agreed.peer
        assert said.code == 0
        assert peer is not None
        assert CLIENT in peer.names


@pytest.mark.parametrize("preset", ["compatible", "legacy"])
def test_whole_presets_and_the_newest_version(peer_pki: PeerPki, preset: str) -> None:
    policy = find_policy(preset)
    config = evolve(client_config(peer_pki), policy=policy)
    for options, version in (((), "TLSv1.3"), (("-tls1_2",), "TLSv1.2")):
        with s_server(peer_pki, "-rev", *options) as server, connect(config, server.port) as tls:
            assert tls.info is not None
            assert tls.info.version == version
        with serving(evolve(server_config(peer_pki), policy=policy), echo_line) as serves:
            assert ask(serves, peer_pki, *options).code == 0
            assert serves.outcome().agreed.version == version
