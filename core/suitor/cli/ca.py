"""``suitor ca``: certificates for trying things out, in one directory that keeps its authority."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cyclopts import App, Parameter

from suitor.cli.newfiles import NewFile, write_all
from suitor.cli.pki import LEAF_DAYS, Issued, KeyKind, PrivateKey, make_intermediate, make_leaf, make_root
from suitor.errors import LocalError, LocalMistake

_AUTHORITY = ("root", "root-key", "intermediate", "intermediate-key")
"""The names of the authority's files, without ``.pem``."""

app = App(name="ca", result_action="return_value")


@frozen
class _Row:
    """A file made, and what it is for people."""

    file: NewFile
    what: str


@app.default
def ca(
    *names: str,
    directory: Annotated[Path, Parameter(name=["--dir", "-d"])] = Path("pki"),
    client: Annotated[bool, Parameter(negative="")] = False,
    key: KeyKind = KeyKind.P256,
    days: int = LEAF_DAYS,
    ca_key: KeyKind = KeyKind.P256,
    ca_name: str = "Suitor test",
    force: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Make a certificate for NAMES, and on the first run the authority that signs it.

    "suitor ca localhost 127.0.0.1" writes to the directory pki: root.pem (the one to trust),
    intermediate.pem, localhost.pem (certificate and intermediate, for a server) and localhost-key.pem,
    beside the authority's own keys. Later runs use the same authority. Private keys can be read by their
    owner alone. Without NAMES only the authority is made.

    Parameters
    ----------
    names
        DNS names (*.example.com too) and IP addresses of one certificate; with --client also mailboxes.
    directory
        Where the files go.
    client
        Make a client's certificate instead of a server's.
    key
        The kind of the certificate's key.
    days
        How long the certificate is valid.
    ca_key
        The kind of the authority's keys, when it is made.
    ca_name
        What the authority is called, when it is made.
    force
        Overwrite the certificate's files. Without NAMES: make a new authority over the old one.
    as_json
        List the files as JSON.
    """
    rows: list[_Row] = []
    issuer = None if force and not names else _kept_authority(directory)
    if issuer is None or not names:
        issuer, rows = _new_authority(directory, ca_key, ca_name, replace=force and not names)
    leaf = make_leaf(issuer, names, client=client, kind=key, days=days) if names else None
    if leaf is not None:
        rows += _leaf_rows(directory, leaf, names[0], client=client, replace=force)
    directory.mkdir(parents=True, exist_ok=True)
    write_all([row.file for row in rows])
    print(_as_json(rows, leaf) if as_json else _as_text(rows, leaf, client=client))


def _new_authority(directory: Path, kind: KeyKind, name: str, *, replace: bool) -> tuple[Issued, list[_Row]]:
    root = make_root(f"{name} root", kind=kind)
    intermediate = make_intermediate(root, f"{name} intermediate", kind=kind)
    contents = (
        (root.chain_pem(), "root certificate: the one to trust"),
        (root.key_pem(), "root private key: needed no more, keep it away from servers"),
        (intermediate.chain_pem(), "intermediate certificate"),
        (intermediate.key_pem(), "intermediate private key: signs further certificates"),
    )
    rows = [
        _Row(NewFile(directory / f"{stem}.pem", data, stem.endswith("-key"), replace), what)
        for stem, (data, what) in zip(_AUTHORITY, contents, strict=True)
    ]
    return intermediate, rows


def _leaf_rows(directory: Path, leaf: Issued, name: str, *, client: bool, replace: bool) -> list[_Row]:
    stem = name.lower().rstrip(".").replace("*", "wildcard").replace(":", "-").replace("@", "-at-")
    if stem in _AUTHORITY:
        stem = f"leaf-{stem}"
    role = "client" if client else "server"
    return [
        _Row(
            NewFile(directory / f"{stem}.pem", leaf.chain_pem(), False, replace), f"{role} certificate chain"
        ),
        _Row(NewFile(directory / f"{stem}-key.pem", leaf.key_pem(), True, replace), f"{role} private key"),
    ]


def _kept_authority(directory: Path) -> Issued | None:
    """The authority that an earlier run left in the directory. The root's key need not be there any more.

    Raises LocalError(BAD_INPUT) when parts are missing or do not fit together."""
    root_file, _, intermediate_file, key_file = (directory / f"{stem}.pem" for stem in _AUTHORITY)
    needed = (root_file, intermediate_file, key_file)
    missing = [file for file in needed if not file.exists()]
    if len(missing) == len(needed):
        return None
    try:
        if missing:
            raise ValueError(f"{missing[0].name} is missing")
        root = x509.load_pem_x509_certificate(root_file.read_bytes())
        intermediate = x509.load_pem_x509_certificate(intermediate_file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), None)
        intermediate.verify_directly_issued_by(root)
    except InvalidSignature:
        text = f"{root_file.name} did not sign {intermediate_file.name}"
    except (TypeError, ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        text = str(error)
    else:
        if isinstance(key, PrivateKey) and key.public_key() == intermediate.public_key():
            return Issued(intermediate, key)
        text = f"{key_file.name} is not the key of {intermediate_file.name}"
    hint = f"'suitor ca --force --dir {shlex.quote(str(directory))}' makes a new authority"
    raise LocalError(LocalMistake.BAD_INPUT, f"the authority in {directory} is damaged: {text}; {hint}")


def _as_json(rows: list[_Row], leaf: Issued | None) -> str:
    facts: dict[str, object] = {
        "files": [{"path": str(row.file.path), "what": row.what, "secret": row.file.secret} for row in rows]
    }
    if leaf is not None:
        names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        facts["names"] = [str(name.value) for name in names]
        facts["valid_until"] = leaf.certificate.not_valid_after_utc.isoformat()
    return json.dumps(facts, indent=2)


def _as_text(rows: list[_Row], leaf: Issued | None, *, client: bool) -> str:
    width = max(len(str(row.file.path)) for row in rows)
    lines = [f"{row.file.path!s:{width}}  {row.what}" for row in rows]
    if leaf is not None and not client:
        certificate, key = (shlex.quote(str(row.file.path)) for row in rows[-2:])
        lines += ["", f"Try it: suitor serve --cert {certificate} --key {key}"]
    return "\n".join(lines)
