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
from collections.abc import Sequence

from scripted_agent import Worker, reply_of
from scripted_provider import ScriptedProvider, SeenRequest, Step, hanging, json_reply
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


class Conversations:
    """Plays each conversation anew, and some only to a point."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._number = 0
        self._reply = hanging()

    def __call__(self, request: SeenRequest) -> Sequence[Step]:
        """Answer one request, which tells by itself how far its conversation is."""
        answered = sum(message["role"] == "assistant" for message in request.body["messages"])
        if answered == 0:
            self._number += 1
            given = self._given
            self._reply = reply_of(Worker(given.test_path, imports=given.imports, guesses=given.guesses))
        hangs_after = dict(enumerate(self._given.hangs_after, 1)).get(self._number)
        is_over = hangs_after is not None and answered >= hangs_after
        return (hanging() if is_over else self._reply)(request)


async def serve(given: argparse.Namespace) -> None:
    """Serve until the standard input ends."""
    async with ScriptedProvider(VirtualClock()) as server:
        server.always(MODEL, Conversations(given))
        server.serve("/models", json_reply({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        print(server.base_url, flush=True)  # noqa: T201 - what the program is read for
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    main()
