"""Loading plugins: failures are contained, collisions refused, and order never matters."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suitor import registry
from suitor.catalogue import Catalogue, Origin, default_catalogue
from suitor.plug import StageFactory, Suite, hookimpl
from suitor.plug.loader import load_catalogue
from suitor.registry import TLS12, TLS13


@frozen
class ToyGroup:
    name: str = "toy"
    code: int = 0xFE01
    strength: int = 128
    post_quantum: bool = False
    client_share_size: int = 1
    server_share_size: int = 1

    def start(self) -> tuple[Any, bytes]:
        return None, b"?"

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        return b"!", client_share

    def finish(self, private: Any, server_share: bytes) -> bytes:
        return server_share


@frozen
class ToyCipher:
    name: str = "AES_128_GCM"
    key_size: int = 16
    nonce_size: int = 12
    tag_size: int = 16
    strength: int = 128
    record_limit: int = 1000

    def key(self, key: bytes) -> Any:
        return key


@frozen
class ToyHash:
    name: str = "SHA256"
    digest_size: int = 32

    def new(self) -> Any:
        return None

    def digest(self, data: bytes) -> bytes:
        return data

    def hmac(self, key: bytes, data: bytes) -> bytes:
        return key + data


@frozen
class ToyScheme:
    name: str = "ed25519"
    code: int = 0x0807
    strength: int = 128
    handshake13: bool = True

    def accepts(self, public_key: Any) -> bool:
        return True

    def sign(self, private_key: Any, data: bytes) -> bytes:
        return data

    def verify(self, public_key: Any, signature: bytes, data: bytes) -> None: ...


@frozen
class ToyCompression:
    name: str = "zlib"
    code: int = 1

    def compress(self, data: bytes) -> bytes:
        return data

    def decompress(self, data: bytes, size: int) -> bytes:
        return data


@frozen
class ToyExtension:
    name: str = "toy"
    code: int = 0xFF42

    def offer(self) -> bytes | None:
        return None

    def answer(self, offered: bytes) -> tuple[bytes | None, dict[str, Any]]:
        return None, {}

    def accept(self, answered: bytes) -> dict[str, Any]:
        return {}


PRIVATE_SUITE = Suite(0xFF01, "TLS_TOY_SHA256", "", "", "TOY", "SHA256", TLS13, TLS13, "N", "")


def plugin(**brought: Iterable[object]) -> types.ModuleType:
    """A module with hooks: ``groups=[...]`` becomes ``suitor_groups``."""
    module = types.ModuleType("toy_plugin")
    for kind, things in brought.items():
        setattr(module, f"suitor_{kind}", hookimpl(returning(things)))
    return module


def returning(things: Iterable[object]) -> Callable[[], Iterable[object]]:
    return lambda: things


def load(*plugins: tuple[str, object], **winners: str) -> Catalogue:
    return load_catalogue(
        plugins=plugins,
        entry_points=(),
        winners={key.replace("__", " "): name for key, name in winners.items()},
    )


def blamed(catalogue: Catalogue) -> set[tuple[str, str]]:
    return {(problem.distribution, problem.subject) for problem in catalogue.problems}


# --- what is brought is found -----------------------------------------------------------------------------


def test_nothing_installed_leaves_every_suite_dark() -> None:
    catalogue = load_catalogue(entry_points=())
    assert not catalogue.suites
    assert not catalogue.problems
    assert set(catalogue.dark) == {s.code for s in registry.suites().values() if not s.signalling}


def test_everything_a_plugin_brings_is_found_by_name_and_code() -> None:
    factory = StageFactory("verification", "toy", ToyGroup)
    catalogue = load(
        (
            "toys",
            plugin(
                groups=[ToyGroup()],
                ciphers=[ToyCipher(), ToyCipher("TOY")],
                hashes=[ToyHash()],
                signatures=[ToyScheme()],
                suites=[PRIVATE_SUITE],
                compressions=[ToyCompression()],
                extensions=[ToyExtension()],
                stages=[factory],
            ),
        )
    )
    assert catalogue.problems == ()
    assert catalogue.groups[0xFE01] is catalogue.group_named("toy")
    assert catalogue.signatures[0x0807] is catalogue.signature_named("ed25519")
    assert catalogue.compressions[1] is catalogue.compression_named("zlib")
    assert catalogue.extensions[0xFF42].name == "toy"
    assert catalogue.stage("verification", "toy") is factory
    assert {suite.name for suite in catalogue.suites.values()} == {"TLS_AES_128_GCM_SHA256", "TLS_TOY_SHA256"}
    assert catalogue.suites[0xFF01] is catalogue.suite_named("TLS_TOY_SHA256")
    assert catalogue.origin("group", "toy") == Origin("toys", "", "")
    assert catalogue.origin("stage", "verification toy") == Origin("toys", "", "")
    assert catalogue.origin("group", "x25519") is None
    assert catalogue.group_named("x25519") is None
    assert catalogue.suite_named("TLS_AES_256_GCM_SHA384") is None


def test_an_iterator_is_as_good_as_a_list() -> None:
    assert load(("toys", plugin(groups=(group for group in [ToyGroup()])))).group_named("toy")


def test_an_object_with_methods_is_a_plugin_too() -> None:
    class Plugin:
        @hookimpl
        def suitor_groups(self) -> list[ToyGroup]:
            return [ToyGroup()]

    catalogue = load(("toys", Plugin()))
    assert catalogue.problems == ()
    assert catalogue.group_named("toy")


# --- suites light up --------------------------------------------------------------------------------------


def test_a_suite_lights_up_when_all_its_words_are_there() -> None:
    cipher = ("a", plugin(ciphers=[ToyCipher()]))
    digest = ("b", plugin(hashes=[ToyHash()]))
    assert load(cipher).dark[0x1301].missing == ("hash SHA256",)
    assert load(digest).dark[0x1301].missing == ("cipher AES_128_GCM",)
    both = load(cipher, digest)
    assert both.suites[0x1301].cipher is both.ciphers["AES_128_GCM"]
    assert both.suites[0x1301].hash is both.hashes["SHA256"]
    assert 0x1301 not in both.dark
    assert both.dark[0x1303].missing == ("cipher CHACHA20_POLY1305",)


def test_suites_of_old_say_which_words_are_missing() -> None:
    catalogue = load(("a", plugin(ciphers=[ToyCipher()], hashes=[ToyHash()])))
    dark = catalogue.dark_named("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert dark is not None
    assert dark.missing == ("key exchange ECDHE", "authentication RSA")
    des = catalogue.dark_named("TLS_RSA_WITH_DES_CBC_SHA")
    assert des is not None
    assert des.missing == (
        "protocol version TLSv1.1",
        "key exchange RSA",
        "authentication RSA",
        "cipher DES_CBC",
        "hash SHA",
    )


def test_signalling_values_never_light_up() -> None:
    catalogue = load(("a", plugin(ciphers=[ToyCipher("NULL")], hashes=[ToyHash("NULL")])))
    for code in (0x0000, 0x00FF, 0x5600):
        assert code not in catalogue.suites
        assert code not in catalogue.dark


# --- what does not follow its interface is refused --------------------------------------------------------


class Broken:
    """A group one of whose attributes raises."""

    name = "broken"

    @property
    def code(self) -> int:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("hook", "thing"),
    [
        ("groups", object()),
        ("groups", Broken()),
        ("groups", evolve(ToyGroup(), name="")),
        ("groups", evolve(ToyGroup(), name="two words")),
        ("groups", evolve(ToyGroup(), name=7)),  # type: ignore[arg-type]
        ("groups", evolve(ToyGroup(), code=-1)),
        ("groups", evolve(ToyGroup(), code=0x10000)),
        ("groups", evolve(ToyGroup(), code=True)),
        ("groups", evolve(ToyGroup(), code="29")),  # type: ignore[arg-type]
        ("groups", evolve(ToyGroup(), strength=0)),
        ("groups", evolve(ToyGroup(), post_quantum=1)),  # type: ignore[arg-type]
        ("groups", evolve(ToyGroup(), client_share_size=-1)),
        ("groups", evolve(ToyGroup(), name="x25519")),
        ("groups", evolve(ToyGroup(), code=0x001D)),
        ("groups", evolve(ToyGroup(), code=0x1A1A)),
        ("ciphers", evolve(ToyCipher(), key_size=0)),
        ("ciphers", evolve(ToyCipher(), nonce_size=7)),
        ("ciphers", evolve(ToyCipher(), tag_size=0)),
        ("ciphers", evolve(ToyCipher(), record_limit=0)),
        ("hashes", evolve(ToyHash(), digest_size=0)),
        ("signatures", evolve(ToyScheme(), code=0x0808)),
        ("signatures", evolve(ToyScheme(), handshake13=None)),  # type: ignore[arg-type]
        ("suites", ToyGroup()),
        ("suites", evolve(PRIVATE_SUITE, code=0x1399)),
        ("suites", registry.suites()[0x1301]),
        ("suites", evolve(PRIVATE_SUITE, cipher="")),
        ("suites", evolve(PRIVATE_SUITE, max_version=TLS12)),
        ("suites", evolve(PRIVATE_SUITE, kx="RSA", auth="RSA")),
        ("suites", evolve(PRIVATE_SUITE, min_version=TLS12, max_version=TLS12)),
        ("compressions", evolve(ToyCompression(), code=2)),
        ("extensions", evolve(ToyExtension(), name="key_share", code=51)),
        ("extensions", evolve(ToyExtension(), code=0x0A0A)),
        ("stages", StageFactory("dinner", "toy", ToyGroup)),
        ("stages", StageFactory("verification", "", ToyGroup)),
        ("stages", StageFactory("verification", "toy", 3)),  # type: ignore[arg-type]
    ],
    # Addresses would differ between processes that run the tests side by side.
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),
)
def test_unfit_things_are_refused_and_their_neighbours_kept(hook: str, thing: object) -> None:
    fit = ToyGroup("neighbour", 0xFE99)
    brought: dict[str, list[object]] = {"groups": [fit]}
    brought.setdefault(hook, []).append(thing)
    catalogue = load(("toys", plugin(**brought)))
    assert [problem.distribution for problem in catalogue.problems] == ["toys"]
    assert set(catalogue.origins) == {("group", "neighbour")}


@pytest.mark.parametrize("method", ["start", "answer", "finish"])
def test_a_method_that_is_missing_is_named(method: str) -> None:
    class Lame:
        name = "lame"
        code = 0xFE02
        strength = 1
        post_quantum = False
        client_share_size = server_share_size = 0
        start = answer = finish = staticmethod(lambda *_: None)

    setattr(Lame, method, None)
    (problem,) = load(("toys", plugin(groups=[Lame()]))).problems
    assert problem.subject == "group lame"
    assert method in problem.text


def test_registered_code_points_are_welcome_by_their_names() -> None:
    catalogue = load(("toys", plugin(groups=[ToyGroup("x25519", 0x001D), ToyGroup("unassigned", 0x2F00)])))
    assert catalogue.problems == ()
    assert catalogue.group_named("x25519")


# --- broken plugins harm nobody ---------------------------------------------------------------------------


def raising(error: BaseException) -> Callable[[], list[object]]:
    def hook() -> list[object]:
        raise error

    return hook


@pytest.mark.parametrize(
    "error", [ValueError("x"), ImportError("y"), SystemExit(1), RecursionError()], ids=repr
)
def test_a_hook_that_raises_loses_only_itself(error: BaseException) -> None:
    module = plugin(groups=[ToyGroup()])
    module.suitor_ciphers = hookimpl(raising(error))  # type: ignore[attr-defined]
    catalogue = load(("broken", module), ("fine", plugin(hashes=[ToyHash()])))
    assert blamed(catalogue) == {("broken", "suitor_ciphers")}
    assert type(error).__name__ in catalogue.problems[0].text
    assert catalogue.group_named("toy")
    assert catalogue.hashes


@pytest.mark.parametrize("answer", [None, 7])
def test_a_hook_that_returns_no_list(answer: object) -> None:
    module = types.ModuleType("broken")
    module.suitor_groups = hookimpl(lambda: answer)  # type: ignore[attr-defined]
    assert blamed(load(("broken", module))) == {("broken", "suitor_groups")}


def test_a_misspelt_hook_is_told_with_its_neighbour() -> None:
    module = plugin(groups=[ToyGroup()], cyphers=[])
    catalogue = load(("broken", module))
    assert blamed(catalogue) == {("broken", "suitor_cyphers")}
    assert "suitor_ciphers" in catalogue.problems[0].text
    assert catalogue.group_named("toy")


def test_a_hook_without_its_mark_is_told() -> None:
    module = types.ModuleType("forgetful")
    module.suitor_groups = lambda: [ToyGroup()]  # type: ignore[attr-defined]
    catalogue = load(("forgetful", module))
    assert blamed(catalogue) == {("forgetful", "suitor_groups")}
    assert not catalogue.groups


def test_a_hook_with_arguments_is_told() -> None:
    module = types.ModuleType("greedy")
    module.suitor_groups = hookimpl(lambda connection: [])  # type: ignore[attr-defined]
    assert [
        p.distribution for p in load(("greedy", module), ("ok", plugin(groups=[ToyGroup()]))).problems
    ] == ["greedy"]


def test_a_wrapper_cannot_listen_in() -> None:
    module = types.ModuleType("spy")

    def wrapper() -> Any:
        return (yield)

    module.suitor_groups = hookimpl(wrapper=True)(wrapper)  # type: ignore[attr-defined]
    catalogue = load(("spy", module), ("ok", plugin(groups=[ToyGroup()])))
    assert blamed(catalogue) == {("spy", "suitor_groups")}
    assert catalogue.group_named("toy")


def test_no_hooks_at_all() -> None:
    assert blamed(load(("empty", types.ModuleType("empty")))) == {("empty", "plugin")}


def test_one_object_under_two_names() -> None:
    module = plugin(groups=[ToyGroup()])
    catalogue = load(("a", module), ("b", module))
    assert {problem.distribution for problem in catalogue.problems} == {"b"}
    assert catalogue.origin("group", "toy") == Origin("a", "", "")


# --- collisions -------------------------------------------------------------------------------------------


def test_two_distributions_with_one_name_are_both_refused() -> None:
    catalogue = load(("a", plugin(groups=[ToyGroup()])), ("b", plugin(groups=[ToyGroup(code=0xFE02)])))
    assert not catalogue.groups
    assert blamed(catalogue) == {("a", "group toy"), ("b", "group toy")}
    for problem in catalogue.problems:
        assert "a (group toy)" in problem.text
        assert "b (group toy)" in problem.text


def test_two_distributions_with_one_code_point_are_both_refused() -> None:
    catalogue = load(("a", plugin(groups=[ToyGroup("one")])), ("b", plugin(groups=[ToyGroup("two")])))
    assert not catalogue.groups
    assert blamed(catalogue) == {("a", "group one"), ("b", "group two")}


def test_a_refused_word_darkens_its_suites() -> None:
    words = plugin(ciphers=[ToyCipher()], hashes=[ToyHash()])
    catalogue = load(("a", words), ("b", plugin(ciphers=[ToyCipher()])))
    assert catalogue.dark[0x1301].missing == ("cipher AES_128_GCM",)


def test_the_named_winner_is_taken() -> None:
    a, b = plugin(groups=[ToyGroup()]), plugin(groups=[ToyGroup()])
    for name in ("a", "b"):
        catalogue = load(("a", a), ("b", b), group__toy=name)
        assert catalogue.problems == ()
        assert catalogue.origin("group", "toy") == Origin(name, "", "")


def test_winners_are_compared_as_distributions_are() -> None:
    catalogue = load(
        ("Some.Dist_a", plugin(groups=[ToyGroup()])),
        ("b", plugin(groups=[ToyGroup()])),
        group__toy="some-dist-A",
    )
    assert catalogue.origin("group", "toy") == Origin("Some.Dist_a", "", "")


def test_a_winner_that_brings_nothing_settles_nothing() -> None:
    catalogue = load(("a", plugin(groups=[ToyGroup()])), ("b", plugin(groups=[ToyGroup()])), group__toy="c")
    assert not catalogue.groups
    assert len(catalogue.problems) == 2


def test_a_winner_takes_a_code_point_too() -> None:
    a, b = plugin(groups=[ToyGroup("one")]), plugin(groups=[ToyGroup("two")])
    assert load(("a", a), ("b", b), group__two="b").groups[0xFE01].name == "two"
    both = load(("a", a), ("b", b), group__one="a", group__two="b")
    assert not both.groups
    assert blamed(both) == {("a", "group one"), ("b", "group two")}


def test_a_distribution_that_repeats_itself_is_refused_and_its_rival_kept() -> None:
    catalogue = load(("a", plugin(groups=[ToyGroup(), ToyGroup()])), ("b", plugin(groups=[ToyGroup()])))
    assert blamed(catalogue) == {("a", "group toy")}
    assert catalogue.origin("group", "toy") == Origin("b", "", "")


def test_different_kinds_do_not_collide() -> None:
    catalogue = load(("a", plugin(groups=[ToyGroup("same")], hashes=[ToyHash("same")])))
    assert catalogue.problems == ()


def shape(catalogue: Catalogue) -> object:
    return (
        sorted(catalogue.origins.items(), key=repr),
        list(catalogue.groups),
        list(catalogue.suites),
        {code: dark.missing for code, dark in catalogue.dark.items()},
        catalogue.problems,
    )


CROWD = (
    ("a", plugin(groups=[ToyGroup("one", 0xFE01), ToyGroup("two", 0xFE02)])),
    ("b", plugin(groups=[ToyGroup("two", 0xFE03), ToyGroup("three", 0xFE04)])),
    ("c", plugin(groups=[ToyGroup("four", 0xFE04), ToyGroup("five", 0xFE05)], hashes=[ToyHash()])),
    ("d", plugin(groups=[ToyGroup("five", 0xFE05)], ciphers=[ToyCipher(), ToyCipher("NULL")])),
    ("e", plugin(groups=[ToyGroup("five", 0xFE06), object()], cyphers=[])),
    ("f", types.ModuleType("nothing")),
    ("f", plugin(ciphers=[ToyCipher("NULL")])),
    ("f", plugin(ciphers=[ToyCipher("NULL")])),
)


@given(
    st.permutations(CROWD), st.sampled_from([{}, {"group five": "d"}, {"group two": "b", "group four": "c"}])
)
@settings(max_examples=60, deadline=None)
def test_the_order_of_plugins_does_not_matter(
    order: list[tuple[str, object]], winners: dict[str, str]
) -> None:
    in_order = load_catalogue(plugins=CROWD, entry_points=(), winners=winners)
    assert shape(load_catalogue(plugins=order, entry_points=(), winners=winners)) == shape(in_order)


# --- distributions on disk --------------------------------------------------------------------------------

PLUGIN_SOURCE = """
    from suitor.plug import hookimpl

    class Group:
        name = {name!r}
        code = {code}
        strength = 128
        post_quantum = False
        client_share_size = server_share_size = 0
        start = answer = finish = staticmethod(lambda *_: None)

    @hookimpl
    def suitor_groups():
        return [Group()]
