"""The language server with requests that do what a server must survive, for tests of the wire, of life and of the logs.

Usage: odd_server.py [OPTION]...: options of `testwright lsp`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lsprotocol import types

from testwright.cli import main
from testwright.errors import SettingsError
from testwright.lsp import serving
from testwright.lsp.server import TestwrightServer, make_server

logger = logging.getLogger("testwright.odd")


def make_odd_server() -> TestwrightServer:
    """The server, with the requests."""
    server = make_server()
    for register in (_answers, _output, _logs, _end):
        register(server)
    return server


def _answers(server: TestwrightServer) -> None:
    @server.feature("odd/raise")
    def fail(_: TestwrightServer, __: object) -> None:
        raise LookupError("the secret reason")

    @server.feature("odd/raiseLater")
    async def fail_later(_: TestwrightServer, __: object) -> None:
        await asyncio.sleep(0)
        raise LookupError("the secret reason")

    @server.feature("odd/raiseOnNotification")
    def fail_silently(_: TestwrightServer, __: object) -> None:
        raise LookupError("the secret reason")

    @server.feature("odd/refuse")
    def refuse(_: TestwrightServer, __: object) -> None:
        raise SettingsError("This cannot be.", next_step="Let it be.")

    @server.feature("odd/noJson")
    def no_json(_: TestwrightServer, __: object) -> object:
        return object()

    @server.feature("odd/sleep")
    async def sleep(_: TestwrightServer, __: object) -> str:
        try:
            await asyncio.sleep(60)
        finally:
            (Path.home() / "woken").touch()
        return "slept"


def _output(server: TestwrightServer) -> None:
    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    async def open_for_long(_: TestwrightServer, __: types.DidOpenNotebookDocumentParams) -> None:
        await asyncio.sleep(60)

    @server.feature("odd/print")
    def print_it(_: TestwrightServer, __: object) -> None:
        sys.stdout.write("printed by print\n")
        sys.stdout.flush()
        os.write(1, b"printed by write\n")
        subprocess.run(["/bin/echo", "printed by echo"], check=True)
        logger.warning("standard input holds %r", os.read(0, 10))

    @server.feature("odd/ask")
    async def ask(ls: TestwrightServer, params: Any) -> Any:
        item = types.ConfigurationItem(section="testwright")
        return await ls.session.peer.ask(
            types.WORKSPACE_CONFIGURATION, types.ConfigurationParams([item]), seconds=params.seconds
        )

    @server.feature("odd/flood")
    async def flood(ls: TestwrightServer, params: Any) -> None:
        text = "x" * (1 << 20)
        for _ in range(params.megabytes):
            ls.protocol.notify("odd/water", {"text": text})
            await asyncio.sleep(0)


def _logs(server: TestwrightServer) -> None:
    @server.feature("odd/log")
    def log(_: TestwrightServer, params: Any) -> None:
        logger.log(params.level, "%s", params.text)

    @server.feature("odd/logInThread")
    async def log_in_thread(_: TestwrightServer, __: object) -> None:
        await asyncio.gather(*(asyncio.to_thread(logger.warning, "number %d", number) for number in range(50)))

    @server.feature("odd/logOfOthers")
    def log_of_others(_: TestwrightServer, __: object) -> None:
        logging.getLogger("asyncio").error("asyncio complains")
        logging.getLogger("some.library").info("a library chatters")


def _end(server: TestwrightServer) -> None:
    end = server.end

    @server.feature("odd/hang")
    async def hang(ls: TestwrightServer, params: Any) -> None:
        ls.session.in_background(asyncio.to_thread(time.sleep, params.seconds), "hanging")

    @server.feature("odd/endLate")
    def end_late(ls: TestwrightServer, params: Any) -> None:
        async def late() -> None:
            (Path.home() / "ending").touch()
            await asyncio.sleep(params.seconds)
            (Path.home() / "ended").touch()
            await end()

        ls.end = late  # type: ignore[method-assign]


if __name__ == "__main__":
    serving.make_server = make_odd_server  # type: ignore[attr-defined]
    sys.argv[1:] = ["lsp", *sys.argv[1:]]
    main()
