"""From entry points to a catalogue. Every failure is contained and told with the name of its distribution.

Entry points are enumerated here rather than by pluggy: under ``load_setuptools_entrypoints``, of two
distributions that use one entry-point name one silently replaces the other. Nothing here depends on the order
in which plugins are found.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pluggy
from attrs import define, field, frozen

from suitor import registry
from suitor.catalogue import Catalogue, Origin, Problem
from suitor.plug import hookspecs
from suitor.plug.check import Kind, Unfit, check
from suitor.plug.hookspecs import PROJECT
from suitor.plug.light import Words, light_suites
from suitor.plug.tls12 import authentication

_HOOKS: Mapping[str, Kind] = {
    "suitor_groups": Kind.GROUP,
    "suitor_ciphers": Kind.CIPHER,
    "suitor_block_ciphers": Kind.BLOCK_CIPHER,
    "suitor_key_exchanges": Kind.KEY_EXCHANGE,
    "suitor_hashes": Kind.HASH,
    "suitor_signatures": Kind.SIGNATURE,
    "suitor_suites": Kind.SUITE,
    "suitor_compressions": Kind.COMPRESSION,
    "suitor_extensions": Kind.EXTENSION,
    "suitor_stages": Kind.STAGE,
}


@frozen(eq=False)
class _Plugin:
    """Something that implements hooks, and where it comes from."""

    origin: Origin
    load: Callable[[], object]


@frozen(eq=False)
class _Brought:
    """One thing that a plugin brought and that follows its interface."""

    kind: Kind
    name: str
    code: int | None
    thing: Any
    origin: Origin

    @property
    def key(self) -> str:
        return f"{self.kind.value} {self.name}"

    @property
    def keys(self) -> tuple[tuple[Kind, object], ...]:
        """What no two things may share: the name, and the code point where there is one."""
        named = (self.kind, self.name)
        return (named,) if self.code is None else (named, (self.kind, self.code))


@define
class _Problems:
    """Collects refusals; sorted in the end, so that the order of discovery does not show."""

    found: set[Problem] = field(factory=set)

    def add(self, distribution: str, subject: str, text: str) -> None:
        self.found.add(Problem(distribution, subject, text))

    def add_error(self, origin: Origin, subject: str, error: BaseException) -> None:
        self.add(origin.distribution, subject, f"{type(error).__name__}: {error}")

    def sorted(self) -> tuple[Problem, ...]:
        return tuple(sorted(self.found, key=lambda p: (p.distribution, p.subject, p.text)))


def load_catalogue(
    *,
    plugins: Sequence[tuple[str, object]] = (),
    entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
    winners: Mapping[str, str] = MappingProxyType({}),
) -> Catalogue:
    """Load every plugin and light up the suites. Never raises for a plugin's fault; see ``problems``.

    ``plugins`` are (distribution name, object with hooks) pairs, besides the entry points. ``entry_points``
    None means every installed one of the group ``suitor``; an empty tuple means none. ``winners`` says whom
    to believe where two distributions bring the same thing: ``{"group x25519": "some-distribution"}``.
    Without a word there, neither is taken.
    """
    problems = _Problems()
    if entry_points is None:
        entry_points = importlib.metadata.entry_points(group=PROJECT)
    found = [_from_entry_point(entry_point) for entry_point in entry_points]
    found += [_Plugin(Origin(name, "", ""), lambda thing=thing: thing) for name, thing in plugins]  # type: ignore[misc]
    brought = _collect(found, problems)
    return _catalogue(_settle(brought, winners, problems), problems)


def _from_entry_point(entry_point: importlib.metadata.EntryPoint) -> _Plugin:
    distribution = entry_point.dist
    # Broken metadata has no name or version; the module's top-level package is the next best name.
    name = (distribution and distribution.name) or entry_point.value.partition(":")[0].partition(".")[0]
    version = (distribution and distribution.version) or ""
    return _Plugin(Origin(name, version, entry_point.name), entry_point.load)


# --- collecting -------------------------------------------------------------------------------------------


def _collect(plugins: Iterable[_Plugin], problems: _Problems) -> list[_Brought]:
    """What the plugins bring, checked one by one."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    brought: list[_Brought] = []
    ordered = sorted(plugins, key=lambda p: (p.origin.distribution, p.origin.entry_point, p.origin.version))
    for index, plugin in enumerate(ordered):
        origin = plugin.origin
        subject = f"entry point {origin.entry_point}" if origin.entry_point else "plugin"
        try:
            thing = plugin.load()
            manager.register(thing, f"{origin.distribution}:{origin.entry_point}#{index}")
            _complain_about_hooks(manager, thing, origin, subject, problems)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
            problems.add_error(origin, subject, error)
            continue
        for hook, function in _implementations(manager, thing):
            kind = _HOOKS[hook]
            try:
                things = list(function())
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
                problems.add_error(origin, hook, error)
                continue
            brought += _checked(kind, things, origin, hook, problems)
    return brought


def _implementations(manager: pluggy.PluginManager, thing: object) -> list[tuple[str, Callable[[], Any]]]:
    """The plugin's own functions, each to be called alone: through pluggy's call, one would take all down."""
    return [
        (caller.name, implementation.function)
        for caller in manager.get_hookcallers(thing) or ()
        if caller.name in _HOOKS
        for implementation in caller.get_hookimpls()
        if implementation.plugin is thing and not (implementation.wrapper or implementation.hookwrapper)
    ]


