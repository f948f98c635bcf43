"""The built-in algorithms: contracts, round trips, known answers from RFCs, and what they must refuse."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from suitor.plug import (
    BadCertificateData,
    BadShare,
    CertificateCompression,
    Cipher,
    CipherKey,
    Group,
    Hash,
    SignatureScheme,
)
from suitor_plugins import algorithms

GROUPS = {group.name: group for group in algorithms.suitor_groups()}
CIPHERS = {cipher.name: cipher for cipher in algorithms.suitor_ciphers()}
HASHES = {hash_.name: hash_ for hash_ in algorithms.suitor_hashes()}
SCHEMES = {scheme.name: scheme for scheme in algorithms.suitor_signatures()}
(ZLIB,) = algorithms.suitor_compressions()


def test_everything_follows_its_protocol() -> None:
    assert all(isinstance(group, Group) for group in GROUPS.values())
    assert all(isinstance(cipher, Cipher) for cipher in CIPHERS.values())
    assert all(isinstance(hash_, Hash) for hash_ in HASHES.values())
    assert all(isinstance(scheme, SignatureScheme) for scheme in SCHEMES.values())
    assert isinstance(ZLIB, CertificateCompression)


def test_what_is_brought() -> None:
    """Names and codes as in RFC 8446 sections 4.2.3 and 4.2.7, and RFC 8879 section 7.3."""
    assert {g.name: g.code for g in GROUPS.values()} == {
        "x25519": 0x001D,
        "secp256r1": 0x0017,
        "secp384r1": 0x0018,
    }
    assert set(CIPHERS) == {"AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305"}
    assert set(HASHES) == {"SHA256", "SHA384", "SHA"}
    assert {s.name: s.code for s in SCHEMES.values()} == {
        "ecdsa_secp256r1_sha256": 0x0403,
        "ecdsa_secp384r1_sha384": 0x0503,
        "ed25519": 0x0807,
        "rsa_pss_rsae_sha256": 0x0804,
        "rsa_pss_rsae_sha384": 0x0805,
        "rsa_pss_rsae_sha512": 0x0806,
        "rsa_pkcs1_sha256": 0x0401,
        "rsa_pkcs1_sha384": 0x0501,
        "rsa_pkcs1_sha512": 0x0601,
    }
    assert (ZLIB.name, ZLIB.code) == ("zlib", 1)


# --- groups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_both_sides_get_the_same_secret(group: Group) -> None:
    private, client_share = group.start()
    server_share, secret = group.answer(client_share)
    assert group.finish(private, server_share) == secret
    assert len(client_share) == group.client_share_size
    assert len(server_share) == group.server_share_size
    assert group.start()[1] != client_share


def refused_shares(group: Group) -> dict[str, bytes]:
    _, good = group.start()
    size = len(good)
    shares = {"empty": b"", "short": good[:-1], "long": good + b"\0", "zero": bytes(size)}
    if group.name == "x25519":
        shares["order 1"] = (1).to_bytes(32, "little")
        shares["p"] = (2**255 - 19).to_bytes(32, "little")
        return shares
    x = good[1 : 1 + size // 2]
    shares["compressed"] = bytes((2 + good[-1] % 2,)) + x
    shares["compressed, padded"] = shares["compressed"] + bytes(size // 2)
    shares["hybrid"] = bytes((6 + good[-1] % 2,)) + good[1:]
    shares["off the curve"] = good[:-1] + bytes((good[-1] ^ 1,))
    shares["infinity"] = b"\0"
    shares["beyond the field"] = b"\x04" + b"\xff" * (size - 1)
    return shares


@pytest.mark.parametrize(
    ("group", "share"),
    [
        pytest.param(group, share, id=f"{group.name}-{name}")
        for group in GROUPS.values()
        for name, share in refused_shares(group).items()
    ],
)
def test_bad_shares_are_refused_on_both_sides(group: Group, share: bytes) -> None:
    private, _ = group.start()
    with pytest.raises(BadShare):
        group.answer(share)
    with pytest.raises(BadShare):
        group.finish(private, share)


def test_x25519_of_rfc_7748_section_6_1() -> None:
    private = x25519.X25519PrivateKey.from_private_bytes(
        bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    )
    share = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    secret = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert GROUPS["x25519"].finish(private, share) == secret


@pytest.mark.parametrize(
    ("name", "curve", "private", "point", "secret"),
    [
        pytest.param(
            "secp256r1",
            ec.SECP256R1(),
            "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
            "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
            "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB",
            "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE",
            id="section 8.1",
        ),
        pytest.param(
            "secp384r1",
            ec.SECP384R1(),
            "099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655E35B538041E649EE3FAEF896783AB194",
            "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D0D1AC43A0336DEF96FDA41D0774A3571"
            "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FFF83FA40142209DFF5EAAD96DB9E6386C",
            "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4D603135569B9E9D09CF5D4A270F59746",
            id="section 8.2",
        ),
    ],
)
def test_nist_curves_of_rfc_5903(
    name: str, curve: ec.EllipticCurve, private: str, point: str, secret: str
) -> None:
    key = ec.derive_private_key(int(private, 16), curve)
    assert GROUPS[name].finish(key, b"\x04" + bytes.fromhex(point)).hex().upper() == secret


# --- ciphers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cipher", CIPHERS.values(), ids=CIPHERS)
def test_records_open_and_forgeries_do_not(cipher: Cipher) -> None:
    key = cipher.key(bytes(range(cipher.key_size)))
    assert isinstance(key, CipherKey)
    nonce = bytes(cipher.nonce_size)
    plain = b"attack at dawn"
    sealed = bytearray(len(plain) + cipher.tag_size)
    assert key.encrypt_into(nonce, plain, b"header", sealed) == len(sealed)
    opened = bytearray(len(plain))
    assert key.decrypt_into(nonce, memoryview(sealed), b"header", opened) == len(plain)
    assert opened == plain
    for position in (0, len(plain), len(sealed) - 1):
        forged = bytearray(sealed)
        forged[position] ^= 1
        with pytest.raises(InvalidTag):
            key.decrypt_into(nonce, forged, b"header", bytearray(len(plain)))
    with pytest.raises(InvalidTag):
        key.decrypt_into(nonce, sealed, b"another", bytearray(len(plain)))
    with pytest.raises(InvalidTag):
        key.decrypt_into(b"\1" * cipher.nonce_size, sealed, b"header", bytearray(len(plain)))


@pytest.mark.parametrize("cipher", CIPHERS.values(), ids=CIPHERS)
def test_record_limits_stay_below_what_rfc_8446_section_5_5_allows(cipher: Cipher) -> None:
    allowed = 2**24.5 if "GCM" in cipher.name else 2**64
    assert 2**20 <= cipher.record_limit <= allowed


def test_chacha20_poly1305_of_rfc_8439_section_2_8_2() -> None:
    key = CIPHERS["CHACHA20_POLY1305"].key(bytes(range(0x80, 0xA0)))
    plain = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you "
        b"only one tip for the future, sunscreen would be it."
    )
    sealed = bytearray(len(plain) + 16)
    key.encrypt_into(
        bytes.fromhex("070000004041424344454647"), plain, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), sealed
    )
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


def test_aes_128_gcm_of_rfc_7714_section_16_1() -> None:
    """The tag over additional data alone, as SRTP uses it."""
    key = CIPHERS["AES_128_GCM"].key(bytes(range(16)))
    header = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
    tag = bytearray(16)
    key.encrypt_into(bytes.fromhex("51753c6580c2726f20718414"), b"", header, tag)
    assert tag.hex() == "22493f82d2bce397e9d79e3b19aa4216"


# --- hashes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash_", HASHES.values(), ids=HASHES)
def test_hashing_in_pieces_and_at_once_agree(hash_: Hash) -> None:
    state = hash_.new()
    state.update(b"client ")
    fork = state.copy()
    state.update(b"hello")
    assert state.digest() == hash_.digest(b"client hello")
    assert fork.digest() == hash_.digest(b"client ")
    assert len(state.digest()) == hash_.digest_size


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SHA256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "SHA384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
    ],
)
def test_hmac_of_rfc_4231_section_4_3(name: str, expected: str) -> None:
    assert HASHES[name].hmac(b"Jefe", b"what do ya want for nothing?").hex() == expected


# --- signatures -------------------------------------------------------------------------------------------

KEYS: dict[str, Any] = {
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa2048": rsa.generate_private_key(65537, 2048),
    "rsa1024": rsa.generate_private_key(65537, 1024),
}

FITTING = {
    "ecdsa_secp256r1_sha256": "p256",
    "ecdsa_secp384r1_sha384": "p384",
    "ed25519": "ed25519",
    **{name: "rsa2048" for name in SCHEMES if name.startswith("rsa_")},
}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_accepts_its_own_kind_of_key_alone(name: str) -> None:
    accepted = [kind for kind, key in KEYS.items() if SCHEMES[name].accepts(key.public_key())]
    assert accepted == [FITTING[name]]
    assert not SCHEMES[name].accepts(object())


@pytest.mark.parametrize("name", SCHEMES)
def test_signatures_verify_and_altered_ones_do_not(name: str) -> None:
    scheme, key = SCHEMES[name], KEYS[FITTING[name]]
    signature = scheme.sign(key, b"transcript")
    scheme.verify(key.public_key(), signature, b"transcript")
    altered = (signature[:-1] + bytes((signature[-1] ^ 1,)), signature[:-1], signature + b"\0", b"")
    for bad in altered:
        with pytest.raises(InvalidSignature):
            scheme.verify(key.public_key(), bad, b"transcript")
    with pytest.raises(InvalidSignature):
        scheme.verify(key.public_key(), signature, b"another transcript")


@pytest.mark.parametrize("name", SCHEMES)
def test_pkcs1_is_not_for_the_handshake_of_tls13(name: str) -> None:
    assert SCHEMES[name].handshake13 is not name.startswith("rsa_pkcs1")


def test_pss_salt_is_as_long_as_the_digest() -> None:
    """RFC 8446 section 4.2.3; a verifier that takes any salt would not notice."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key = KEYS["rsa2048"]
    scheme = SCHEMES["rsa_pss_rsae_sha256"]
    strict = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    key.public_key().verify(scheme.sign(key, b"data"), b"data", strict, hashes.SHA256())
    short = padding.PSS(padding.MGF1(hashes.SHA256()), 20)
    with pytest.raises(InvalidSignature):
        scheme.verify(key.public_key(), key.sign(b"data", short, hashes.SHA256()), b"data")


