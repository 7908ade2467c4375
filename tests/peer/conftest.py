"""A real model behind a real server, and our side of it: settings, router and client as a run has them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from peer_server import MODEL, Installed, Open, PeerServer, Start

from testwright.models.access import Means, Models, open_models
from testwright.models.breaker import Breakers
from testwright.models.clock import SystemClock
from testwright.models.values import Need, RouterEvent
from testwright.settings import Settings

SECONDS = 60.0
"""What a run may take with models here: for a busy machine, and no more than a test that waits in vain should cost."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("peer")


@pytest.fixture(scope="session")
def installed() -> Installed:
    found = Installed.of(os.environ)
    if found is None:
        pytest.skip('the server of models is not there: PEER="$(.ci/install-models)" names it')
    return found


@pytest.fixture(scope="session")
def peer(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerServer]:
    """One server for all tests that leave it as it was."""
    with PeerServer(installed, tmp_path_factory.mktemp("peer") / "log") as server:
        yield server


@pytest.fixture
def start(installed: Installed, tmp_path: Path) -> Iterator[Start]:
    """Start a server of the test's own."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(PeerServer(installed, tmp_path / "peer.log", **options))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """No key, and folders of the test's own."""
    return {
        "HOME": str(tmp_path),
        "TESTWRIGHT_STATE_DIR": str(tmp_path / "state"),
        "TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


@pytest.fixture
def events() -> list[RouterEvent]:
    """What the router has told."""
    return []


@pytest.fixture
def opened(tmp_path: Path, environ: dict[str, str], events: list[RouterEvent]) -> Open:
    """Our models with a server's address in the settings, as a run opens them; with breakers of their own."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    @asynccontextmanager
    async def open_(
        server: PeerServer | None, *, record: Path | None = None, replay: Path | None = None, **said: Any
    ) -> AsyncIterator[Models]:
        own = {} if server is None else {"model_base_url": server.base_url, "preferred_model": MODEL}
        async with open_models(
            Settings(**{**own, "model_deadline": SECONDS, **said}),
            workspace,
            environ=environ,
            on_event=events.append,
            need=Need(),
            record=record,
            replay=replay,
            means=Means(breakers=Breakers(SystemClock())),
        ) as models:
            yield models

    return open_