def _complain_about_hooks(
    manager: pluggy.PluginManager, thing: object, origin: Origin, subject: str, problems: _Problems
) -> None:
    """Hooks that are misspelt, unmarked, wrappers, or none at all."""
    callers = manager.get_hookcallers(thing) or []
    for caller in callers:
        if caller.name not in _HOOKS:
            nearest = difflib.get_close_matches(caller.name, _HOOKS, 1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            problems.add(origin.distribution, caller.name, f"no such hook{hint}")
        elif any(i.plugin is thing and (i.wrapper or i.hookwrapper) for i in caller.get_hookimpls()):
            problems.add(origin.distribution, caller.name, "hooks cannot be wrapped")
    marked = {caller.name for caller in callers}
    unmarked = [name for name in _HOOKS if name not in marked and callable(getattr(thing, name, None))]
    for name in unmarked:
        problems.add(origin.distribution, name, "is not marked with @hookimpl")
    if not callers and not unmarked:
        problems.add(origin.distribution, subject, "implements no hook")


def _checked(
    kind: Kind, things: Sequence[Any], origin: Origin, hook: str, problems: _Problems
) -> list[_Brought]:
    good: list[_Brought] = []
    for index, thing in enumerate(things):
        subject = f"{hook}[{index}]"
        try:
            name = getattr(thing, "name", None)
            if isinstance(name, str):
                subject = f"{kind.value} {name}"
            check(kind, thing)
            if kind is Kind.STAGE:
                name = f"{thing.kind} {thing.name}"
            good.append(_Brought(kind, str(name), getattr(thing, "code", None), thing, origin))
        except Unfit as unfit:
            problems.add(origin.distribution, subject, str(unfit))
        except Exception as error:  # noqa: BLE001 - attributes may be properties that raise
            problems.add_error(origin, subject, error)
    return good


# --- settling collisions ----------------------------------------------------------------------------------


def _settle(brought: Sequence[_Brought], winners: Mapping[str, str], problems: _Problems) -> list[_Brought]:
    """What stays: each name and code point once, or from the named winner. Order plays no part."""
    holders: dict[tuple[Kind, object], list[_Brought]] = {}
    for item in _without_repeats(brought, problems):
        for key in item.keys:
            holders.setdefault(key, []).append(item)
    believed = {key.strip(): _canonical(name) for key, name in winners.items()}

    def is_believed(item: _Brought) -> bool:
        return believed.get(item.key) == _canonical(item.origin.distribution)

    refused: set[_Brought] = set()
    kept: dict[_Brought, None] = {}
    for items in holders.values():
        kept.update(dict.fromkeys(items))
        chosen = [item for item in items if is_believed(item)]
        if len(items) == 1:
            continue
        refused.update(item for item in items if item not in chosen or len(chosen) > 1)
        if len(chosen) != 1:
            _tell_collision(items, problems)
    return [item for item in kept if item not in refused]


def _without_repeats(brought: Sequence[_Brought], problems: _Problems) -> list[_Brought]:
    """A distribution that brings one name or code point twice contradicts itself: none of them counts."""
    seen: dict[tuple[str, tuple[Kind, object]], list[_Brought]] = {}
    for item in brought:
        for key in item.keys:
            seen.setdefault((_canonical(item.origin.distribution), key), []).append(item)
    repeated = {item for items in seen.values() if len(items) > 1 for item in items}
    for item in repeated:
        problems.add(
            item.origin.distribution, item.key, "brought twice by the same distribution; neither is taken"
        )
    return [item for item in brought if item not in repeated]


def _tell_collision(items: Sequence[_Brought], problems: _Problems) -> None:
    both = " and ".join(sorted(f"{item.origin.distribution} ({item.key})" for item in items))
    for item in items:
        problems.add(
            item.origin.distribution,
            item.key,
            f"brought by {both}; none is taken: name one in the policy's winners, "
            f'such as "{item.key}" = "{item.origin.distribution}"',
        )


def _canonical(distribution: str) -> str:
    """Distribution names are compared as packaging does."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


# --- the result -------------------------------------------------------------------------------------------


def _catalogue(items: Sequence[_Brought], problems: _Problems) -> Catalogue:
    items = sorted(items, key=lambda item: (item.kind.value, item.code or 0, item.name))

    def of(kind: Kind) -> list[_Brought]:
        return [item for item in items if item.kind is kind]

    def by_code(kind: Kind) -> Mapping[int, Any]:
        return MappingProxyType({item.code: item.thing for item in of(kind) if item.code is not None})

    def by_name(kind: Kind) -> Mapping[str, Any]:
        return MappingProxyType({item.name: item.thing for item in of(kind)})

    words = Words(
        by_name(Kind.CIPHER),
        by_name(Kind.BLOCK_CIPHER),
        by_name(Kind.HASH),
        by_name(Kind.KEY_EXCHANGE),
        frozenset(authentication(item.thing) for item in of(Kind.SIGNATURE)),
    )
    suites = [*registry.suites().values(), *(item.thing for item in of(Kind.SUITE))]
    lit, dark = light_suites(suites, words)
    return Catalogue(
        groups=by_code(Kind.GROUP),
        ciphers=words.ciphers,
        block_ciphers=words.block_ciphers,
        key_exchanges=words.key_exchanges,
        hashes=words.hashes,
        signatures=by_code(Kind.SIGNATURE),
        compressions=by_code(Kind.COMPRESSION),
        extensions=by_code(Kind.EXTENSION),
        stages=MappingProxyType({(i.thing.kind, i.thing.name): i.thing for i in of(Kind.STAGE)}),
        suites=MappingProxyType(lit),
        dark=MappingProxyType(dark),
        origins=MappingProxyType({(item.kind.value, item.name): item.origin for item in items}),
        problems=problems.sorted(),
    )
