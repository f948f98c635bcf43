"""Stage one: which certificate answers which name, and loading certificates from PEM files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from suitor.cli.pki import Issued, KeyKind, make_intermediate, make_leaf, make_root
from suitor.errors import LocalError, LocalMistake
from suitor.plug import Credential, CredentialRequest, Credentials, Selected, StageFactory, UnknownName
from suitor_plugins import stages
from suitor_plugins.credentials import SniCredentials, load_credential


def credential(label: str, *names: str) -> Credential:
    return Credential(label=label, chain=(label.encode(),), public_key=None, names=names)


def labels(stage: Credentials, name: str | None) -> list[str]:
    selected = stage.select(CredentialRequest(name))
    assert isinstance(selected, Selected)
    return [found.label for found in selected.credentials]


FIRST = credential("first", "example.com", "www.example.com")
WILD = credential("wild", "*.example.com")
OTHER = credential("other", "example.org", "www.example.com")
STAGE = SniCredentials([FIRST, WILD, OTHER])
STRICT = SniCredentials([FIRST, WILD, OTHER], strict=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("example.com", ["first"], id="exact"),
        pytest.param("example.org", ["other"], id="exact, not the first"),
        pytest.param("www.example.com", ["first", "other", "wild"], id="exact before wildcard"),
        pytest.param("a.example.com", ["wild"], id="wildcard"),
    ],
)
def test_names_find_their_credentials(name: str, expected: list[str]) -> None:
    assert labels(STAGE, name) == expected
    assert labels(STRICT, name) == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(None, id="no name"),
        pytest.param("unknown.test", id="unknown"),
        pytest.param("a.b.example.com", id="a wildcard is for one label"),
        pytest.param(".example.com", id="and not for an empty one"),
        pytest.param("*.example.com", id="the wildcard itself is no name"),
        pytest.param("com", id="a parent"),
        pytest.param("", id="empty"),
    ],
)
def test_the_first_answers_for_other_names_unless_strict(name: str | None) -> None:
    assert labels(STAGE, name) == ["first"]
    with pytest.raises(UnknownName):
        STRICT.select(CredentialRequest(name))


def test_partial_wildcards_are_no_wildcards() -> None:
    """RFC 9525 section 6.3."""
    stage = SniCredentials(
        [credential("a", "w*.example.com", "*", "a.*.example.com", "**.example.com")], strict=True
    )
    for name in ("www.example.com", "com", "a.b.example.com", "w*.example.com"):
        with pytest.raises(UnknownName):
            stage.select(CredentialRequest(name))


def test_names_compare_without_case_dot_and_in_a_labels() -> None:
    stage = SniCredentials(
        [credential("a", "WWW.Example.COM."), credential("b", "bücher.example")], strict=True
    )
    assert labels(stage, "www.example.com") == ["a"]
    assert labels(stage, "xn--bcher-kva.example") == ["b"]


def test_a_name_that_no_sni_can_carry_is_a_mistake() -> None:
    with pytest.raises(LocalError) as caught:
        SniCredentials([credential("a", "ü..example")])
    assert caught.value.reason is LocalMistake.BAD_NAME


def test_the_default_has_every_kind_of_key_for_its_names() -> None:
    stage = SniCredentials(
        [
            credential("ecdsa", "a.test", "b.test"),
            credential("x", "c.test"),
            credential("rsa", "b.test", "a.test"),
        ]
    )
    assert labels(stage, None) == ["ecdsa", "rsa"]
    assert labels(stage, "a.test") == ["ecdsa", "rsa"]


def test_notes_say_why() -> None:
    assert STAGE.select(CredentialRequest("a.example.com")).notes == (
        ("wild", "wildcard"),
        ("first", "other name"),
        ("other", "other name"),
    )
    assert STAGE.select(CredentialRequest("www.example.com")).notes == (
        ("first", "exact"),
        ("other", "exact"),
        ("wild", "wildcard"),
    )
    assert STAGE.select(CredentialRequest("unknown.test")).notes[0] == ("first", "default")


def test_many_credentials_are_not_all_noted_for_every_name() -> None:
    stage = SniCredentials([credential(f"c{n}", f"n{n}.test") for n in range(1000)])
    selected = stage.select(CredentialRequest("n999.test"))
    assert selected.notes == (("c999", "exact"),)


def test_no_credentials_is_a_mistake() -> None:
    with pytest.raises(LocalError) as caught:
        SniCredentials([])
    assert caught.value.reason is LocalMistake.NO_CREDENTIALS


def test_a_client_answers_by_issuer() -> None:
    """RFC 8446 section 4.2.4; the server's name says nothing about the client's certificates."""
    roots = [make_root(f"root {n}") for n in range(2)]
    leaves = [make_leaf(root, ["alice@example.com"], client=True) for root in roots]
    stage = SniCredentials([leaf.credential(f"of root {n}") for n, leaf in enumerate(leaves)], strict=True)

    def asked_by(*authorities: bytes) -> list[tuple[str, str]]:
        request = CredentialRequest("server.test", authorities=authorities, server=False)
        selected = stage.select(request)
        taken = {found.label for found in selected.credentials}
        assert taken == {label for label, why in selected.notes if why != "other issuer"}
        return list(selected.notes)

    assert asked_by() == [("of root 0", "any issuer"), ("of root 1", "any issuer")]
    name = roots[1].certificate.subject.public_bytes()
    assert asked_by(name) == [("of root 0", "other issuer"), ("of root 1", "issuer")]
    assert asked_by(b"\x30\x00") == [("of root 0", "other issuer"), ("of root 1", "other issuer")]


# --- PEM files --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issued() -> Issued:
    intermediate = make_intermediate(make_root(kind=KeyKind.RSA2048))
    return make_leaf(intermediate, ["example.com", "*.example.net", "192.0.2.1", "2001:db8::1"])


@pytest.fixture
def files(issued: Issued, tmp_path: Path) -> tuple[Path, Path]:
    certificates, key = tmp_path / "site.pem", tmp_path / "site-key.pem"
    certificates.write_bytes(b"a comment\n" + issued.chain_pem())
    key.write_bytes(issued.key_pem())
    return certificates, key


def test_a_credential_from_files(issued: Issued, files: tuple[Path, Path]) -> None:
    loaded = load_credential(*files)
    assert loaded.label == "site.pem"
    assert loaded.chain == tuple(c.public_bytes(Encoding.DER) for c in issued.chain)
    assert loaded.names == ("example.com", "*.example.net", "192.0.2.1", "2001:db8::1")
    assert loaded.public_key == issued.certificate.public_key()
    assert loaded.private_key.public_key() == loaded.public_key
    # The leaf is signed with the intermediate's P-256 key, the intermediate with the root's RSA key.
    assert loaded.chain_signatures == (0x0403, 0x0401)


def test_one_file_may_hold_both(issued: Issued, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(issued.key_pem() + issued.chain_pem())
    assert load_credential(both).chain == load_credential(both, both).chain


def test_encrypted_keys(issued: Issued, files: tuple[Path, Path]) -> None:
    certificates, key = files
    encryption = BestAvailableEncryption(b"sesame")
    key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    assert load_credential(certificates, key, "sesame").public_key == issued.certificate.public_key()
    for password in (None, "wrong"):
        with pytest.raises(LocalError) as caught:
            load_credential(certificates, key, password)
        assert caught.value.reason is LocalMistake.BAD_PEM
        assert str(key) in str(caught.value)


def test_a_password_that_is_not_needed_is_ignored(files: tuple[Path, Path]) -> None:
    assert load_credential(*files, password="sesame").label == "site.pem"


def test_another_certificates_key_is_refused(issued: Issued, files: tuple[Path, Path]) -> None:
    certificates, key = files
    key.write_bytes(make_root().key_pem())
    with pytest.raises(LocalError) as caught:
        load_credential(certificates, key)
    assert caught.value.reason is LocalMistake.KEY_MISMATCH


def test_a_chain_in_the_wrong_order_is_told(issued: Issued, files: tuple[Path, Path]) -> None:
    certificates, key = files
    certificates.write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in reversed(issued.chain)))
    with pytest.raises(LocalError) as caught:
        load_credential(certificates, key)
    assert caught.value.reason is LocalMistake.KEY_MISMATCH
    assert "certificate 2" in caught.value.detail


@pytest.mark.parametrize("which", ["certificates", "key"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x30\x82\x01\x0a" + bytes(266), id="DER"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            id="garbage",
        ),
    ],
)
def test_bad_files_are_named(files: tuple[Path, Path], which: str, content: bytes | None) -> None:
    bad = files[0] if which == "certificates" else files[1]
    if content is None:
        bad.unlink()
    else:
        bad.write_bytes(content)
    with pytest.raises(LocalError) as caught:
        load_credential(*files)
    assert caught.value.reason is LocalMistake.BAD_PEM
    assert str(bad) in caught.value.detail


def test_no_error_carries_the_key(issued: Issued, files: tuple[Path, Path]) -> None:
    """Neither in its text nor in what caused it."""
    certificates, key = files
    lines = issued.key_pem().splitlines()
    key.write_bytes(b"\n".join([lines[0], lines[1][:-8], *lines[2:]]))
    with pytest.raises(LocalError) as caught:
        load_credential(certificates, key)
    assert lines[1][:20].decode() not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert lines[1][:20].decode() not in repr(caught.value.__context__)


def test_reprs_hide_keys(files: tuple[Path, Path]) -> None:
    assert "PrivateKey" not in repr(load_credential(*files))


# --- the entry point --------------------------------------------------------------------------------------


def test_the_factory_takes_credentials_and_files(files: tuple[Path, Path]) -> None:
    factories = {(f.kind, f.name): f for f in stages.suitor_stages()}
    stage = factories[StageFactory.CREDENTIALS, "sni"].make([FIRST], files=[files], strict=True)
    assert isinstance(stage, Credentials)
    assert labels(stage, "example.com") == ["first", "site.pem"]
    with pytest.raises(UnknownName):
        stage.select(CredentialRequest(None))