def test_ed25519_of_rfc_8032_section_7_1() -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    )
    assert SCHEMES["ed25519"].sign(key, bytes.fromhex("af82")).hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )


# --- certificate compression ------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=5000))
def test_compression_gives_back_what_went_in(data: bytes) -> None:
    assert ZLIB.decompress(ZLIB.compress(data), len(data)) == data


GOOD = zlib.compress(b"certificate" * 400)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param(GOOD, 4399, id="more than announced"),
        pytest.param(GOOD, 4401, id="less than announced"),
        pytest.param(GOOD, 0, id="announced as empty"),
        pytest.param(zlib.compress(b""), 0, id="empty"),
        pytest.param(GOOD[:-1], 4400, id="cut short"),
        pytest.param(GOOD[:-4] + b"0000", 4400, id="wrong checksum"),
        pytest.param(GOOD + b"\0", 4400, id="something behind it"),
        pytest.param(GOOD + GOOD, 4400, id="two streams"),
        pytest.param(b"", 4400, id="nothing"),
        pytest.param(b"not zlib", 4400, id="another format"),
        pytest.param(GOOD[2:-4], 4400, id="raw deflate"),
    ],
)
def test_other_compressed_data_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(BadCertificateData):
        ZLIB.decompress(data, size)


def test_a_bomb_is_never_unpacked() -> None:
    """Decompressing to 64 MiB would take far more than the size announced."""
    import tracemalloc

    bomb = zlib.compress(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(BadCertificateData):
        ZLIB.decompress(bomb, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
