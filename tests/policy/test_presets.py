"""The named policies: names that IANA knows, an order that holds, nothing broken."""

from __future__ import annotations

from itertools import pairwise

import pytest

from suitor import registry
from suitor.errors import LocalError, LocalMistake
from suitor.policy import AXES, COMPATIBLE, LEGACY, MODERN, PRESETS, Limits, Policy
from suitor.registry import TLS12, TLS13

POLICIES = list(PRESETS.values())


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
def test_every_name_is_registered(policy: Policy) -> None:
    assert all(registry.suite_named(name) for name in policy.suites)
    assert all(registry.group_named(name) for name in policy.groups)
    assert all(registry.scheme_named(name) for name in policy.signatures + policy.certificate_signatures)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
def test_suites_belong_to_the_versions(policy: Policy) -> None:
    versions = {registry.version_code(name) for name in policy.versions}
    for name in policy.suites:
        suite = registry.suite_named(name)
        assert suite is not None
        assert any(suite.min_version <= version <= suite.max_version for version in versions), name


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
def test_nothing_broken_is_in_any(policy: Policy) -> None:
    for name in policy.suites:
        suite = registry.suite_named(name)
        assert suite is not None
        assert suite.auth not in ("anon", "DSS"), name
        assert "EXPORT" not in suite.kx, name
        assert not suite.cipher.startswith(("NULL", "RC4", "RC2", "DES", "3DES", "IDEA")), name
    assert not any("sha1" in scheme for scheme in policy.signatures + policy.certificate_signatures)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
def test_hybrid_groups_come_first(policy: Policy) -> None:
    hybrid = ["MLKEM" in name for name in policy.groups]
    assert hybrid == sorted(hybrid, reverse=True)
    assert policy.groups[0] == "X25519MLKEM768"


def test_modern_is_tls13_alone() -> None:
    assert MODERN.versions == ("TLSv1.3",)
    assert MODERN.suites == (
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    )


def test_compatible_takes_what_rfc_9325_and_rfc_10015_leave() -> None:
    for name in COMPATIBLE.suites:
        suite = registry.suite_named(name)
        assert suite is not None
        assert suite.recommended == "Y", name
        assert suite.kx in ("", "ECDHE"), name


def test_legacy_puts_forward_secrecy_first() -> None:
    exchanges = [suite.kx for name in LEGACY.suites if (suite := registry.suite_named(name))]
    assert exchanges == sorted(exchanges, key=["", "ECDHE", "DHE", "RSA"].index)


@pytest.mark.parametrize("axis", AXES)
def test_each_preset_holds_the_one_before(axis: str) -> None:
    for strict, loose in pairwise(POLICIES):
        names = set(getattr(strict, axis))
        assert [name for name in getattr(loose, axis) if name in names] == list(getattr(strict, axis))


def test_presets_are_named_as_they_are_called() -> None:
    assert dict(PRESETS) == {"modern": MODERN, "compatible": COMPATIBLE, "legacy": LEGACY}
    assert len({hash(policy) for policy in POLICIES}) == 3


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_rsa_keys_can_sign_for_each_version(version: int) -> None:
    policy = COMPATIBLE if version == TLS12 else MODERN
    assert "rsa_pss_rsae_sha256" in policy.signatures
    assert ("rsa_pkcs1_sha256" in policy.signatures) == (version == TLS12)


@pytest.mark.parametrize(
    "fields",
    [
        {"versions": ()},
        {"versions": ("TLSv1.4",)},
        {"suites": ("a", "b", "a")},
        {"groups": ("x", "x")},
        {"key_shares": -1},
        {"minimum_cipher": -1},
    ],
    ids=repr,
)
def test_a_policy_is_never_half_valid(fields: dict[str, object]) -> None:
    valid: dict[str, object] = {
        "name": "p",
        "versions": ("TLSv1.3",),
        "suites": (),
        "groups": (),
        "signatures": (),
    }
    Policy(**valid)  # type: ignore[arg-type]
    with pytest.raises(LocalError) as caught:
        Policy(**(valid | fields))  # type: ignore[arg-type]
    assert caught.value.reason is LocalMistake.BAD_POLICY


def test_limits_are_not_negative() -> None:
    with pytest.raises(LocalError) as caught:
        Limits(tickets=-1)
    assert caught.value.reason is LocalMistake.BAD_POLICY
    assert "tickets" in caught.value.detail
