"""What must hold of every negotiation, whatever is offered, wanted and installed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from suitor import registry
from suitor.answer import Answer, check_answer, judge_answer
from suitor.decision import Agreement, Axis, Decision, Verdict
from suitor.errors import NoAgreement, ProtocolError
from suitor.policy import HelloRetry, Policy, Preference
from suitor.usable import usable
from tests.negotiate.worlds import (
    ALPN,
    GREASE,
    GROUP_CODES,
    GROUP_NAMES,
    POLICIES,
    SCHEME_CODES,
    SCHEME_NAMES,
    SUITE_CODES,
    SUITE_NAMES,
    UNKNOWN,
    WORLDS,
    World,
    offer_of,
)

many = settings(max_examples=150, deadline=None)


# --- the same choice, made the slow way -------------------------------------------------------------------


def best(candidates: Iterable[Any], order: Sequence[Any]) -> Any:
    """The candidate that stands first in ``order``."""
    return min(candidates, key=order.index, default=None)


def slow(world: World) -> tuple[Any, ...] | NoAgreement:
    """(version, suite, group, retry, scheme, credential, protocol) by brute force, from the rules as the policy
    tells them, without the engine's tables."""
    offer, policy, catalogue, alpn = world.offer, world.policy, world.catalogue, world.alpn
    mine_first = policy.preference is Preference.SERVER

    def order(names: Sequence[str], offered: Sequence[int], codes: dict[str, int]) -> Sequence[int]:
        return [codes[n] for n in names if n in codes] if mine_first else offered

    if not ("TLSv1.3" in policy.versions and 0x0304 in offer.versions):
        return NoAgreement.NO_COMMON_VERSION
    suites = {
        lit.name: code
        for code, lit in catalogue.suites.items()
        if lit.strength >= policy.minimum_cipher and lit.suite.max_version == 0x0304
    }
    common = {suites[n] for n in policy.suites if n in suites} & set(offer.suites)
    if not common:
        return NoAgreement.NO_COMMON_SUITE
    suite = best(common, order(policy.suites, offer.suites, suites))

    groups = {g.name: code for code, g in catalogue.groups.items() if g.strength >= policy.minimum_group}
    common = {groups[n] for n in policy.groups if n in groups} & set(offer.groups)
    if not common:
        return NoAgreement.NO_COMMON_GROUP
    ready = common & set(offer.shares)
    wanted = ready if ready and policy.hello_retry is HelloRetry.AVOID else common
    group = best(wanted, order(policy.groups, offer.groups, groups))

    schemes = {
        s.name: code
        for code, s in catalogue.signatures.items()
        if s.strength >= policy.minimum_signature and s.handshake13
    }
    offered = offer.signatures or ()
    usable_schemes = {schemes[n] for n in policy.signatures if n in schemes} & set(offered)
    ranked = order(policy.signatures, offered, schemes)
    pairs = []
    for credential in (None,) if world.credentials is None else world.credentials:
        fitting = [
            code
            for code in usable_schemes
            if credential is None or catalogue.signatures[code].accepts(credential.public_key)
        ]
        if fitting:
            pairs.append((best(fitting, ranked), credential))
    if not pairs:
        return NoAgreement.NO_COMMON_SIGNATURE
    accepted = offer.certificate_signatures or offered
    good = [p for p in pairs if p[1] is None or set(p[1].chain_signatures) <= set(accepted)]
    scheme, credential = (good or pairs)[0]

    protocol = best(set(alpn) & set(offer.alpn), list(alpn))
    if protocol is None and alpn and offer.alpn:
        return NoAgreement.NO_COMMON_ALPN
    return 0x0304, suite, group, group not in offer.shares, scheme, credential, protocol


def summary(decision: Decision) -> tuple[Any, ...] | Any:
    agreed = decision.agreement
    if agreed is None:
        return decision.refusal
    assert agreed.group is not None
    assert agreed.signature is not None
    return (
        agreed.version,
        agreed.suite.code,
        agreed.group.code,
        agreed.retry,
        agreed.signature.code,
        agreed.credential,
        agreed.alpn,
    )


@many
@given(WORLDS)
def test_the_choice_is_the_one_that_brute_force_finds(world: World) -> None:
    decision = world.decide()
    assert summary(decision) == slow(world)
    assert (decision.agreement is None) == (decision.refusal is not None)


