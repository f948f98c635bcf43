"""``suitor explain``: from a file with a ClientHello to the outcome, for people and as JSON."""

from __future__ import annotations

import datetime
import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from suitor.cli import main
from suitor.cli.exits import Exit
from suitor.policy import MODERN, edit
from suitor.wire.codec import pack_u16s, vec8, vec16
from suitor.wire.extensions import encode_extensions
from suitor.wire.hello import encode_client_hello

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
HELLOS = sorted((VECTORS / "client_hellos").glob("*.hex"))
OPENSSL = str(VECTORS / "client_hellos" / "openssl.hex")
SCHEMA_FILE = ROOT / "docs" / "reference" / "explain.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text())


def closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not document."""
    if isinstance(schema, dict):
        result = {key: closed(value) for key, value in schema.items()}
        if "properties" in result and "type" in result:
            result["additionalProperties"] = False
        return result
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


VALIDATOR = jsonschema.Draft202012Validator(closed(SCHEMA))


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["explain", *arguments, "--json"])
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    VALIDATOR.validate(facts)
    return code, facts


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["explain", *arguments])
    return code, capsys.readouterr().out


# --- outcomes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", HELLOS, ids=lambda path: path.stem)
def test_every_clients_hello(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    code, facts = run_json(capsys, str(path))
    agreed = facts["outcome"] == "agreed"
    assert code == (Exit.SUCCESS if agreed else Exit.NEGOTIATION)
    assert agreed or facts["hurdles"] or facts["smallest_change"]
    assert facts["offer"]["server_name"] == "example.com"
    assert facts["input"]["format"] == "hex"

    code, text = run(capsys, str(path))
    assert code == (Exit.SUCCESS if agreed else Exit.NEGOTIATION)
    assert ("Agreed:" if agreed else "Refused:") in text
    for note in facts["notes"]:
        assert note["candidate"] in text
        assert note["reason"] in text


def test_a_client_that_speaks_tls13_agrees_with_modern(capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = run_json(capsys, OPENSSL)
    assert code == Exit.SUCCESS
    assert facts["policy"]["name"] == MODERN.name
    assert facts["agreement"]["version"] == "TLSv1.3"
    assert facts["agreement"]["group"] == "x25519"


def test_a_client_of_tls12_alone_is_told_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = run_json(capsys, str(VECTORS / "client_hellos" / "openssl_tls12.hex"))
    assert code == Exit.NEGOTIATION
    assert facts["refusal"]["code"] == "no_common_version"
    assert facts["hurdles"] == []
    edits = facts["smallest_change"]["edits"]
    assert edits[0] == "with TLSv1.2"
    assert edits[1].startswith("with TLS_ECDHE_")


def test_the_smallest_change_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    policy = "modern, only ffdhe2048, minimum-cipher 300"
    code, text = run(capsys, OPENSSL, "--policy", policy)
    assert code == Exit.NEGOTIATION
    found = re.search(r"Smallest change: (--policy .+)", text)
    assert found is not None
    pasted = shlex.split(found[1])
    assert pasted[1].startswith(policy)
    code, facts = run_json(capsys, OPENSSL, *pasted)
    assert code == Exit.SUCCESS

    _, refused = run_json(capsys, OPENSSL, "--policy", policy)
    change = refused["smallest_change"]
    assert change["agreement"] == facts["agreement"]
    assert (
        edit(MODERN, f"only ffdhe2048, minimum-cipher 300, {', '.join(change['edits'])}").name
        == change["policy"]
    )


def test_alpn(capsys: pytest.CaptureFixture[str]) -> None:
    python = str(VECTORS / "client_hellos" / "python.hex")
    code, facts = run_json(capsys, python, "--alpn", "spdy/3,http/1.1")
    assert (code, facts["agreement"]["alpn"]) == (Exit.SUCCESS, "http/1.1")
    code, facts = run_json(capsys, python, "--alpn", "spdy/3")
    assert code == Exit.NEGOTIATION
    assert facts["refusal"]["code"] == "no_common_alpn"
    assert {"h2", "http/1.1"} == {need["candidate"] for need in facts["hurdles"][0]["needs"]}


# --- where the hello comes from ---------------------------------------------------------------------------


class Piped(io.TextIOWrapper):
    """Standard input that something was piped into."""

    def isatty(self) -> bool:
        return False


class Terminal(io.TextIOWrapper):
    """Standard input that is a terminal; reading it would wait for ever."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(Path(OPENSSL).read_bytes())))
    code, facts = run_json(capsys, *arguments)
    assert code == Exit.SUCCESS
    assert facts["input"]["source"] == "-"


def test_at_a_terminal_a_sample_is_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO()))
    code, facts = run_json(capsys)
    assert code == Exit.SUCCESS
    assert facts["input"]["source"] is None
    assert facts["offer"]["server_name"] == "example.com"


def test_the_sample_can_be_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, facts = run_json(capsys, "--sample", "--policy", "legacy, only ffdhe2048")
    assert code == Exit.NEGOTIATION
    (change,) = facts["smallest_change"]["edits"]
    assert change.startswith("with ")


