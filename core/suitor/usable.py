"""Policy x catalogue: what is left of each axis, before any peer is heard."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache

from attrs import frozen

from suitor import registry
from suitor.catalogue import Catalogue, LitSuite
from suitor.decision import Axis, Verdict
from suitor.plug.interfaces import CertificateCompression, Group, SignatureScheme
from suitor.plug.tls12 import authentication, serves_tls12
from suitor.policy import Policy

SPOKEN_VERSIONS = (registry.TLS13, registry.TLS12)
"""The versions that have a flow."""


@frozen(eq=False)
class Usable:
    """What a policy leaves of a catalogue, by wire code in the policy's order; and why the rest fell out.

    ``suites`` are those of every version in the policy; ``signatures`` are for the handshake of TLS 1.3,
    ``signatures12`` for TLS 1.2's.
    """

    catalogue: Catalogue
    versions: tuple[int, ...]
    suites: Mapping[int, LitSuite]
    groups: Mapping[int, Group]
    signatures: Mapping[int, SignatureScheme]
    signatures12: Mapping[int, SignatureScheme]
    certificate_signatures: tuple[int, ...]
    compressions: Mapping[int, CertificateCompression]
    dropped: Mapping[tuple[Axis, int | str], Verdict]
    """By code; by name where the policy names what neither a plugin nor the registry knows."""

    def suites_of(self, version: int) -> Mapping[int, LitSuite]:
        """The suites that ``version`` can use."""
        return self._suites13 if version == registry.TLS13 else self._suites12

    @cached_property
    def _suites13(self) -> Mapping[int, LitSuite]:
        return {code: lit for code, lit in self.suites.items() if lit.suite.max_version == registry.TLS13}

    @cached_property
    def _suites12(self) -> Mapping[int, LitSuite]:
        return {code: lit for code, lit in self.suites.items() if lit.suite.max_version == registry.TLS12}

    @cached_property
    def groups12(self) -> Mapping[int, Group]:
        """The groups that TLS 1.2 can use."""
        return {code: group for code, group in self.groups.items() if serves_tls12(group)}

    @cached_property
    def offered_signatures(self) -> tuple[int, ...]:
        """What a ClientHello offers for the handshake of any version."""
        return tuple(dict.fromkeys([*self.signatures, *self.signatures12]))


@lru_cache(maxsize=128)
def usable(policy: Policy, catalogue: Catalogue) -> Usable:
    """Filter each axis alone, once for a pair of policy and catalogue."""
    dropped: dict[tuple[Axis, int | str], Verdict] = {}

    def keep(axis: Axis, code: int | str, found: object | None, strength: int, floor: int) -> bool:
        if found is None:
            dropped[axis, code] = Verdict.NOT_INSTALLED
        elif strength < floor:
            dropped[axis, code] = Verdict.BELOW_FLOOR
        return (axis, code) not in dropped

    versions = []
    for name in policy.versions:
        version = registry.version_code(name)
        if version in SPOKEN_VERSIONS:
            versions.append(version)
        else:
            dropped[Axis.VERSION, version] = Verdict.NOT_SPOKEN

    suites = {}
    for name in policy.suites:
        lit = catalogue.suite_named(name)
        code = lit.code if lit else _code(name, registry.suite_named(name))
        if keep(Axis.SUITE, code, lit, lit.strength if lit else 0, policy.minimum_cipher) and lit:
            if any(lit.suite.min_version <= version <= lit.suite.max_version for version in versions):
                suites[lit.code] = lit
            else:
                dropped[Axis.SUITE, lit.code] = Verdict.WRONG_VERSION

    groups = {}
    for name in policy.groups:
        group = catalogue.group_named(name)
        code = group.code if group else _code(name, registry.group_named(name))
        if keep(Axis.GROUP, code, group, group.strength if group else 0, policy.minimum_group) and group:
            groups[group.code] = group

    schemes = {}
    for name in (*policy.signatures, *policy.certificate_signatures):
        scheme = catalogue.signature_named(name)
        code = scheme.code if scheme else _code(name, registry.scheme_named(name))
        strength = scheme.strength if scheme else 0
        if keep(Axis.SIGNATURE, code, scheme, strength, policy.minimum_signature) and scheme:
            schemes[name] = scheme
    mine = [schemes[name] for name in policy.signatures if name in schemes]
    tls12 = registry.TLS12 in versions
    inside = [
        schemes[name].code for name in policy.certificate_signatures or policy.signatures if name in schemes
    ]
    for scheme in schemes.values():
        if not scheme.handshake13 and scheme.code not in inside and not (tls12 and authentication(scheme)):
            dropped[Axis.SIGNATURE, scheme.code] = Verdict.WRONG_VERSION
    return Usable(
        catalogue,
        tuple(versions),
        suites,
        groups,
        {scheme.code: scheme for scheme in mine if scheme.handshake13},
        {scheme.code: scheme for scheme in mine if authentication(scheme)} if tls12 else {},
        tuple(inside),
        catalogue.compressions if policy.certificate_compression else {},
        dropped,
    )


def _code(name: str, entry: registry.Entry | None) -> int | str:
    """The code of a name that nothing installed provides; the name itself if the registry has no code either."""
    return name if entry is None else entry.code