@many
@given(WORLDS)
def test_what_is_chosen_both_sides_have_and_no_floor_forbids(world: World) -> None:
    offer, policy, catalogue, credentials, alpn = (
        world.offer,
        world.policy,
        world.catalogue,
        world.credentials,
        world.alpn,
    )
    agreed = world.decide().agreement
    if agreed is None:
        return
    assert agreed.version in offer.versions
    assert registry.version_name(agreed.version) in policy.versions
    assert agreed.suite.code in offer.suites
    assert agreed.suite.name in policy.suites
    assert agreed.suite is catalogue.suites[agreed.suite.code]
    assert agreed.suite.strength >= policy.minimum_cipher
    assert agreed.suite.suite.min_version <= agreed.version <= agreed.suite.suite.max_version
    assert agreed.group is not None
    assert agreed.group.code in offer.groups
    assert agreed.group.name in policy.groups
    assert agreed.group.strength >= policy.minimum_group
    assert agreed.retry == (agreed.group.code not in offer.shares)
    assert agreed.group is not None
    assert agreed.signature is not None
    assert agreed.signature.code in (offer.signatures or ())
    assert agreed.signature.name in policy.signatures
    assert agreed.signature.handshake13
    assert agreed.signature.strength >= policy.minimum_signature
    if credentials is not None:
        assert agreed.credential in credentials
        assert agreed.signature.accepts(agreed.credential.public_key)
    assert agreed.alpn is None or (agreed.alpn in alpn and agreed.alpn in offer.alpn)


@many
@given(WORLDS)
def test_explaining_changes_nothing_and_twice_is_once(world: World) -> None:
    told = world.decide(explain=True)
    silent = world.decide(explain=False)
    again = world.decide(policy=evolve(world.policy, name="other"))
    assert (told.agreement, told.refusal) == (silent.agreement, silent.refusal)
    assert silent.notes == ()
    assert told == again


# --- what must not matter ---------------------------------------------------------------------------------


def mixed(draw: Any, values: tuple[int, ...], more: Sequence[int]) -> tuple[int, ...]:
    """``values`` in their order, with some of ``more`` among them."""
    out = list(values)
    for value in draw(st.lists(st.sampled_from(list(more)), max_size=4)) if more else ():
        out.insert(draw(st.integers(0, len(out))), value)
    return tuple(out)


@many
@given(WORLDS, st.data())
def test_what_the_server_cannot_use_changes_nothing(world: World, data: st.DataObject) -> None:
    """GREASE, unknown values, and whatever is not installed, not listed or too weak."""
    offer = world.offer
    have = usable(world.policy, world.catalogue)

    def others(codes: Sequence[int], mine: Iterable[int]) -> list[int]:
        return [code for code in (*codes, *GREASE, *UNKNOWN) if code not in set(mine)]

    more = evolve(
        offer,
        versions=mixed(data.draw, offer.versions, [*GREASE, 0x0302, 0x0305]),
        suites=mixed(data.draw, offer.suites, others(SUITE_CODES, have.suites)),
        groups=mixed(data.draw, offer.groups, others(GROUP_CODES, have.groups)),
        shares=mixed(data.draw, offer.shares, others(GROUP_CODES, have.groups)),
        signatures=None
        if offer.signatures is None
        else mixed(data.draw, offer.signatures, others(SCHEME_CODES, have.signatures)),
    )
    # Which schemes may stand in certificates is another list, and stays the same.
    if offer.certificate_signatures is None and offer.signatures is not None:
        more = evolve(more, certificate_signatures=offer.signatures)
    before = world.decide()
    after = world.decide(offer=more)
    assert summary(before) == summary(after)


@many
@given(WORLDS, st.data())
def test_what_the_client_does_not_offer_changes_nothing(world: World, data: st.DataObject) -> None:
    offer, policy, catalogue = world.offer, world.policy, world.catalogue

    def others(
        names: Sequence[str], installed: Any, offered: Iterable[int], listed: Sequence[str]
    ) -> list[str]:
        there = {thing.name: code for code, thing in installed.items()}
        return [n for n in names if n not in listed and there.get(n) not in set(offered)]

    def more(listed: tuple[str, ...], names: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(mixed(data.draw, listed, names)))  # type: ignore[arg-type]

    wider = evolve(
        policy,
        suites=more(policy.suites, others(SUITE_NAMES, catalogue.suites, offer.suites, policy.suites)),
        groups=more(policy.groups, others(GROUP_NAMES, catalogue.groups, offer.groups, policy.groups)),
        signatures=more(
            policy.signatures,
            others(SCHEME_NAMES, catalogue.signatures, offer.signatures or (), policy.signatures),
        ),
    )
    before = world.decide()
    after = world.decide(policy=wider)
    assert summary(before) == summary(after)


