"""IANA's tables: every name re-joins from its words, and known rows are what the registries say."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from suitor import registry
from suitor.registry import TLS12, TLS13, Suite

IANA_2023 = Path(__file__).parents[3] / "shared" / "iana" / "tls-cipher-suites-2023-01.csv"
SUITES = list(registry.suites().values())
SIGNALS = {
    0x0000: "TLS_NULL_WITH_NULL_NULL",
    0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
    0x5600: "TLS_FALLBACK_SCSV",
}
# Names that state their words in another way than all the others.
IRREGULAR = {
    0xC0AA: "TLS_PSK_DHE_WITH_AES_128_CCM_8",
    0xC0AB: "TLS_PSK_DHE_WITH_AES_256_CCM_8",
    0xC0B4: "TLS_SHA256_SHA256",
    0xC0B5: "TLS_SHA384_SHA384",
}
# Exchanges that say in one word who authenticates.
ONE_WORD = {"RSA", "PSK", "KRB5", "ECCPWD", "SRP_SHA", "GOSTR341112_256"}


def exchange(suite: Suite) -> str:
    """The part of a TLS 1.2 name before _WITH_."""
    kx, export, _ = suite.kx.partition("_EXPORT")
    words = kx if kx == suite.auth and kx in ONE_WORD else f"{kx}_{suite.auth}"
    return words + export


def protection(suite: Suite) -> str:
    """The last part: the hash is left unsaid by CCM (SHA256) and by GOST (Streebog)."""
    unsaid = suite.hash == "STREEBOG256" or ("CCM" in suite.cipher and suite.min_version == TLS12)
    unsaid = unsaid and not suite.kx.startswith("ECCPWD") and suite.code not in (0xD003, 0xD005)
    return suite.cipher if unsaid else f"{suite.cipher}_{suite.hash}"


def joined(suite: Suite) -> str:
    if suite.code in IRREGULAR:
        return IRREGULAR[suite.code]
    if suite.cipher.endswith(("MGM_L", "MGM_S")):
        return f"TLS_GOSTR341112_256_WITH_{suite.cipher}"
    if not suite.kx:
        return f"TLS_{suite.cipher}_{suite.hash}"
    return f"TLS_{exchange(suite)}_WITH_{protection(suite)}"


@pytest.mark.parametrize("suite", [s for s in SUITES if not s.signalling], ids=lambda s: s.name)
def test_words_join_to_the_name(suite: Suite) -> None:
    assert joined(suite) == suite.name


def test_signalling_values_have_no_words() -> None:
    assert {s.code: s.name for s in SUITES if s.signalling} == SIGNALS
    for code in SIGNALS:
        suite = registry.suites()[code]
        assert (suite.kx, suite.auth, suite.cipher, suite.hash) == ("", "", "", "")


def test_versions_and_words_agree() -> None:
    for suite in SUITES:
        if suite.signalling:
            continue
        assert (suite.kx == "") == (suite.auth == "") == (suite.min_version == TLS13)
        assert suite.min_version <= suite.max_version
        assert suite.min_version in (0x0301, TLS12, TLS13)
        assert suite.recommended in ("Y", "N", "D")
        assert suite.reference.startswith("[")


@pytest.mark.parametrize(
    ("code", "name", "words", "versions"),
    [
        (0x1301, "TLS_AES_128_GCM_SHA256", ("", "", "AES_128_GCM", "SHA256"), (TLS13, TLS13)),
        (0x1306, "TLS_AEGIS_256_SHA512", ("", "", "AEGIS_256", "SHA512"), (TLS13, TLS13)),
        (
            0xC02F,
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            ("ECDHE", "RSA", "AES_128_GCM", "SHA256"),
            (TLS12, TLS12),
        ),
        (0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", ("RSA", "RSA", "AES_128_CBC", "SHA"), (0x0301, TLS12)),
        (
            0xC0AE,
            "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
            ("ECDHE", "ECDSA", "AES_128_CCM_8", "SHA256"),
            (TLS12, TLS12),
        ),
        (
            0x00A6,
            "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
            ("DH", "anon", "AES_128_GCM", "SHA256"),
            (TLS12, TLS12),
        ),
        (0xC0AA, "TLS_PSK_DHE_WITH_AES_128_CCM_8", ("DHE", "PSK", "AES_128_CCM_8", "SHA256"), (TLS12, TLS12)),
        (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", ("RSA_EXPORT", "RSA", "RC4_40", "MD5"), (0x0301, 0x0301)),
        (0xC0B4, "TLS_SHA256_SHA256", ("", "", "SHA256", "SHA256"), (TLS13, TLS13)),
    ],
)
def test_known_suites(
    code: int, name: str, words: tuple[str, str, str, str], versions: tuple[int, int]
) -> None:
    suite = registry.suites()[code]
    assert registry.suite_named(name) is suite
    assert (suite.kx, suite.auth, suite.cipher, suite.hash) == words
    assert (suite.min_version, suite.max_version) == versions


def test_discouraged_suites() -> None:
    """RFC 10015 discourages RSA, finite fields and static curves; RFC 9847 NULL, RC4 and the like."""
    for suite in SUITES:
        exchange = suite.kx.removesuffix("_EXPORT")
        if exchange in ("RSA", "DH", "DHE", "ECDH") or suite.cipher.startswith(("RC4", "DES_CBC", "IDEA")):
            assert suite.recommended == "D", suite.name
        if suite.cipher == "NULL":
            assert suite.recommended == "D", suite.name
        if suite.recommended == "Y":
            assert suite.kx in ("", "ECDHE"), suite.name


@pytest.mark.parametrize(
    ("code", "name", "recommended"),
    [
        (0x001D, "x25519", "Y"),
        (0x0017, "secp256r1", "Y"),
        (0x0019, "secp521r1", "N"),
        (0x001F, "brainpoolP256r1tls13", "N"),
        (0x0021, "brainpoolP512r1tls13", "N"),
        (0x0022, "GC256A", "N"),
        (0x0029, "curveSM2", "N"),
        (0x0100, "ffdhe2048", "N"),
        (0x0200, "MLKEM512", "N"),
        (0x0202, "MLKEM1024", "N"),
        (0x11EB, "SecP256r1MLKEM768", "N"),
        (0x11EC, "X25519MLKEM768", "Y"),
        (0x11ED, "SecP384r1MLKEM1024", "N"),
        (0xFF01, "arbitrary_explicit_prime_curves", "N"),
    ],
)
def test_known_groups(code: int, name: str, recommended: str) -> None:
    row = registry.groups()[code]
    assert (row.name, row.recommended) == (name, recommended)
    assert registry.group_named(name) is row


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x0403, "ecdsa_secp256r1_sha256"),
        (0x0420, "rsa_pkcs1_sha256_legacy"),
        (0x0620, "rsa_pkcs1_sha512_legacy"),
        (0x0708, "sm2sig_sm3"),
        (0x0709, "gostr34102012_256a"),
        (0x070F, "gostr34102012_512c"),
        (0x0804, "rsa_pss_rsae_sha256"),
        (0x0807, "ed25519"),
        (0x080B, "rsa_pss_pss_sha512"),
        (0x081A, "ecdsa_brainpoolP256r1tls13_sha256"),
        (0x0904, "mldsa44"),
        (0x0906, "mldsa87"),
    ],
)
def test_known_schemes(code: int, name: str) -> None:
    row = registry.schemes()[code]
    assert row.name == name
    assert registry.scheme_named(name) is row


@pytest.mark.parametrize(
    ("code", "name", "messages"),
    [
        (0, "server_name", "CH EE CR"),
        (5, "status_request", "CH CR CT"),
        (23, "extended_master_secret", ""),
        (33, "tls_cert_with_extern_psk", "CH SH"),
        (42, "early_data", "CH EE NST"),
        (48, "oid_filters", "CR"),
        (51, "key_share", "CH SH HRR"),
        (0xFD00, "ech_outer_extensions", "CH"),
        (0xFE0D, "encrypted_client_hello", "CH HRR EE"),
    ],
)
def test_known_extensions(code: int, name: str, messages: str) -> None:
    row = registry.extensions()[code]
    assert (row.name, row.messages) == (name, frozenset(messages.split()))
    assert registry.extension_named(name) is row


def test_extension_messages_are_the_known_abbreviations() -> None:
    for row in registry.extensions().values():
        assert row.messages <= {"CH", "SH", "HRR", "EE", "CR", "CT", "NST"}, row.name


def test_compressions() -> None:
    assert {row.code: row.name for row in registry.compressions().values()} == {
        1: "zlib",
        2: "brotli",
        3: "zstd",
    }
    row = registry.compression_named("zstd")
    assert row is not None
    assert row.code == 3


def test_alerts_are_those_that_errors_send() -> None:
    from suitor.errors import Alert

    rows = registry.alerts()
    for alert in Alert:
        assert rows[alert].name.removesuffix("_RESERVED") == alert.name.lower()


@pytest.mark.parametrize("table", ["suites", "groups", "schemes", "extensions", "alerts", "compressions"])
def test_no_name_or_code_stands_twice(table: str) -> None:
    rows = getattr(registry, table)()
    assert len({row.name for row in rows.values()}) == len(rows)
    for code, row in rows.items():
        assert row.code == code
        assert not registry.is_grease(code)
    file = {
        "suites": "cipher_suites",
        "schemes": "signature_schemes",
        "compressions": "certificate_compressions",
    }.get(table, table)
    lines = (Path(registry.__file__).parent / f"{file}.csv").read_text(encoding="ascii").splitlines()
    assert len(lines) == len(rows) + 1


def test_unknown_names() -> None:
    assert registry.suite_named("TLS_NONE") is None
    assert registry.group_named("X25519") is None
    assert registry.scheme_named("") is None
    assert registry.extension_named("sni") is None
    assert registry.compression_named("lzma") is None


def test_grease() -> None:
    assert [code for code in range(0x10000) if registry.is_grease(code)] == [
        int(f"{high}A{high}A", 16) for high in "0123456789ABCDEF"
    ]
    assert [value for value in range(256) if registry.is_grease_psk_mode(value)] == [
        0x0B,
        0x2A,
        0x49,
        0x68,
        0x87,
        0xA6,
        0xC5,
        0xE4,
    ]


def test_labels() -> None:
    assert registry.label(registry.groups(), 0x11EC) == "X25519MLKEM768"
    assert registry.label(registry.suites(), 0x3A3A) == "GREASE 0x3A3A"
    assert registry.label(registry.schemes(), 0xFE01) == "unknown 0xFE01"


def test_versions() -> None:
    for code, name in ((TLS12, "TLSv1.2"), (TLS13, "TLSv1.3"), (0x0301, "TLSv1.0")):
        assert registry.version_name(code) == name
        assert registry.version_code(name) == code
    assert registry.version_name(0x7A7A) == "GREASE 0x7A7A"
    assert registry.version_name(0x0305) == "unknown 0x0305"
    with pytest.raises(KeyError):
        registry.version_code("TLS 1.3")


def test_tables_are_read_only() -> None:
    with pytest.raises(TypeError):
        registry.groups()[1] = None  # type: ignore[index]


@pytest.mark.skipif(not IANA_2023.is_file(), reason="no copy of IANA's registry of 2023 beside the checkout")
def test_against_the_registry_of_2023() -> None:
    """The same suites, codes, names (one was changed) and DTLS column; Recommended only ever became "D"."""
    with IANA_2023.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Description"].startswith("TLS_")]
    renamed = {"TLS_AEGIS_256_SHA384": "TLS_AEGIS_256_SHA512"}
    then = {
        int(row["Value"].replace("0x", "").replace(",", ""), 16): (
            renamed.get(row["Description"], row["Description"]),
            row["DTLS-OK"] == "Y",
        )
        for row in rows
    }
    assert {code: (suite.name, suite.dtls) for code, suite in registry.suites().items()} == then
    for row in rows:
        suite = registry.suites()[int(row["Value"].replace("0x", "").replace(",", ""), 16)]
        assert suite.recommended in (row["Recommended"], "D"), suite.name
