"""Real peers over loopback. A peer that is not installed is skipped; the versions met stand in the summary."""

from __future__ import annotations

import pytest

from tests.interop import programs
from tests.interop.pki import PeerPki


@pytest.fixture(scope="session")
def peer_pki(tmp_path_factory: pytest.TempPathFactory) -> PeerPki:
    return PeerPki.made(tmp_path_factory.mktemp("peer-pki"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if programs.versions:
        terminalreporter.section("peers")
        for name, version in sorted(programs.versions.items()):
            terminalreporter.line(f"{name}: {version}")