@many
@given(WORLDS, st.randoms(use_true_random=False))
def test_the_order_of_the_side_that_does_not_prefer_is_no_matter(world: World, random: Any) -> None:
    offer, policy = world.offer, world.policy

    def shuffled(values: Any) -> Any:
        return None if values is None else tuple(random.sample(values, len(values)))

    other_offer = evolve(offer, versions=shuffled(offer.versions), alpn=shuffled(offer.alpn))
    other_policy = policy
    if policy.preference is Preference.SERVER:
        other_offer = evolve(
            other_offer,
            suites=shuffled(offer.suites),
            groups=shuffled(offer.groups),
            shares=shuffled(offer.shares),
            signatures=shuffled(offer.signatures),
        )
    else:
        other_policy = evolve(
            policy,
            suites=shuffled(policy.suites),
            groups=shuffled(policy.groups),
            signatures=shuffled(policy.signatures),
        )
    before = world.decide()
    after = world.decide(offer=other_offer, policy=other_policy)
    assert summary(before) == summary(after)


@many
@given(WORLDS)
def test_a_floor_takes_away_and_never_adds(world: World) -> None:
    free = evolve(world.policy, minimum_cipher=0, minimum_group=0, minimum_signature=0)
    bound = world.decide().agreement
    if bound is not None:
        assert world.decide(policy=free).agreement is not None


# --- notes ------------------------------------------------------------------------------------------------


def candidates(offered: Iterable[int], named: Iterable[str], installed: Any, find: Any) -> set[int | str]:
    """Every candidate of both sides: by code, or by name where there is no code."""
    there = {thing.name: code for code, thing in installed.items()}
    found: set[int | str] = set(offered)
    for name in named:
        row = find(name)
        found.add(there.get(name, name if row is None else row.code))
    return found


@many
@given(WORLDS)
def test_every_candidate_of_both_sides_is_noted_once(world: World) -> None:
    offer, policy, catalogue = world.offer, world.policy, world.catalogue
    decision = world.decide()
    expected: dict[Axis, set[int | str]] = {
        Axis.VERSION: {*offer.versions, *map(registry.version_code, policy.versions)},
        Axis.SUITE: candidates(offer.suites, policy.suites, catalogue.suites, registry.suite_named),
        Axis.GROUP: candidates(offer.groups, policy.groups, catalogue.groups, registry.group_named),
        Axis.SIGNATURE: candidates(
            offer.signatures or (),
            (*policy.signatures, *policy.certificate_signatures),
            catalogue.signatures,
            registry.scheme_named,
        ),
        Axis.ALPN: {p.decode("ascii", "backslashreplace") for p in (*world.alpn, *offer.alpn)},
        Axis.CREDENTIAL: {c.label for c in world.credentials or ()},
    }
    for axis in Axis:
        noted = Counter(
            note.candidate if note.code is None else note.code for note in decision.notes if note.axis is axis
        )
        assert set(noted) == expected[axis], axis
        assert set(noted.values()) <= {1}, axis


@many
@given(WORLDS)
def test_what_is_noted_as_taken_is_what_was_taken(world: World) -> None:
    decision = world.decide()
    taken = {(note.axis, note.candidate) for note in decision.notes if note.verdict is Verdict.TAKEN}
    agreed = decision.agreement
    if agreed is None:
        assert decision.refusal is not None
        refused = {
            NoAgreement.NO_COMMON_VERSION: Axis.VERSION,
            NoAgreement.NO_COMMON_SUITE: Axis.SUITE,
            NoAgreement.NO_COMMON_GROUP: Axis.GROUP,
            NoAgreement.NO_COMMON_SIGNATURE: Axis.SIGNATURE,
            NoAgreement.NO_COMMON_ALPN: Axis.ALPN,
        }[decision.refusal]  # type: ignore[index]
        assert refused not in {axis for axis, _ in taken}
        return
    assert agreed.group is not None
    assert agreed.signature is not None
    expected = {
        (Axis.VERSION, registry.version_name(agreed.version)),
        (Axis.SUITE, agreed.suite.name),
        (Axis.GROUP, agreed.group.name),
        (Axis.SIGNATURE, agreed.signature.name),
    }
    if agreed.alpn is not None:
        expected.add((Axis.ALPN, agreed.alpn.decode("ascii", "backslashreplace")))
    if agreed.credential is not None:
        expected.add((Axis.CREDENTIAL, agreed.credential.label))
    assert taken == expected


