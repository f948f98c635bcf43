"""``suitor ca``: the files it makes, who accepts them, and what it never does."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from suitor.cli import main
from suitor.cli.exits import Exit
from suitor.cli.newfiles import NewFile, write_all
from suitor.cli.pki import LEAF_DAYS, KeyKind, make_intermediate, make_leaf, make_root
from suitor.errors import LocalError, LocalMistake
from suitor.plug import PeerCertificates
from suitor_plugins.credentials import load_credential
from suitor_plugins.verification import PrivateVerification, WebVerification

AUTHORITY = {"root.pem", "root-key.pem", "intermediate.pem", "intermediate-key.pem"}

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    return tmp_path / "pki"


def ca(pki: Path, *arguments: str) -> int:
    return main(["ca", *arguments, "--dir", str(pki)])


def snapshot(pki: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in pki.iterdir()} if pki.is_dir() else {}


def test_one_command_makes_everything(pki: Path) -> None:
    assert ca(pki, "localhost", "127.0.0.1") == Exit.SUCCESS
    assert set(snapshot(pki)) == AUTHORITY | {"localhost.pem", "localhost-key.pem"}
    credential = load_credential(pki / "localhost.pem", pki / "localhost-key.pem")
    assert credential.names == ("localhost", "127.0.0.1")
    assert len(credential.chain) == 2
    for stage in (WebVerification, PrivateVerification):
        for name in credential.names:
            answer = stage(pki / "root.pem").verify(PeerCertificates(credential.chain, name, True))
            assert answer.verified


def test_a_later_run_uses_the_same_authority(pki: Path) -> None:
    ca(pki, "a.test")
    before = snapshot(pki)
    (pki / "root-key.pem").unlink()
    assert ca(pki, "b.test") == Exit.SUCCESS
    after = snapshot(pki)
    assert after.keys() - before.keys() == {"b.test.pem", "b.test-key.pem"}
    assert before == {**{name: after.get(name) for name in before}, "root-key.pem": before["root-key.pem"]}


def test_a_client_certificate(pki: Path) -> None:
    assert ca(pki, "alice@example.com", "--client", "--key", "ed25519") == Exit.SUCCESS
    credential = load_credential(pki / "alice-at-example.com.pem", pki / "alice-at-example.com-key.pem")
    stage = PrivateVerification(pki / "root.pem")
    assert stage.verify(PeerCertificates(credential.chain, None, False)).verified


def test_without_names_only_the_authority(pki: Path) -> None:
    assert ca(pki) == Exit.SUCCESS
    assert set(snapshot(pki)) == AUTHORITY
    assert ca(pki) == Exit.LOCAL


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_keys_are_never_readable_by_others(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even while they are being written, and whatever the umask."""
    opened: dict[str, int] = {}
    real = os.open

    def watching(path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = real(path, flags, mode)
        opened[Path(path).name] = stat.S_IMODE(os.fstat(descriptor).st_mode)
        return descriptor

    monkeypatch.setattr("suitor.cli.newfiles.os.open", watching)
    previous = os.umask(0)
    try:
        ca(pki, "localhost")
    finally:
        os.umask(previous)
    assert {mode for name, mode in opened.items() if "-key.pem" in name} == {0o600}
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in pki.iterdir()}
    assert {mode for name, mode in modes.items() if "key" in name} == {0o600}
    assert modes["root.pem"] == 0o644


@pytest.mark.parametrize("taken", ["localhost.pem", "localhost-key.pem", "root-key.pem"])
def test_nothing_is_overwritten_and_nothing_else_written(
    pki: Path, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pki.mkdir()
    (pki / taken).write_text("precious")
    assert ca(pki, "localhost") == Exit.LOCAL
    assert snapshot(pki) == {taken: b"precious"}
    assert taken in capsys.readouterr().err


def test_force_overwrites_the_leaf_alone(pki: Path) -> None:
    ca(pki, "localhost")
    before = snapshot(pki)
    assert ca(pki, "localhost", "--force") == Exit.SUCCESS
    after = snapshot(pki)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"localhost.pem", "localhost-key.pem"}
    assert ca(pki, "--force") == Exit.SUCCESS
    assert {name for name in before if after[name] != snapshot(pki)[name]} == AUTHORITY


