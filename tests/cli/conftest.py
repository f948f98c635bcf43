"""Certificate files and servers for the tests of the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from suitor.cli.pki import make_root
from tests.cli.running import Files, Serve, servers


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    made = Files(tmp_path_factory.mktemp("pki"), make_root())
    made.ca.write_bytes(made.root.chain_pem())
    made.add("localhost", ["localhost", "127.0.0.1"])
    made.add("other", ["other.example"])
    made.add("client", ["somebody@example.com"], client=True)
    return made


@pytest.fixture
def serve(files: Files) -> Iterator[Serve]:
    with servers(files) as start:
        yield start
