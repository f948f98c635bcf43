"""The web stage against x509-limbo's cases, where the file is beside the checkout."""

from __future__ import annotations

import json
import ssl
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from suitor.plug import PeerCertificates, VerificationFailed
from suitor_plugins.verification import WebVerification

FILE = Path(__file__).parents[3] / "shared" / "limbo" / "limbo.json"

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")

FEATURES = {
    "has-crl": "revocation lists are not read",
    "has-policy-constraints": "certificate policies are not evaluated",
    "name-constraint-dn": "constraints on directory names are not evaluated",
    "pedantic-public-suffix-wildcard": "there is no list of public suffixes",
    "pedantic-webpki-eku": "a missing use counts as any use, and roots are not held to leaf rules",
    "pedantic-rfc5280": "a cross-signed root without key identifier is common",
    "rfc5280-incompatible-with-webpki": "the web's rules go first where the two contradict each other",
}
"""What the stage does not do, and why. Cases that need it are skipped."""

CASES = {
    "pathlen::self-issued-certs-pathlen": "self-issued intermediates count like others",
    "pathlen::max-chain-depth-1-self-issued": "self-issued intermediates count like others",
    "pathlen::validation-ignores-pathlen-in-leaf": "an authority's certificate is never a server's",
    "rfc5280::ca-as-leaf": "an authority's certificate is never a server's",
    "rfc5280::serial::zero": "roots in common stores have it",
    "rfc5280::aki::intermediate-missing-aki": "authorities without key identifiers are common",
    "rfc5280::ski::root-missing-ski": "authorities without key identifiers are common",
    "rfc5280::ski::intermediate-missing-ski": "authorities without key identifiers are common",
    "webpki::aki::root-with-aki-authoritycertissuer": "a root is trusted as it is",
    "webpki::aki::root-with-aki-authoritycertserialnumber": "a root is trusted as it is",
    "webpki::aki::root-with-aki-all-fields": "a root is trusted as it is",
    "webpki::aki::root-with-aki-ski-mismatch": "a root is trusted as it is",
    "webpki::forbidden-rsa-not-divisible-by-8-in-root": "only the floor of RSA sizes is checked",
    "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf": "only the floor of RSA sizes is checked",
    **{
        f"webpki::cn::{case}": "the common name is never read, so it cannot contradict"
        for case in (
            "case-mismatch",
            "ipv4-hex-mismatch",
            "ipv4-leading-zeros-mismatch",
            "ipv6-non-rfc5952-mismatch",
            "ipv6-uncompressed-mismatch",
            "ipv6-uppercase-mismatch",
            "not-in-san",
            "punycode-not-in-san",
            "utf8-vs-punycode-mismatch",
        )
    },
}
"""Single cases where the stage knowingly judges otherwise, and why. Each must really differ."""

Case = dict[str, Any]


def load() -> list[Case]:
    cases: list[Case] = json.loads(FILE.read_text())["testcases"] if FILE.exists() else []
    return cases


def trusted(case: Case) -> bool:
    moment = case["validation_time"]
    seconds = time.time() if moment is None else datetime.fromisoformat(moment).timestamp()
    depth = case["max_chain_depth"]
    stage = WebVerification(
        [ssl.PEM_cert_to_DER_cert(pem) for pem in case["trusted_certs"]],
        max_depth=8 if depth is None else depth,
        clock=lambda: seconds,
    )
    chain = (case["peer_certificate"], *case["untrusted_intermediates"])
    name = case["expected_peer_name"]
    presented = PeerCertificates(
        tuple(ssl.PEM_cert_to_DER_cert(pem) for pem in chain),
        name["value"] if name else None,
        case["validation_kind"] == "SERVER",
    )
    try:
        stage.verify(presented)
    except VerificationFailed:
        return False
    return True


@pytest.mark.skipif(not FILE.exists(), reason="x509-limbo's cases are not beside the checkout")
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in load()])
def test_the_web_stage_agrees(case: Case) -> None:
    for feature in case["features"]:
        if feature in FEATURES:
            pytest.skip(FEATURES[feature])
    expected = case["expected_result"] == "SUCCESS"
    assert (trusted(case) == expected) is (case["id"] not in CASES), CASES.get(case["id"], "")