@many
@given(WORLDS)
def test_verdicts_tell_the_truth(world: World) -> None:
    offer, policy, catalogue = world.offer, world.policy, world.catalogue
    offered = {Axis.SUITE: offer.suites, Axis.GROUP: offer.groups, Axis.SIGNATURE: offer.signatures or ()}
    listed = {
        Axis.SUITE: policy.suites,
        Axis.GROUP: policy.groups,
        Axis.SIGNATURE: (*policy.signatures, *policy.certificate_signatures),
    }
    installed: dict[Axis, Any] = {
        Axis.SUITE: catalogue.suites,
        Axis.GROUP: catalogue.groups,
        Axis.SIGNATURE: catalogue.signatures,
    }
    for note in world.decide().notes:
        if note.axis not in offered:
            continue
        if note.verdict in (Verdict.TAKEN, Verdict.LESS_PREFERRED, Verdict.NO_SHARE, Verdict.NO_KEY):
            assert note.code in offered[note.axis]
            assert note.code in installed[note.axis]
            assert note.candidate in listed[note.axis]
        elif note.verdict is Verdict.NOT_OFFERED:
            assert note.code not in offered[note.axis]
            assert note.code in installed[note.axis]
        elif note.verdict is Verdict.NOT_INSTALLED:
            assert note.code not in installed[note.axis]
            assert note.candidate in listed[note.axis]
        elif note.verdict is Verdict.BELOW_FLOOR:
            assert note.code in installed[note.axis]
        elif note.verdict in (Verdict.GREASE, Verdict.UNKNOWN, Verdict.NOT_IN_POLICY, Verdict.SIGNALLING):
            assert note.code in offered[note.axis]
            assert note.candidate not in listed[note.axis]


# --- the client's half ------------------------------------------------------------------------------------


def answer_of(agreed: Agreement) -> Answer:
    assert agreed.group is not None
    assert agreed.signature is not None
    return Answer(agreed.version, agreed.suite.code, agreed.group.code, agreed.signature.code, agreed.alpn)


@many
@given(POLICIES, WORLDS, ALPN)
def test_what_a_server_negotiates_the_client_accepts(
    client: Policy, world: World, alpn: tuple[bytes, ...]
) -> None:
    offer = offer_of(client, world.catalogue, alpn)
    agreed = world.decide(offer=offer).agreement
    if agreed is None:
        return
    have = usable(client, world.catalogue)
    judged = judge_answer(answer_of(agreed), offer, have).agreement
    assert judged is not None
    assert judged.version == agreed.version
    assert judged.suite is have.suites[agreed.suite.code]
    assert agreed.group is not None
    assert judged.group is have.groups[agreed.group.code]
    assert judged.retry == agreed.retry
    assert judged.alpn == agreed.alpn


ANSWERS = st.builds(
    Answer,
    version=st.sampled_from([0x0304, 0x0304, 0x0303, 0x0305]),
    suite=st.sampled_from([*SUITE_CODES, *GREASE]),
    group=st.sampled_from([*GROUP_CODES, *GREASE]),
    signature=st.sampled_from([None, *SCHEME_CODES, *GREASE]),
    alpn=st.sampled_from([None, b"h2", b"other", b"\xff\x00"]),
)


@many
@given(ANSWERS, WORLDS)
def test_judging_is_checking_every_axis(answer: Answer, world: World) -> None:
    policy, catalogue = world.policy, world.catalogue
    offer = offer_of(policy, catalogue, world.alpn)
    wrong = []
    for axis, selected, offered in (
        (Axis.VERSION, answer.version, offer.versions),
        (Axis.SUITE, answer.suite, offer.suites),
        (Axis.GROUP, answer.group, offer.groups),
        (Axis.SIGNATURE, answer.signature, offer.signatures or ()),
        (Axis.ALPN, answer.alpn, offer.alpn),
    ):
        if selected is None:
            continue
        try:
            check_answer(axis, selected, offered)
        except ProtocolError as error:
            wrong.append(error.reason)
    decision = judge_answer(answer, offer, usable(policy, catalogue))
    assert decision.refusal is (wrong[0] if wrong else None)
    assert (decision.agreement is None) == bool(wrong)
    silent = judge_answer(answer, offer, usable(policy, catalogue), explain=False)
    assert (silent.agreement, silent.refusal, silent.notes) == (decision.agreement, decision.refusal, ())
    for axis in Axis:
        noted = Counter((n.candidate, n.code) for n in decision.notes if n.axis is axis)
        assert set(noted.values()) <= {1}
