"""Policy files: what is written is read back exactly, and a mistake is told with its key."""

from __future__ import annotations

import sys

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from suitor.errors import LocalError, LocalMistake
from suitor.policy import MODERN, PRESETS, HelloRetry, Limits, Policy, Preference, from_toml, to_toml

names = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=5).map(tuple)
counts = st.integers(0, 2**40)
policies = st.builds(
    Policy,
    name=st.text(min_size=1, max_size=20).filter(str.strip),
    versions=st.sampled_from([("TLSv1.3",), ("TLSv1.2",), ("TLSv1.3", "TLSv1.2"), ("TLSv1.2", "TLSv1.3")]),
    suites=names,
    groups=names,
    signatures=names,
    certificate_signatures=names,
    preference=st.sampled_from(Preference),
    hello_retry=st.sampled_from(HelloRetry),
    key_shares=counts,
    minimum_cipher=counts,
    minimum_group=counts,
    minimum_signature=counts,
    middlebox_compat=st.booleans(),
    certificate_compression=st.booleans(),
    retry_cookie=st.booleans(),
    record_padding=counts,
    winners=st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=3),
    limits=st.builds(Limits, **{attribute.name: counts for attribute in fields(Limits)}),
)


@given(policies)
def test_round_trip(policy: Policy) -> None:
    again = from_toml(to_toml(policy))
    assert again == policy
    assert hash(again) == hash(policy)


@pytest.mark.parametrize("policy", PRESETS.values(), ids=lambda p: p.name)
def test_presets_round_trip(policy: Policy) -> None:
    assert from_toml(to_toml(policy)) == policy


def test_every_attribute_is_written() -> None:
    text = to_toml(MODERN)
    for attribute in (*fields(Policy), *fields(Limits)):
        assert f"{attribute.name} = " in text or f"[{attribute.name}]" in text


def test_a_base_is_changed_where_the_file_says() -> None:
    policy = from_toml(
        """
        base = "modern"
        name = "ours"
        preference = "client"
        [winners]
        "group x25519" = "dist"
        [limits]
        tickets = 1
        """
    )
    assert policy == evolve(
        MODERN,
        name="ours",
        preference=Preference.CLIENT,
        winners={"group x25519": "dist"},
        limits=Limits(tickets=1),
    )


def test_a_name_is_given_where_the_file_gives_none() -> None:
    assert from_toml('base = "modern"').name == "custom"
    assert from_toml('base = "modern"', name="file").name == "file"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("colour = 3", "colour"),
        ('base = "modrn"', "base"),
        ("base = 1", "base"),
        ("name = 1", "name"),
        ('name = " "', "name"),
        ('versions = "TLSv1.3"', "versions"),
        ("versions = []", "versions"),
        ('versions = ["TLSv1.9"]', "TLSv1.9"),
        ("suites = [1]", "suites"),
        ('suites = [""]', "suites"),
        ('groups = ["x25519", "x25519"]', "x25519"),
        ("signatures = {}", "signatures"),
        ("certificate_signatures = true", "certificate_signatures"),
        ('preference = "mine"', "preference"),
        ("preference = 1", "preference"),
        ("preference = []", "preference"),
        ("hello_retry = true", "hello_retry"),
        ("key_shares = true", "key_shares"),
        ("key_shares = 1.0", "key_shares"),
        ("key_shares = -1", "key_shares"),
        ('minimum_cipher = "128"', "minimum_cipher"),
        ("middlebox_compat = 1", "middlebox_compat"),
        ('retry_cookie = "yes"', "retry_cookie"),
        ('winners = ["a"]', "winners"),
        ("winners = {a = 1}", "winners"),
        ("limits = 3", "limits"),
        ("limits = {coffee = 3}", "limits.coffee"),
        ("limits = {tickets = true}", "limits.tickets"),
        ("limits = {tickets = -1}", "limits.tickets"),
    ],
)
def test_mistakes_name_the_key(line: str, key: str) -> None:
    head = "" if line.startswith("base") else 'base = "modern"\n'
    with pytest.raises(LocalError) as caught:
        from_toml(head + line)
    assert caught.value.reason is LocalMistake.BAD_POLICY
    assert key in caught.value.detail


@pytest.mark.parametrize("key", ["versions", "suites", "groups", "signatures"])
def test_without_a_base_every_list_is_needed(key: str) -> None:
    lists = {"versions": '["TLSv1.3"]', "suites": "[]", "groups": "[]", "signatures": "[]"}
    from_toml("\n".join(f"{name} = {value}" for name, value in lists.items()))
    del lists[key]
    with pytest.raises(LocalError) as caught:
        from_toml("\n".join(f"{name} = {value}" for name, value in lists.items()))
    assert caught.value.reason is LocalMistake.BAD_POLICY
    assert key in caught.value.detail


def test_text_that_is_not_toml() -> None:
    with pytest.raises(LocalError) as caught:
        from_toml("modern")
    assert caught.value.reason is LocalMistake.BAD_POLICY


def test_writing_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomli_w", None)
    with pytest.raises(LocalError) as caught:
        to_toml(MODERN)
    assert caught.value.reason is LocalMistake.MISSING_EXTRA
    assert "suitor[cli]" in caught.value.detail
