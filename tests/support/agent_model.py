"""A model that plays an agent, as a program: for tests that are not written in Python.

usage: agent_model.py TEST_PATH IMPORTS GUESSES [--hangs-after N]...

GUESSES is a JSON object, as ``Worker`` takes it. Prints its base URL, and serves until its standard input ends. With
``--hangs-after`` the first conversation gets N answers, then nothing more; given again, the second one, and so on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from scripted_agent import Worker, reply_of
from scripted_provider import Reply, ScriptedProvider, hanging, json_reply
from virtual_clock import VirtualClock

MODEL = "agent-model"


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("test_path")
    parser.add_argument("imports")
    parser.add_argument("guesses", type=json.loads)
    parser.add_argument("--hangs-after", type=int, action="append", default=[])
    asyncio.run(serve(parser.parse_args()))


async def serve(given: argparse.Namespace) -> None:
    """Serve until the standard input ends."""

    def worker() -> Reply:
        return reply_of(Worker(given.test_path, imports=given.imports, guesses=given.guesses))

    async with ScriptedProvider(VirtualClock()) as server:
        for answers in given.hangs_after:
            server.play(MODEL, *[worker()] * answers, hanging())
        server.always(MODEL, worker())
        server.serve("/models", json_reply({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        print(server.base_url, flush=True)  # noqa: T201 - what the program is read for
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    main()
