"""Both sides of a connection for the tests of sockets and streams: real stages, real certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, evolve

from suitor.catalogue import Catalogue, default_catalogue
from suitor.cli.pki import Issued, make_leaf, make_root
from suitor.config import ClientConfig, ServerConfig
from suitor.plug.interfaces import Job, PeerCertificates, PeerVerification, VerifiedPeer

NAME = "localhost"


@pytest.fixture(scope="session")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return default_catalogue()


@pytest.fixture(scope="session")
def server_config(root: Issued, catalogue: Catalogue) -> ServerConfig:
    leaf = make_leaf(root, [NAME, "127.0.0.1"])
    credentials = catalogue.stages["credentials", "sni"].make(credentials=[leaf.credential()])
    return ServerConfig(credentials=credentials, catalogue=catalogue)


@pytest.fixture(scope="session")
def client_config(root: Issued, catalogue: Catalogue) -> ClientConfig:
    verification = catalogue.stages["verification", "private"].make(roots=[root.certificate])
    return ClientConfig(verification=verification, catalogue=catalogue)


@pytest.fixture(scope="session")
def wary_client_config(catalogue: Catalogue) -> ClientConfig:
    """A client that trusts somebody else."""
    stranger = make_root("Somebody else")
    verification = catalogue.stages["verification", "private"].make(roots=[stranger.certificate])
    return ClientConfig(verification=verification, catalogue=catalogue)


@define
class SlowVerification:
    """A verification stage that hands its work over as a job."""

    inner: PeerVerification
    make_job: Callable[[Callable[[], Any]], Job[Any]]
    name: str = "slow"

    def verify(self, peer: PeerCertificates) -> Job[VerifiedPeer]:
        return self.make_job(lambda: self.inner.verify(peer))


@pytest.fixture
def slow_client_config(client_config: ClientConfig) -> Callable[[Any], ClientConfig]:
    """A client whose verification is a job made by the function that is given."""

    def make(make_job: Callable[[Callable[[], Any]], Job[Any]]) -> ClientConfig:
        return evolve(client_config, verification=SlowVerification(client_config.verification, make_job))

    return make
