"""The small language that changes a policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from suitor.errors import LocalError, LocalMistake
from suitor.policy import (
    COMPATIBLE,
    LEGACY,
    MODERN,
    PRESETS,
    HelloRetry,
    Preference,
    edit,
    find_policy,
    to_toml,
)


def reason(spec: str) -> LocalMistake:
    with pytest.raises(LocalError) as caught:
        find_policy(spec)
    assert isinstance(caught.value.reason, LocalMistake)
    return caught.value.reason


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_itself_in_any_case(name: str) -> None:
    assert find_policy(name) is PRESETS[name]
    assert find_policy(f" {name.upper()} ") is PRESETS[name]


def test_edits_in_a_row() -> None:
    policy = find_policy("modern, without chacha20, prefer secp384r1, shares 2, retry best-group")
    assert policy == evolve(
        MODERN,
        name="modern, without chacha20, prefer secp384r1, shares 2, retry best-group",
        suites=("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"),
        groups=("secp384r1", *(name for name in MODERN.groups if name != "secp384r1")),
        key_shares=2,
        hello_retry=HelloRetry.BEST_GROUP,
    )
    assert policy == edit(edit(MODERN, "without chacha20, prefer secp384r1, shares 2"), "retry best-group")


def test_the_name_tells_the_edits() -> None:
    assert edit(MODERN, "  Without   CHACHA20 ").name == "modern, without CHACHA20"


# --- without ----------------------------------------------------------------------------------------------


def test_without_words() -> None:
    policy = edit(LEGACY, "without cbc")
    assert policy.suites == tuple(name for name in LEGACY.suites if "CBC" not in name)
    assert policy.groups == LEGACY.groups


def test_without_words_that_stand_together() -> None:
    assert edit(MODERN, "without aes_128_gcm").suites == MODERN.suites[1:]


def test_a_whole_name_means_that_one_alone() -> None:
    policy = edit(MODERN, "without x25519")
    assert policy.groups == tuple(name for name in MODERN.groups if name != "x25519")
    assert "X25519MLKEM768" in policy.groups


def test_words_reach_into_hybrids() -> None:
    assert edit(MODERN, "without mlkem768 mlkem1024").groups == tuple(
        name for name in MODERN.groups if "MLKEM" not in name
    )


def test_words_are_whole_words() -> None:
    """DHE is not part of ECDHE, and SHA is not part of SHA256."""
    policy = edit(LEGACY, "without dhe sha")
    assert policy.suites == tuple(
        name for name in LEGACY.suites if "_DHE_" not in name and not name.endswith("_SHA")
    )


def test_a_prefix_limits_to_one_list() -> None:
    policy = edit(COMPATIBLE, "without suite:rsa")
    assert policy.signatures == COMPATIBLE.signatures
    assert policy.suites == tuple(name for name in COMPATIBLE.suites if "_RSA_" not in name)
    both = edit(COMPATIBLE, "without rsa")
    assert not any(name.startswith("rsa_pkcs1") for name in both.signatures + both.certificate_signatures)


def test_without_what_is_not_there_changes_nothing() -> None:
    assert edit(MODERN, "without rc4") == evolve(MODERN, name="modern, without rc4")


# --- with -------------------------------------------------------------------------------------------------


def test_with_puts_names_last() -> None:
    policy = edit(MODERN, "with tlsv1.2 tls_ecdhe_rsa_with_aes_128_gcm_sha256 ffdhe2048")
    assert policy.versions == ("TLSv1.3", "TLSv1.2")
    assert policy.suites == (*MODERN.suites, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert policy.groups == (*MODERN.groups, "ffdhe2048")


def test_with_what_is_there_keeps_its_place() -> None:
    assert edit(MODERN, "with x25519").groups == MODERN.groups


def test_with_a_scheme_reaches_both_lists() -> None:
    policy = edit(MODERN, "with ecdsa_brainpoolP256r1tls13_sha256")
    assert policy.signatures[-1] == policy.certificate_signatures[-1] == "ecdsa_brainpoolP256r1tls13_sha256"


def test_an_empty_certificate_list_stays_empty() -> None:
    same = evolve(MODERN, certificate_signatures=())
    assert edit(same, "with rsa_pkcs1_sha256").certificate_signatures == ()


def test_with_a_private_name() -> None:
    policy = edit(MODERN, "with group:Ours suite:TLS_OURS_SHA256")
    assert policy.groups[-1] == "Ours"
    assert policy.suites[-1] == "TLS_OURS_SHA256"
    assert edit(policy, "without ours").groups == MODERN.groups


# --- prefer and only --------------------------------------------------------------------------------------


def test_prefer_moves_words_in_the_order_given() -> None:
    policy = edit(MODERN, "prefer chacha20 aes_256_gcm")
    assert policy.suites == tuple(reversed(MODERN.suites))


def test_prefer_adds_a_name() -> None:
    assert edit(MODERN, "prefer MLKEM1024").groups == ("MLKEM1024", *MODERN.groups)


def test_prefer_does_not_add_to_a_second_list() -> None:
    """PKCS #1 signatures are fine in certificates, and cannot sign TLS 1.3 handshakes."""
    policy = edit(MODERN, "prefer rsa_pkcs1_sha256")
    assert policy.certificate_signatures[0] == "rsa_pkcs1_sha256"
    assert policy.signatures == MODERN.signatures