def test_an_error_on_the_way_leaves_nothing(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pki.mkdir()
    real, calls = os.link, []

    def failing(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 3:
            raise FileExistsError(target)
        real(source, target)

    monkeypatch.setattr("suitor.cli.newfiles.os.link", failing)
    assert ca(pki, "localhost") == Exit.LOCAL
    assert len(calls) == 3
    assert snapshot(pki) == {}


def test_two_files_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(LocalError) as caught:
        write_all([NewFile(tmp_path / "a", b"1"), NewFile(tmp_path / "a", b"2")])
    assert caught.value.reason is LocalMistake.BAD_INPUT


def test_a_directory_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(LocalError) as caught:
        write_all([NewFile(tmp_path / "a", b"1", replace=True)])
    assert caught.value.reason is LocalMistake.FILE_EXISTS


def test_a_name_like_the_authoritys_files(pki: Path) -> None:
    assert ca(pki, "root") == Exit.SUCCESS
    assert {"leaf-root.pem", "leaf-root-key.pem"} <= set(snapshot(pki))


@pytest.mark.parametrize("part", ["root.pem", "intermediate.pem", "intermediate-key.pem"])
def test_a_damaged_authority_is_not_used(pki: Path, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    ca(pki)
    other = pki.with_name("other")
    ca(other)
    good = (pki / part).read_bytes()
    for content in (None, b"garbage", (other / part).read_bytes()):
        (pki / part).unlink()
        if content is not None:
            (pki / part).write_bytes(content)
        before = snapshot(pki)
        capsys.readouterr()
        assert ca(pki, "localhost") == Exit.LOCAL
        assert "damaged" in capsys.readouterr().err
        assert snapshot(pki) == before
        (pki / part).write_bytes(good)


@pytest.mark.parametrize(
    "names", [["under_score.test"], ["a..b"], ["1.2.3"], ["-a.test"], ["a@b.test"], ["*"], ["w*.test"], [""]]
)
def test_bad_names(pki: Path, names: list[str]) -> None:
    assert ca(pki, *names) == Exit.LOCAL
    assert snapshot(pki) == {}


@pytest.mark.parametrize("days", ["0", "-1", "99999999"])
def test_bad_validity(pki: Path, days: str) -> None:
    assert ca(pki, "localhost", f"--days={days}") == Exit.LOCAL
    assert snapshot(pki) == {}


def test_json_lists_the_files(pki: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ca(pki, "Bücher.example", "::1", "--json") == Exit.SUCCESS
    facts = json.loads(capsys.readouterr().out)
    paths = [Path(file["path"]) for file in facts["files"]]
    assert {path.name for path in paths} == set(snapshot(pki))
    assert all(file["secret"] == file["path"].endswith("-key.pem") for file in facts["files"])
    assert facts["names"] == ["xn--bcher-kva.example", "::1"]
    assert datetime.fromisoformat(facts["valid_until"]) > datetime.now(UTC) + timedelta(days=396)


@openssl
@pytest.mark.parametrize("ca_key", ["p256", "p384", "rsa2048", "ed25519"])
@pytest.mark.parametrize("key", ["p256", "p384", "rsa3072", "ed25519"])
def test_openssl_accepts_it_strictly(pki: Path, ca_key: str, key: str) -> None:
    assert ca(pki, "localhost", "*.example.com", "127.0.0.1", "--key", key, "--ca-key", ca_key) == 0
    leaf = str(pki / "localhost.pem")
    files = ["-CAfile", str(pki / "root.pem"), "-untrusted", leaf, leaf]
    for name in (["-verify_hostname", "www.example.com"], ["-verify_ip", "127.0.0.1"]):
        checked = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", *name, *files],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


# --- the making functions ---------------------------------------------------------------------------------


def test_profiles() -> None:
    root = make_root()
    intermediate = make_intermediate(root)
    leaf = make_leaf(intermediate, ["example.com"], kind=KeyKind.RSA2048)
    assert leaf.chain == (leaf.certificate, intermediate.certificate)
    assert make_leaf(root, ["example.com"]).chain[1:] == ()
    validity = leaf.certificate.not_valid_after_utc - leaf.certificate.not_valid_before_utc
    assert validity + timedelta(seconds=1) == timedelta(days=LEAF_DAYS)
    usage = leaf.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    constraints = intermediate.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value.path_length == 0


def test_a_leaf_is_never_valid_longer_than_its_issuer() -> None:
    root = make_root(days=10)
    assert make_leaf(root, ["a.test"]).certificate.not_valid_after_utc == root.certificate.not_valid_after_utc


def test_an_expired_issuer_issues_nothing() -> None:
    root = make_root(days=10)
    with pytest.raises(LocalError) as caught:
        make_leaf(root, ["a.test"], now=datetime.now(UTC) + timedelta(days=11))
    assert caught.value.reason is LocalMistake.BAD_INPUT


def test_a_long_name_leaves_the_subject_empty() -> None:
    name = ".".join(["a" * 40] * 3)
    certificate = make_leaf(make_root(), [name]).certificate
    assert not list(certificate.subject)
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_no_names_no_certificate() -> None:
    with pytest.raises(LocalError) as caught:
        make_leaf(make_root(), [])
    assert caught.value.reason is LocalMistake.BAD_NAME


def test_reprs_hide_keys() -> None:
    assert "PrivateKey" not in repr(make_root())
