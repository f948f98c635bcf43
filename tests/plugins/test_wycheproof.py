"""The built-in algorithms against Wycheproof's vectors, where the files are beside the checkout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from suitor.plug import BadShare, Cipher
from suitor_plugins import algorithms

FILES = Path(__file__).parents[3] / "shared" / "wycheproof"

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="Wycheproof's files are not beside the checkout")

GROUPS = {group.name: group for group in algorithms.suitor_groups()}
CIPHERS = {cipher.name: cipher for cipher in algorithms.suitor_ciphers()}
HASHES = {hash_.name: hash_ for hash_ in algorithms.suitor_hashes()}
SCHEMES = {scheme.name: scheme for scheme in algorithms.suitor_signatures()}

Case = tuple[dict[str, Any], dict[str, Any]]


def cases(name: str) -> Iterator[Case]:
    """Each test with its group."""
    for group in json.loads((FILES / f"{name}_test.json").read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def test_x25519() -> None:
    group = GROUPS["x25519"]
    refused = 0
    for _, test in cases("x25519"):
        private = X25519PrivateKey.from_private_bytes(unhex(test["private"]))
        if "ZeroSharedSecret" in test["flags"]:
            refused += 1
            with pytest.raises(BadShare):
                group.finish(private, unhex(test["public"]))
        else:
            assert group.finish(private, unhex(test["public"])) == unhex(test["shared"]), test["tcId"]
    assert refused > 10


@pytest.mark.parametrize(("name", "curve"), [("secp256r1", ec.SECP256R1()), ("secp384r1", ec.SECP384R1())])
def test_nist_curves(name: str, curve: ec.EllipticCurve) -> None:
    group = GROUPS[name]
    wrong = []
    for _, test in cases(f"ecdh_{name}_ecpoint"):
        share = unhex(test["public"])
        private = ec.derive_private_key(int(test["private"], 16), curve)
        try:
            secret = group.finish(private, share)
        except BadShare:
            # TLS 1.3 knows uncompressed points alone, so valid compressed ones are refused as well.
            if test["result"] == "valid" and share[:1] == b"\x04":
                wrong.append(test["tcId"])
        else:
            if test["result"] == "invalid" or secret != unhex(test["shared"]):
                wrong.append(test["tcId"])
    assert not wrong


@pytest.mark.parametrize(
    ("file", "scheme"),
    [
        ("ecdsa_secp256r1_sha256", "ecdsa_secp256r1_sha256"),
        ("ecdsa_secp384r1_sha384", "ecdsa_secp384r1_sha384"),
        ("ed25519", "ed25519"),
        ("rsa_pss_2048_sha256_mgf1_32", "rsa_pss_rsae_sha256"),
        ("rsa_pss_4096_sha512_mgf1_64", "rsa_pss_rsae_sha512"),
        ("rsa_signature_2048_sha256", "rsa_pkcs1_sha256"),
    ],
)
def test_signatures(file: str, scheme: str) -> None:
    wrong = []
    for group, test in cases(file):
        public_key = load_der_public_key(unhex(group["publicKeyDer"]))
        assert SCHEMES[scheme].accepts(public_key)
        try:
            SCHEMES[scheme].verify(public_key, unhex(test["sig"]), unhex(test["msg"]))
        except InvalidSignature:
            verified = False
        else:
            verified = True
        if test["result"] != "acceptable" and verified != (test["result"] == "valid"):
            wrong.append((test["tcId"], test["comment"]))
    assert not wrong


def fits(cipher: Cipher, group: dict[str, Any]) -> bool:
    sizes = (group["keySize"], group["ivSize"], group["tagSize"])
    return sizes == (8 * cipher.key_size, 8 * cipher.nonce_size, 8 * cipher.tag_size)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("aes_gcm", "AES_128_GCM"),
        ("aes_gcm", "AES_256_GCM"),
        ("chacha20_poly1305", "CHACHA20_POLY1305"),
    ],
)
def test_ciphers(file: str, name: str) -> None:
    cipher = CIPHERS[name]
    fitting = [test for group, test in cases(file) if fits(cipher, group)]
    assert len(fitting) > 50
    for test in fitting:
        key = cipher.key(unhex(test["key"]))
        nonce, header, plain = unhex(test["iv"]), unhex(test["aad"]), unhex(test["msg"])
        sealed = unhex(test["ct"]) + unhex(test["tag"])
        opened = bytearray(len(plain))
        if test["result"] == "invalid":
            with pytest.raises(InvalidTag):
                key.decrypt_into(nonce, sealed, header, opened)
            continue
        key.decrypt_into(nonce, sealed, header, opened)
        assert opened == plain, test["tcId"]
        again = bytearray(len(sealed))
        key.encrypt_into(nonce, plain, header, again)
        assert again == sealed, test["tcId"]


@pytest.mark.parametrize(("file", "name"), [("hmac_sha256", "SHA256"), ("hmac_sha384", "SHA384")])
def test_hmac(file: str, name: str) -> None:
    for group, test in cases(file):
        tag = HASHES[name].hmac(unhex(test["key"]), unhex(test["msg"]))[: group["tagSize"] // 8]
        assert (tag == unhex(test["tag"])) == (test["result"] == "valid"), test["tcId"]