def test_only_restricts_the_lists_it_touches() -> None:
    policy = edit(MODERN, "only secp256r1 x25519 aes_256_gcm")
    assert policy.groups == ("secp256r1", "x25519")
    assert policy.suites == ("TLS_AES_256_GCM_SHA384",)
    assert policy.signatures == MODERN.signatures
    assert policy.versions == MODERN.versions


def test_only_takes_in_a_name() -> None:
    assert edit(MODERN, "only TLS_AES_128_CCM_SHA256").suites == ("TLS_AES_128_CCM_SHA256",)
    assert edit(MODERN, "only group:ours").groups == ("ours",)


# --- settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("preference client", "preference", Preference.CLIENT),
        ("preference SERVER", "preference", Preference.SERVER),
        ("retry avoid", "hello_retry", HelloRetry.AVOID),
        ("retry best-group", "hello_retry", HelloRetry.BEST_GROUP),
        ("shares 0", "key_shares", 0),
        ("minimum-cipher 256", "minimum_cipher", 256),
        ("minimum-group 192", "minimum_group", 192),
        ("minimum-signature 128", "minimum_signature", 128),
        ("middlebox-compat off", "middlebox_compat", False),
        ("record-padding 512", "record_padding", 512),
        ("certificate-compression off", "certificate_compression", False),
        ("retry-cookie on", "retry_cookie", True),
    ],
)
def test_settings(text: str, attribute: str, value: object) -> None:
    policy = edit(MODERN, text)
    assert getattr(policy, attribute) == value
    assert evolve(policy, name="modern", **{attribute: getattr(MODERN, attribute)}) == MODERN


# --- what makes no sense ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "withot chacha20",
        "chacha20",
        "without",
        "without chacha21",
        "without mlkem",
        "without :x25519",
        "without group:chacha20",
        "without group:",
        "without color:red",
        "with gcm",
        "with TLS_FALLBACK_SCSV",
        "with version:TLSv1.1",
        "with x25519, ",
        "prefer rc4",
        "only rc4",
        "without version:TLSv1.3",
        "without aes_128_gcm aes_256_gcm chacha20",
        "preference mine",
        "preference server client",
        "retry",
        "shares -1",
        "shares two",
        "shares 1 2",
        "shares ٣",
        "shares 99999999999999",
        "retry-cookie maybe",
    ],
)
def test_bad_edits(text: str) -> None:
    with pytest.raises(LocalError) as caught:
        edit(MODERN, text)
    assert caught.value.reason is LocalMistake.BAD_POLICY


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("without chacha21", "CHACHA20"),
        ("with secp348r1", "secp384r1"),
        ("with TLS_AES_128_GCM_SHA265", "TLS_AES_128_GCM_SHA256"),
        ("wihtout x25519", "without"),
    ],
)
def test_the_nearest_names_are_told(text: str, hint: str) -> None:
    with pytest.raises(LocalError) as caught:
        edit(MODERN, text)
    assert hint in caught.value.detail


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_policy_or_a_local_error(text: str) -> None:
    try:
        policy = edit(MODERN, text)
    except LocalError as error:
        found: object = error.reason
    else:
        found = policy.name.startswith("modern, ")
    assert found in (LocalMistake.BAD_POLICY, True)


# --- finding ----------------------------------------------------------------------------------------------


def test_unknown_names_are_told_with_the_nearest() -> None:
    assert reason("modrn") is LocalMistake.UNKNOWN_POLICY
    assert reason("") is LocalMistake.UNKNOWN_POLICY
    with pytest.raises(LocalError) as caught:
        find_policy("legasy, without cbc")
    assert "legacy" in caught.value.detail


def test_a_file_can_be_named_and_edited(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('base = "modern"\ngroups = ["x448", "x25519"]\n', encoding="utf-8")
    assert find_policy(str(file)) == evolve(MODERN, name="ours", groups=("x448", "x25519"))
    assert find_policy(f"{file}, without x448").groups == ("x25519",)
    assert find_policy(f"{file}, without x448").name == "ours, without x448"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert reason(str(tmp_path / "none.toml")) is LocalMistake.UNKNOWN_POLICY
    assert reason(str(tmp_path)) is LocalMistake.UNKNOWN_POLICY
    file = tmp_path / "bad.toml"
    file.write_bytes(b"\xff\xfe")
    assert reason(str(file)) is LocalMistake.BAD_POLICY
    file.write_text("versions = 3", encoding="utf-8")
    assert reason(str(file)) is LocalMistake.BAD_POLICY


def test_an_edited_policy_survives_a_file(tmp_path: Path) -> None:
    policy = find_policy("legacy, without cbc, retry best-group")
    file = tmp_path / "edited.toml"
    file.write_text(to_toml(policy), encoding="utf-8")
    assert find_policy(str(file)) == policy