"""


def install(
    folder: Path, distribution: str, source: str, *, entry_point: str = "plugin", version: str = "1.0"
) -> None:
    """A distribution with one module and one entry point, as pip would leave it on sys.path."""
    module = f"{distribution}_module"
    (folder / f"{module}.py").write_text(textwrap.dedent(source))
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[suitor]\n{entry_point} = {module}\n")


def entry_points(folder: Path) -> list[importlib.metadata.EntryPoint]:
    return [
        entry_point
        for distribution in importlib.metadata.distributions(path=[str(folder)])
        for entry_point in distribution.entry_points
    ]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path, whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.endswith("_module"):
            del sys.modules[name]


def test_installed_distributions_are_found(site: Path) -> None:
    install(site, "loader_toys", PLUGIN_SOURCE.format(name="disk", code=0xFE31), version="2.5")
    catalogue = load_catalogue()
    assert catalogue.origin("group", "disk") == Origin("loader_toys", "2.5", "plugin")


def test_the_default_catalogue_is_loaded_once() -> None:
    assert default_catalogue() is default_catalogue()


def test_an_empty_list_of_entry_points_loads_none(site: Path) -> None:
    install(site, "loader_none", PLUGIN_SOURCE.format(name="disk", code=0xFE31))
    assert not load_catalogue(entry_points=()).origins


def test_same_entry_point_name_in_two_distributions(site: Path) -> None:
    """pluggy's own loading would silently keep one of them."""
    install(site, "loader_one", PLUGIN_SOURCE.format(name="one", code=0xFE31))
    install(site, "loader_two", PLUGIN_SOURCE.format(name="two", code=0xFE32))
    catalogue = load_catalogue(entry_points=entry_points(site))
    assert catalogue.problems == ()
    assert {group.name for group in catalogue.groups.values()} == {"one", "two"}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError"),
        ("def (", "SyntaxError"),
        ("raise ZeroDivisionError", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told(site: Path, source: str, error: str) -> None:
    install(site, "loader_broken", source)
    install(site, "loader_sound", PLUGIN_SOURCE.format(name="sound", code=0xFE31))
    catalogue = load_catalogue(entry_points=entry_points(site))
    (problem,) = catalogue.problems
    assert (problem.distribution, problem.subject) == ("loader_broken", "entry point plugin")
    assert problem.text.startswith(error)
    assert catalogue.group_named("sound")


def test_an_entry_point_to_nowhere(site: Path) -> None:
    install(site, "loader_gone", "")
    (site / "loader_gone_module.py").unlink()
    (problem,) = load_catalogue(entry_points=entry_points(site)).problems
    assert problem.distribution == "loader_gone"


def test_an_entry_point_without_a_distribution() -> None:
    entry_point = importlib.metadata.EntryPoint("toy", "no_such_package.module", "suitor")
    (problem,) = load_catalogue(entry_points=[entry_point]).problems
    assert problem.distribution == "no_such_package"


@given(order=st.permutations(range(4)))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_entry_points_does_not_matter(site: Path, order: list[int]) -> None:
    if not (site / "loader_d_module.py").exists():
        install(site, "loader_a", PLUGIN_SOURCE.format(name="one", code=0xFE31))
        install(site, "loader_b", PLUGIN_SOURCE.format(name="one", code=0xFE32))
        install(site, "loader_c", PLUGIN_SOURCE.format(name="three", code=0xFE33))
        install(site, "loader_d", "import no_such_module_anywhere")
    found = sorted(entry_points(site), key=lambda entry_point: entry_point.value)
    shuffled = [found[index] for index in order]
    expected = load_catalogue(entry_points=found)
    assert shape(load_catalogue(entry_points=shuffled)) == shape(expected)
    assert {group.name for group in expected.groups.values()} == {"three"}
