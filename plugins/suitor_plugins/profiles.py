"""Rules about extensions that the verification stages lay on the library's verifier."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder


@frozen(eq=False)
class Profile:
    """One set of rules for authorities and one for the leaf."""

    authority: ExtensionPolicy
    leaf: ExtensionPolicy

    def applied(self, builder: PolicyBuilder) -> PolicyBuilder:
        return builder.extension_policies(ca_policy=self.authority, ee_policy=self.leaf)


WEB = Profile(ExtensionPolicy.webpki_defaults_ca(), ExtensionPolicy.webpki_defaults_ee())


def private(roots: Collection[x509.Certificate], *, name_required: bool) -> Profile:
    """A private authority's: the web's rules, minus those that many such authorities do not know.

    A leaf that is itself one of ``roots`` may be marked as an authority, as one-line recipes for self-signed
    certificates mark them. ``name_required`` asks for a subjectAltName.
    """
    pinned = frozenset(roots)

    def leaf_constraints(_: Policy, leaf: x509.Certificate, value: x509.BasicConstraints | None) -> None:
        if value is not None and value.ca and leaf not in pinned:
            raise ValueError("the leaf is a certificate authority's (RFC 5280 4.2.1.9)")

    def leaf_key_usage(_: Policy, leaf: x509.Certificate, value: x509.KeyUsage | None) -> None:
        if value is not None and value.key_cert_sign and leaf not in pinned:
            raise ValueError("the leaf's key is for signing certificates (RFC 5280 4.2.1.3)")

    anything = Criticality.AGNOSTIC
    leaf = (
        ExtensionPolicy.webpki_defaults_ee()
        .may_be_present(x509.AuthorityKeyIdentifier, anything, None)
        .may_be_present(x509.BasicConstraints, anything, leaf_constraints)
        .may_be_present(x509.KeyUsage, anything, leaf_key_usage)
        .may_be_present(x509.ExtendedKeyUsage, anything, _extended_key_usage)
    )
    if name_required:
        leaf = leaf.require_present(x509.SubjectAlternativeName, anything, None)
    else:
        leaf = leaf.may_be_present(x509.SubjectAlternativeName, anything, None)
    authority = (
        ExtensionPolicy.webpki_defaults_ca()
        .may_be_present(x509.AuthorityKeyIdentifier, anything, None)
        .may_be_present(x509.SubjectKeyIdentifier, anything, None)
        .require_present(x509.BasicConstraints, anything, None)
        .may_be_present(x509.KeyUsage, anything, _authority_key_usage)
        .may_be_present(x509.ExtendedKeyUsage, anything, _extended_key_usage)
    )
    return Profile(authority, leaf)


def _authority_key_usage(_: Policy, _issuer: x509.Certificate, value: x509.KeyUsage | None) -> None:
    if value is not None and not value.key_cert_sign:
        raise ValueError("an issuer's key is not for signing certificates (RFC 5280 4.2.1.3)")


def _extended_key_usage(policy: Policy, _: x509.Certificate, value: x509.ExtendedKeyUsage | None) -> None:
    """A certificate that lists uses must list this one; without a list it is for any (RFC 5280 4.2.1.12)."""
    allowed = (policy.extended_key_usage, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if value is not None and not any(use in value for use in allowed):
        raise ValueError("extended key usage does not allow this use (RFC 5280 4.2.1.12)")