def test_a_packet_capture(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(VECTORS / "captures" / "loopback.pcap")
    code, facts = run_json(capsys, path, "--stream", "2")
    assert code == Exit.SUCCESS
    assert facts["offer"]["server_name"] == "two.example"
    assert (facts["input"]["stream"], len(facts["input"]["streams"])) == (2, 3)
    _, text = run(capsys, path)
    assert "--stream 3" in text


def test_grease_is_marked_and_ignored(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(greased())
    code, facts = run_json(capsys, str(path))
    assert code == Exit.SUCCESS
    for axis in ("versions", "suites", "groups", "shares"):
        first = facts["offer"][axis][0]
        assert first["grease"]
        assert not any(entry["grease"] for entry in facts["offer"][axis][1:])
    assert sum(note["verdict"] == "grease" for note in facts["notes"]) == 3
    assert facts["input"]["extensions"][0] == {
        "code": 0x2A2A,
        "name": facts["input"]["extensions"][0]["name"],
        "grease": True,
        "size": 0,
    }
    _, text = run(capsys, str(path))
    assert "GREASE 0x1A1A" in text


def greased(alpn: bytes = b"h2") -> bytes:
    """A ClientHello with GREASE where browsers put it (RFC 8701 section 3.1)."""
    extensions = [
        (0x2A2A, b""),
        (43, vec8(pack_u16s([0x3A3A, 0x0304]))),
        (10, vec16(pack_u16s([0x4A4A, 0x001D]))),
        (51, vec16(pack_u16s([0x4A4A]) + vec16(b"\0") + pack_u16s([0x001D]) + vec16(bytes(32)))),
        (13, vec16(pack_u16s([0x0403]))),
        (16, vec16(vec8(alpn))),
    ]
    return encode_client_hello(bytes(32), b"", pack_u16s([0x1A1A, 0x1301]), encode_extensions(extensions))


def test_a_peers_words_do_not_drive_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(greased(b"\x1b[31mred[bold]"))
    _, text = run(capsys, str(path), "--alpn", "h2")
    assert "\x1b" not in text
    assert "red[bold]" in text


# --- certificates -----------------------------------------------------------------------------------------


def certificate(folder: Path, name: str, curve: ec.EllipticCurve) -> str:
    """A PEM file with a certificate alone, without its key."""
    key = ec.generate_private_key(curve)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return str(path)


def test_the_certificate_for_the_name_decides(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = certificate(tmp_path, "other.example", ec.SECP256R1())
    ours = certificate(tmp_path, "example.com", ec.SECP384R1())
    code, facts = run_json(capsys, OPENSSL, "--cert", other, "--cert", ours)
    assert code == Exit.SUCCESS
    assert facts["agreement"]["credential"] == "example.com.pem"
    assert facts["agreement"]["signature"] == "ecdsa_secp384r1_sha384"


def test_no_key_for_what_the_client_accepts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(greased())
    ours = certificate(tmp_path, "example.com", ec.SECP384R1())
    code, facts = run_json(capsys, str(path), "--cert", ours)
    assert code == Exit.NEGOTIATION
    assert facts["hurdles"][0]["obstacle"] == "no_key"


# --- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("/nowhere/at/all",), Exit.LOCAL),
        ((OPENSSL, "--policy", "mordern"), Exit.LOCAL),
        ((OPENSSL, "--policy", "modern, wihtout x25519"), Exit.LOCAL),
        ((OPENSSL, "--format", "pcap"), Exit.LOCAL),
        ((OPENSSL, "--stream", "1"), Exit.LOCAL),
        ((OPENSSL, "--sample"), Exit.LOCAL),
        ((OPENSSL, "--cert", OPENSSL), Exit.LOCAL),
        ((OPENSSL, "--cert", "/nowhere.pem"), Exit.LOCAL),
        ((OPENSSL, "--colour"), Exit.LOCAL),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: Exit) -> None:
    assert main(["explain", *arguments]) == code
    assert not capsys.readouterr().out.startswith("{")


def test_a_hello_that_breaks_the_protocol(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "hello"
    message = greased()
    path.write_bytes(b"\x01" + (len(message) - 5).to_bytes(3, "big") + message[4:-1])
    assert main(["explain", str(path)]) == Exit.PROTOCOL
    assert capsys.readouterr().err


def test_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suitor", "explain"],
        input=Path(OPENSSL).read_bytes(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (Exit.SUCCESS, b"")
    assert b"Agreed: TLSv1.3" in done.stdout


# --- the schema -------------------------------------------------------------------------------------------


def test_the_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_is_documented() -> None:
    text = (ROOT / "docs" / "reference" / "explain-schema.md").read_text()

    def fields(schema: Any) -> set[str]:
        if isinstance(schema, dict):
            own = set(schema.get("properties", ()))
            return own.union(*(fields(value) for value in schema.values()))
        return set().union(*map(fields, schema)) if isinstance(schema, list) else set()

    assert [
        name for name in sorted(fields(SCHEMA)) if not re.search(rf"`([a-z_]+\[\]\.)?{name}`", text)
    ] == []
