"""A clock whose time passes by itself, and a provider on loopback that plays a script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from scripted_provider import ScriptedProvider
from virtual_clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def server(clock: VirtualClock) -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider(clock) as provider:
        yield provider
