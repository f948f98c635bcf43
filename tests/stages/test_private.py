"""Where the web and private stages differ, and authorities with keys that the web does not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from suitor.cli.pki import Issued, KeyKind, make_leaf
from suitor.errors import Untrusted
from suitor_plugins.verification import PrivateVerification, WebVerification
from tests.stages.odd_certificates import (
    AUTHORITY,
    BOTH,
    INTERMEDIATE,
    KEY_IDENTIFIERS,
    NAME,
    NOW,
    ROOT,
    SAN,
    SERVER,
    SIGNS,
    Extension,
    Key,
    odd,
    peer,
    refusal,
    usage,
    uses,
    verified,
)

# --- where they differ ------------------------------------------------------------------------------------


def private_only(
    *, leaf: Sequence[Extension] = SERVER, root: Sequence[Extension] | None = None
) -> list[Issued]:
    authority = odd("private root", extensions=root or [AUTHORITY, SIGNS, *KEY_IDENTIFIERS])
    return [authority, odd(issuer=authority, extensions=leaf)]


ANY_USE = uses(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


@pytest.mark.parametrize(
    ("root", "leaf"),
    [
        pytest.param(None, [(SAN, True), *SERVER[1:]], id="critical subjectAltName beside a subject"),
        pytest.param(None, SERVER[:2], id="a leaf without key identifiers"),
        pytest.param(None, [SERVER[0], (ANY_USE, False), *KEY_IDENTIFIERS], id="any use"),
        pytest.param(None, [SERVER[0], (uses(), True), *KEY_IDENTIFIERS], id="critical extended key usage"),
        pytest.param([AUTHORITY], SERVER, id="an authority without key usage"),
        pytest.param([(AUTHORITY[0], False), SIGNS], SERVER, id="basicConstraints not critical"),
    ],
)  # fmt: skip
def test_what_private_authorities_do(root: list[Extension] | None, leaf: list[Extension]) -> None:
    authority, issued = private_only(root=root, leaf=leaf)
    assert verified(PrivateVerification([authority.certificate]), peer(*issued.chain)).stage == "private"
    reason, _ = refusal(WebVerification([authority.certificate]), peer(*issued.chain))
    assert reason in (Untrusted.REFUSED_BY_RULE, Untrusted.WRONG_USAGE)


def test_the_web_names_the_rule_about_subject_alt_name() -> None:
    """As the certificates of trustme have it, and those of many a company."""
    authority, issued = private_only(leaf=[(SAN, True), *SERVER[1:]])
    reason, detail = refusal(WebVerification([authority.certificate]), peer(*issued.chain))
    assert reason is Untrusted.REFUSED_BY_RULE
    assert "subjectAltName" in detail
    assert "critical" in detail


def test_a_leaf_without_uses_is_for_any_use() -> None:
    authority, issued = private_only(leaf=[(SAN, False), *KEY_IDENTIFIERS])
    for stage in BOTH:
        assert verified(stage([authority.certificate]), peer(*issued.chain)).verified
        assert verified(stage([authority.certificate]), peer(*issued.chain, name=None, server=False)).verified


def test_a_private_client_needs_no_subject_alt_name() -> None:
    authority, issued = private_only(leaf=[(uses(ExtendedKeyUsageOID.CLIENT_AUTH), False)])
    presented = peer(*issued.chain, name=None, server=False)
    assert verified(PrivateVerification([authority.certificate]), presented).subject == "CN=odd"
    refusal(WebVerification([authority.certificate]), presented)


def test_a_self_signed_certificate_that_is_its_own_root() -> None:
    """As 'openssl req -x509' makes them: marked as an authority."""
    itself = odd(extensions=[AUTHORITY, (SAN, False)])
    presented = peer(itself.certificate)
    assert verified(PrivateVerification([itself.certificate]), presented).verified
    assert refusal(PrivateVerification([ROOT.certificate]), presented)[0] is Untrusted.WRONG_USAGE
    refusal(WebVerification([itself.certificate]), presented)
    plain = odd(extensions=[(SAN, False)])
    assert (
        refusal(PrivateVerification([ROOT.certificate]), peer(plain.certificate))[0]
        is Untrusted.UNKNOWN_ISSUER
    )


def test_an_authority_in_the_leafs_place_below_a_root() -> None:
    authority = odd("private root", extensions=[AUTHORITY, SIGNS])
    leaf = odd(issuer=authority, extensions=[AUTHORITY, (SAN, False)])
    for stage in BOTH:
        assert refusal(stage([authority.certificate]), peer(leaf.certificate))[0] is Untrusted.WRONG_USAGE


# --- Ed25519 and Ed448 ------------------------------------------------------------------------------------

EDWARDS: list[Callable[[], Key]] = [ed25519.Ed25519PrivateKey.generate, ed448.Ed448PrivateKey.generate]
AUTHORITY_EXTENSIONS = [AUTHORITY, SIGNS, *KEY_IDENTIFIERS]


def test_an_edwards_leaf_is_for_private_use() -> None:
    leaf = make_leaf(INTERMEDIATE, [NAME], kind=KeyKind.ED25519)
    assert verified(PrivateVerification([ROOT.certificate]), peer(*leaf.chain)).verified
    assert refusal(WebVerification([ROOT.certificate]), peer(*leaf.chain))[0] is Untrusted.UNSUPPORTED_KEY


@pytest.mark.parametrize("generate", EDWARDS)
def test_edwards_authorities(generate: Callable[[], Key]) -> None:
    root = odd("root", extensions=AUTHORITY_EXTENSIONS, key=generate())
    direct = odd(issuer=root, extensions=SERVER)
    middle = odd("middle", issuer=root, extensions=AUTHORITY_EXTENSIONS)
    below = odd(issuer=middle, extensions=SERVER, key=generate())
    stage = PrivateVerification([root.certificate])
    for leaf in (direct, below):
        answer = verified(stage, peer(*leaf.chain))
        whole = (*leaf.chain, root.certificate)
        assert answer.chain == tuple(c.public_bytes(Encoding.DER) for c in whole)
        assert refusal(stage, peer(*leaf.chain, name="example.org"))[0] is Untrusted.NAME_MISMATCH
        assert refusal(WebVerification([root.certificate]), peer(*leaf.chain))[0] is Untrusted.UNSUPPORTED_KEY
    assert refusal(stage, peer(below.certificate))[0] is Untrusted.UNKNOWN_ISSUER
    later = PrivateVerification([root.certificate], clock=(NOW + timedelta(days=10)).timestamp)
    expired = odd(issuer=root, extensions=SERVER, days=9)
    assert refusal(later, peer(expired.certificate))[0] is Untrusted.EXPIRED
    marked = odd(issuer=root, extensions=[AUTHORITY, *SERVER])
    assert refusal(stage, peer(marked.certificate))[0] is Untrusted.WRONG_USAGE
    weak = odd(issuer=root, extensions=SERVER, key=rsa.generate_private_key(65537, 1024))
    assert refusal(stage, peer(weak.certificate))[0] is Untrusted.WEAK_KEY


def test_an_edwards_intermediate_below_another_root() -> None:
    middle = odd("middle", issuer=ROOT, extensions=AUTHORITY_EXTENSIONS, key=EDWARDS[0]())
    leaf = odd(issuer=middle, extensions=SERVER)
    assert verified(PrivateVerification([ROOT.certificate]), peer(*leaf.chain)).verified
    client = odd(issuer=middle, extensions=[(uses(ExtendedKeyUsageOID.CLIENT_AUTH), False)])
    stage = PrivateVerification([ROOT.certificate])
    assert verified(stage, peer(*client.chain, name=None, server=False)).verified
    assert refusal(stage, peer(*client.chain))[0] is Untrusted.WRONG_USAGE


CONSTRAINTS = x509.NameConstraints(permitted_subtrees=[x509.DNSName(NAME)], excluded_subtrees=None)


@pytest.mark.parametrize(
    ("extensions", "days", "reason"),
    [
        pytest.param([(x509.BasicConstraints(False, None), True)], 30, Untrusted.NOT_A_CA, id="no authority"),
        pytest.param([], 30, Untrusted.NOT_A_CA, id="no basicConstraints"),
        pytest.param([AUTHORITY, (usage(crl_sign=True), True)], 30, Untrusted.WRONG_USAGE, id="key usage"),
        pytest.param(
            [AUTHORITY, SIGNS, (uses(ExtendedKeyUsageOID.CODE_SIGNING), False)],
            30,
            Untrusted.WRONG_USAGE,
            id="extended key usage",
        ),
        pytest.param(AUTHORITY_EXTENSIONS, 0, Untrusted.EXPIRED, id="expired"),
        pytest.param(
            [(x509.BasicConstraints(True, 0), True), SIGNS], 30, Untrusted.PATH_TOO_LONG, id="path length"
        ),
        pytest.param(
            [AUTHORITY, SIGNS, (CONSTRAINTS, True)], 30, Untrusted.REFUSED_BY_RULE, id="name constraints"
        ),
    ],
)
def test_edwards_issuers_are_held_to_the_rules(
    extensions: list[Extension], days: int, reason: Untrusted
) -> None:
    root = odd("root", extensions=AUTHORITY_EXTENSIONS, key=EDWARDS[0]())
    middle = odd("middle", issuer=root, extensions=extensions, key=EDWARDS[0](), days=days)
    last = odd("last", issuer=middle, extensions=AUTHORITY_EXTENSIONS)
    leaf = odd(issuer=last, extensions=SERVER)
    stage = PrivateVerification([root.certificate], clock=(NOW + timedelta(seconds=1)).timestamp)
    assert refusal(stage, peer(*leaf.chain))[0] is reason


def test_a_forged_edwards_issuer() -> None:
    root = odd("root", extensions=AUTHORITY_EXTENSIONS, key=EDWARDS[0]())
    false = odd("root", extensions=AUTHORITY_EXTENSIONS, key=EDWARDS[0]())
    leaf = odd(issuer=false, extensions=SERVER)
    stage = PrivateVerification([root.certificate])
    assert refusal(stage, peer(leaf.certificate, false.certificate))[0] is Untrusted.UNKNOWN_ISSUER
