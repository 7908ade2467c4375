"""What the router costs a request, beside a bare httpx call in the same run: printed as figures and ratios.

A scripted provider on loopback, in a process of its own, answers at once, whole or as a stream; each question is asked
one at a time, and fifty at once. Ours counts in the ledger, reserves of the budget, checks the answer and keeps account;
the bare call reads the answer and parses its JSON. It asserts nothing; the goals stand beside the figures.

Usage: python tests/bench/route.py [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from serve import Figure, percentile, table

from testwright.models.breaker import Breakers
from testwright.models.budget import RunLimits
from testwright.models.client import Endpoint, ProviderClient
from testwright.models.clock import SystemClock
from testwright.models.router import Router
from testwright.models.values import Chain, ChatRequest, Choice, ModelEntry, Provider
from testwright.store.ledger import Ledger

ROOT = Path(__file__).parents[2]
MODEL = "bench:free"
AT_ONCE = 50
WORDS = " ".join(f"word{number}" for number in range(200))
"""An answer of 200 pieces as a stream: what a model says when it writes a short test."""
MESSAGES = [{"role": "user", "content": "x" * 8_000}]
PLENTY = 10**9
WARM_UP = 20

Ask = Callable[[], Awaitable[Any]]

SERVER = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from scripted_provider import ScriptedProvider, completion, json_reply, streamed
from virtual_clock import VirtualClock


async def main():
    whole = completion(sys.argv[3])
    parts = {True: streamed(whole)(None), False: json_reply(whole)(None)}
    async with ScriptedProvider(VirtualClock()) as server:
        server.always(sys.argv[2], lambda request: parts[bool(request.body.get("stream"))])
        print(server.base_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--rounds", type=int, default=6, help="of 50 requests of each kind and way, ours and bare in turn"
    )
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="testwright-bench-") as scratch, provider() as base_url:
        figures = asyncio.run(measure(Path(scratch), base_url, arguments.rounds))
    print(table(figures, "bare httpx"))  # noqa: T201 - what it is for
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")


@contextmanager
def provider() -> Iterator[str]:
    """Start the scripted provider, and yield its base URL."""
    argv = [sys.executable, "-c", SERVER, str(ROOT / "tests" / "support"), MODEL, WORDS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        assert process.stdin is not None
        process.stdin.close()


async def measure(scratch: Path, base_url: str, rounds: int) -> list[Figure]:
    """All figures."""
    figures = []
    clock = SystemClock()
    provider_ = Provider(name="bench", base_url=base_url, free_requests_per_minute=PLENTY, free_requests_per_day=PLENTY)
    entry = ModelEntry(
        name=MODEL, provider="bench", cost_per_1m_input=0, cost_per_1m_output=0, priority=1, status="active", free=True
    )
    with Ledger.open(scratch) as ledger:
        async with ProviderClient(clock=clock) as client, httpx.AsyncClient(trust_env=False, timeout=60) as bare:
            router = Router(
                chain=Chain((Choice(entry=entry, provider=provider_, is_taken=True, why=""),)),
                endpoints={"bench": Endpoint(provider=provider_, key=None)},
                client=client,
                ledger=ledger,
                limits=RunLimits(requests=PLENTY, tokens=10**12, cost=1.0, seconds=3600.0),
                breakers=Breakers(clock),
                clock=clock,
                random=random.Random(0),
                data_collection="allow",
                on_event=lambda _: None,
            )
            for stream, kind in ((False, "whole answer"), (True, "stream of 200 pieces")):
                asks: dict[str, Ask] = {
                    "ours": routed(router, stream=stream),
                    "bare": called(bare, base_url, stream=stream),
                }
                figures.append(await one_at_a_time(asks, f"{kind}, one at a time", rounds))
                figures.append(await all_at_once(asks, f"{kind}, {AT_ONCE} at once, each", rounds))
    return figures


def routed(router: Router, *, stream: bool) -> Ask:
    """A question by the router."""
    request = ChatRequest(body={"messages": MESSAGES}, stream=stream)
    return lambda: router.complete(request)


def called(client: httpx.AsyncClient, base_url: str, *, stream: bool) -> Ask:
    """The same by httpx alone, and its JSON parsed."""
    url = f"{base_url}/chat/completions"
    body = {"model": MODEL, "messages": MESSAGES, "stream": stream}

    async def whole() -> Any:
        return (await client.post(url, json=body)).raise_for_status().json()

    async def pieces() -> Any:
        found = []
        async with client.stream("POST", url, json=body) as response:
            async for line in response.raise_for_status().aiter_lines():
                if line.startswith("data: {"):
                    found.append(json.loads(line.removeprefix("data: ")))  # noqa: PERF401 - easier to read
        return found

    return pieces if stream else whole


async def one_at_a_time(asks: dict[str, Ask], what: str, rounds: int) -> Figure:
    """Milliseconds that one request takes when nothing else goes on."""
    samples: dict[str, list[float]] = {name: [] for name in asks}
    for number in range(rounds + 1):
        for name, ask in asks.items():
            for _ in range(AT_ONCE if number else WARM_UP):
                began = time.perf_counter()
                await ask()
                if number:
                    samples[name].append((time.perf_counter() - began) * 1000)
    return compared(what, samples)


async def all_at_once(asks: dict[str, Ask], what: str, rounds: int) -> Figure:
    """Milliseconds for each of fifty requests at once: from the first's beginning to the last's end, divided."""
    samples: dict[str, list[float]] = {name: [] for name in asks}
    for number in range(rounds + 1):
        for name, ask in asks.items():
            began = time.perf_counter()
            await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
            if number:  # the first opens the connections
                samples[name].append((time.perf_counter() - began) * 1000 / AT_ONCE)
    return compared(what, samples)


def compared(what: str, samples: dict[str, list[float]]) -> Figure:
    """Medians of ours and of the bare call's."""
    ours, bare = samples["ours"], samples["bare"]
    return Figure(what, median(ours), median(bare), percentile(ours), "ms", "within 10 ms of the bare call")


if __name__ == "__main__":
    main()
