"""curl against our HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suitor import Alert, NoAgreement
from suitor.cli.pki import KeyKind
from tests.interop.ours import (
    GROUPS,
    SUITES,
    Serving,
    alert_of,
    http,
    mutual,
    only,
    refused,
    server_config,
    serving,
)
from tests.interop.pki import KINDS, NAME, SCHEMES, PeerPki
from tests.interop.programs import Finished, program, run

CURVES = {"x25519": "X25519", "secp256r1": "P-256", "secp384r1": "P-384"}
UNTRUSTED = 60
"""CURLE_PEER_FAILED_VERIFICATION."""


def curl(server: Serving, *options: str | Path, gets: int = 1) -> Finished:
    urls = [f"https://{NAME}:{server.port}/{number}" for number in range(gets)]
    resolved = "--resolve", f"{NAME}:{server.port}:127.0.0.1"
    return run([program("curl"), "--silent", "--show-error", "--noproxy", "*", *resolved, *options, *urls])


def answered(done: Finished) -> Any:
    assert done.code == 0, done.text
    return json.loads(done.out)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    with serving(server_config(peer_pki, only(), peer_pki.servers[kind]), http) as server:
        for suite, group in zip(SUITES, GROUPS, strict=True):
            options = "--cacert", peer_pki.ca, "--tls13-ciphers", suite, "--curves", CURVES[group]
            facts = answered(curl(server, *options))
            assert (facts["suite"], facts["group"], facts["signature"]) == (suite, group, SCHEMES[kind])
            assert facts["server_name"] == NAME


def test_retry(peer_pki: PeerPki) -> None:
    with serving(server_config(peer_pki, only(group="secp384r1")), http) as server:
        facts = answered(curl(server, "--cacert", peer_pki.ca, "--curves", "X25519:P-384"))
        assert facts["group"] == "secp384r1"
        assert facts["retried"]


def test_keep_alive_and_alpn(peer_pki: PeerPki) -> None:
    with serving(server_config(peer_pki, alpn=(b"http/1.1",)), http) as server:
        done = curl(server, "--cacert", peer_pki.ca, "--write-out", "\n%{num_connects}\n", gets=3)
        lines = done.out.decode().splitlines()
        assert lines[1::2] == ["1", "0", "0"]
        assert [json.loads(line)["alpn"] for line in lines[::2]] == ["http/1.1"] * 3
        assert server.outcome().error is None


def test_client_certificate(peer_pki: PeerPki) -> None:
    client = peer_pki.clients[KeyKind.P384]
    with serving(mutual(peer_pki), http) as server:
        facts = answered(curl(server, "--cacert", peer_pki.ca, "--cert", client.chain, "--key", client.key))
        assert facts["peer"]["names"] == ["client.example"]


@pytest.mark.parametrize(
    ("label", "options", "alert"),
    [
        (None, [], Alert.UNKNOWN_CA),
        ("expired", ["--cacert"], Alert.CERTIFICATE_EXPIRED),
    ],
)
def test_our_certificate_refused(
    peer_pki: PeerPki, label: str | None, options: list[str], alert: Alert
) -> None:
    own = [] if label is None else [peer_pki.odd[label]]
    with serving(server_config(peer_pki, only(), *own), http) as server:
        trusting: list[str | Path] = [*options, *([peer_pki.ca] if options else [])]
        assert curl(server, *trusting).code == UNTRUSTED
        assert alert_of(server.outcome().error) == alert


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--tls-max", "1.2"], NoAgreement.NO_COMMON_VERSION),
        (["--tls13-ciphers", SUITES[2]], NoAgreement.NO_COMMON_SUITE),
        (["--curves", "P-521"], NoAgreement.NO_COMMON_GROUP),
    ],
    ids=lambda value: value.name if isinstance(value, NoAgreement) else "",
)
def test_nothing_in_common(peer_pki: PeerPki, options: list[str], reason: NoAgreement) -> None:
    with serving(server_config(peer_pki, only(SUITES[0])), http) as server:
        assert "alert" in curl(server, "--cacert", peer_pki.ca, *options).text
        assert refused(server.outcome()).reason is reason
