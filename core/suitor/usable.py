"""Policy x catalogue: what is left of each axis, before any peer is heard."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from attrs import frozen

from suitor import registry
from suitor.catalogue import Catalogue, LitSuite
from suitor.decision import Axis, Verdict
from suitor.plug.interfaces import CertificateCompression, Group, SignatureScheme
from suitor.policy import Policy

SPOKEN_VERSIONS = (registry.TLS13,)
"""The versions that have a flow."""


@frozen(eq=False)
class Usable:
    """What a policy leaves of a catalogue, by wire code in the policy's order; and why the rest fell out."""

    catalogue: Catalogue
    versions: tuple[int, ...]
    suites: Mapping[int, LitSuite]
    groups: Mapping[int, Group]
    signatures: Mapping[int, SignatureScheme]
    certificate_signatures: tuple[int, ...]
    compressions: Mapping[int, CertificateCompression]
    dropped: Mapping[tuple[Axis, int | str], Verdict]
    """By code; by name where the policy names what neither a plugin nor the registry knows."""


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
        if keep(Axis.SUITE, code, lit, lit.cipher.strength if lit else 0, policy.minimum_cipher) and lit:
            suites[lit.code] = lit

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
    inside = [
        schemes[name].code for name in policy.certificate_signatures or policy.signatures if name in schemes
    ]
    for scheme in schemes.values():
        if not scheme.handshake13 and scheme.code not in inside:
            dropped[Axis.SIGNATURE, scheme.code] = Verdict.WRONG_VERSION
    return Usable(
        catalogue,
        tuple(versions),
        suites,
        groups,
        {
            schemes[name].code: schemes[name]
            for name in policy.signatures
            if name in schemes and schemes[name].handshake13
        },
        tuple(inside),
        catalogue.compressions if policy.certificate_compression else {},
        dropped,
    )


def _code(name: str, entry: registry.Entry | None) -> int | str:
    """The code of a name that nothing installed provides; the name itself if the registry has no code either."""
    return name if entry is None else entry.code
