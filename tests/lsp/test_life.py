"""Start and end of the server: quick, and in order however the end comes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lsp_client import FULL, EditorClient, EditorFactory, ServerGone
from lsp_client.client import SERVER

ODD = (sys.executable, str(Path(__file__).parents[1] / "support" / "odd_server.py"))
STATUS = "testwright/status"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

LIMIT = 3.0
"""Seconds that an end may take."""
SLACK = 2.0
"""Seconds that a busy machine takes for anything."""


async def ended(editor: EditorClient, seconds: float) -> int:
    """Exit code of the server when it ends in time."""
    async with asyncio.timeout(seconds):
        while editor.process.returncode is None:  # noqa: ASYNC110 - asyncio has no other way
            await asyncio.sleep(0.02)
    return editor.process.returncode


async def appears(path: Path, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not path.exists():  # noqa: ASYNC110 - it is another process's file
            await asyncio.sleep(0.02)


async def end_late(editor: EditorClient, seconds: float) -> None:
    """Let the end of what goes on take a while."""
    await editor.request("odd/endLate", {"seconds": seconds})


# ---------------------------------------------------------------------------------------------------- start


def test_nothing_heavy_is_loaded_before_it_answers(environment: dict[str, str]) -> None:
    command = [sys.executable, "-X", "importtime", *SERVER[1:]]
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": null, "capabilities": {}}}'
    server = subprocess.run(
        command,
        input=b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        capture_output=True,
        env=environment,
        timeout=30,
        check=False,
    )
    assert b'"serverInfo"' in server.stdout
    loaded = {line.rpartition("|")[2].strip() for line in server.stderr.decode().splitlines() if "import time:" in line}
    assert "testwright.lsp.server" in loaded
    heavy = (
        "pydantic",
        "rich",
        "coverage",
        "libcst",
        "pytest",
        "httpx",
        "httpcore",
        "tenacity",
        "yaml",
        "keyring",
        "sqlite3",
    )
    ours = tuple(f"testwright.{name}" for name in ("service", "judge", "engines", "boxes", "rendering", "models"))
    assert [name for name in loaded if name.partition(".")[0] in heavy or name.startswith(ours)] == []


@pytest.mark.parametrize("arguments", [["--stdio"], ["--clientProcessId=1"], ["--stdio", "--clientProcessId", "1"]])
async def test_arguments_that_clients_add(editor_for: EditorFactory, arguments: list[str]) -> None:
    async with editor_for(FULL, argv=[*SERVER, *arguments]) as editor:
        assert (await editor.request(STATUS, None))["client"] == "full"


# ---------------------------------------------------------------------------------------------------- end


async def test_exit_after_shutdown_is_0(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        assert await editor.request("shutdown", None) is None
        editor.notify("exit", None)
        assert await ended(editor, SLACK) == 0
    assert "exit" in editor.stderr
    assert "Traceback" not in editor.stderr


async def test_exit_without_shutdown_is_1(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        editor.notify("exit", None)
        assert await ended(editor, SLACK) == 1


async def test_exit_need_not_wait_for_the_answer_to_shutdown(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await end_late(editor, 0.3)
        _, answer = editor.ask("shutdown", None)
        editor.notify("exit", None)
        assert (await asyncio.wait_for(answer, SLACK))["result"] is None
        assert await ended(editor, SLACK) == 0


async def test_shutdown_does_not_wait_for_a_client_that_does_not_answer(editor_for: EditorFactory) -> None:
    """What the server has asked, and what the client has asked, end with it."""
    async with editor_for(FULL, argv=ODD, ignores=("workspace/configuration",)) as editor:
        _, sleeping = editor.ask("odd/sleep", None)
        _, asking = editor.ask("odd/ask", {"seconds": 60})
        notebook = {"uri": "file:///x.ipynb", "notebookType": "x", "version": 1, "cells": []}
        editor.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": []})
        await editor.wait_for("workspace/configuration")
        assert await editor.request("shutdown", None, timeout=SLACK) is None
        assert (await sleeping)["error"]["code"] == -32800
        assert "error" in await asking
        editor.notify("exit", None)
        assert await ended(editor, SLACK) == 0
    assert "Traceback" not in editor.stderr


async def test_what_goes_on_is_ended_before_shutdown_is_answered(editor_for: EditorFactory, tmp_path: Path) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await end_late(editor, 0.3)
        await editor.request("shutdown", None)
        assert (tmp_path / "ended").exists()
        editor.notify("exit", None)
        assert await ended(editor, SLACK) == 0


async def test_a_closed_pipe_is_an_end(editor_for: EditorFactory, tmp_path: Path) -> None:
    async with editor_for(FULL, argv=ODD, clean_end=False) as editor:
        await end_late(editor, 0.3)
        assert editor.process.stdin is not None
        editor.process.stdin.close()
        assert await ended(editor, SLACK) == 1
    assert (tmp_path / "ended").exists()
    assert "The server ends: the client has closed its end" in editor.stderr


async def test_a_pipe_that_takes_no_more_is_an_end(editor_for: EditorFactory, tmp_path: Path) -> None:
    """The client reads no more, but its other end stays open."""
    async with editor_for(FULL, argv=ODD, clean_end=False) as editor:
        await end_late(editor, 0.3)
        editor._output.close()
        editor.ask(STATUS, None)
        assert await ended(editor, SLACK) == 1
    assert (tmp_path / "ended").exists()
    assert "Traceback" not in editor.stderr


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_in_order(editor_for: EditorFactory, tmp_path: Path, number: signal.Signals) -> None:
    async with editor_for(FULL, argv=ODD, clean_end=False) as editor:
        await end_late(editor, 0.3)
        editor.process.send_signal(number)
        assert await ended(editor, SLACK) == 1
    assert (tmp_path / "ended").exists()
    assert f"signal {number.name}" in editor.stderr
    assert "Traceback" not in editor.stderr


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_second_signal_ends_at_once(editor_for: EditorFactory, tmp_path: Path, number: signal.Signals) -> None:
    async with editor_for(FULL, argv=ODD, clean_end=False) as editor:
        await end_late(editor, 60)
        editor.process.send_signal(number)
        await appears(tmp_path / "ending")
        begun = time.monotonic()
        editor.process.send_signal(number)
        assert await ended(editor, SLACK) != 0
        assert time.monotonic() - begun < 3
    assert not (tmp_path / "ended").exists()


async def test_an_end_has_a_limit(editor_for: EditorFactory, tmp_path: Path) -> None:
    async with editor_for(FULL, argv=ODD, clean_end=False) as editor:
        await end_late(editor, 60)
        begun = time.monotonic()
        editor.notify("exit", None)
        assert await ended(editor, LIMIT + SLACK) == 1
        assert time.monotonic() - begun > LIMIT - 0.1
    assert not (tmp_path / "ended").exists()
    assert "What was going on did not end within 3 seconds" in editor.stderr


async def test_a_shutdown_has_a_limit(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await end_late(editor, 60)
        begun = time.monotonic()
        await editor.request("shutdown", None, timeout=LIMIT + SLACK)
        assert time.monotonic() - begun > LIMIT - 0.1
        editor.notify("exit", None)
        assert await ended(editor, LIMIT + SLACK) == 0


async def test_a_thread_that_hangs_does_not_hold_the_server(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await editor.request("odd/hang", {"seconds": 60})
        await editor.request("shutdown", None)
        editor.notify("exit", None)
        assert await ended(editor, 1 + SLACK) == 0
    assert "1 threads did not end within 1 seconds" in editor.stderr
    assert "Traceback" not in editor.stderr


async def test_a_thread_that_works_is_waited_for(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await editor.request("odd/hang", {"seconds": 0.5})
        await editor.request("shutdown", None)
        editor.notify("exit", None)
        assert await ended(editor, 1 + SLACK) == 0
    assert "did not end" not in editor.stderr


async def test_what_a_start_is_interrupted_in(environment: dict[str, str]) -> None:
    editor = EditorClient(FULL, folders=[], environment=environment, argv=[*SERVER, "--tcp", "0"], clean_end=False)
    await editor.start()
    try:
        async with asyncio.timeout(10):
            while "listening on" not in editor.stderr:  # noqa: ASYNC110 - it comes from another process
                await asyncio.sleep(0.02)
        editor.process.terminate()
        assert await ended(editor, SLACK) == 1
    finally:
        await editor.kill()
    assert "Traceback" not in editor.stderr


# ---------------------------------------------------------------------------------------------------- the client's process


@pytest.mark.parametrize("told", ["in initialize", "as an argument"])
async def test_a_client_that_is_gone_is_an_end(editor_for: EditorFactory, tmp_path: Path, told: str) -> None:
    """Though someone still holds the pipes."""
    client = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    argv = ODD if told == "in initialize" else [*ODD, f"--clientProcessId={client.pid}"]
    editor = editor_for(FULL, argv=argv, clean_end=False)
    await editor.start()
    try:
        await editor.initialize(processId=client.pid if told == "in initialize" else None)
        await end_late(editor, 0.3)
        await asyncio.sleep(LOOK_EVERY * 1.5)
        assert editor.process.returncode is None
        client.kill()
        await client.wait()
        assert await ended(editor, LOOK_EVERY * 2 + SLACK) == 1
    finally:
        if client.returncode is None:
            client.kill()
        await editor.kill()
    assert (tmp_path / "ended").exists()
    assert f"the client's process {client.pid} is gone" in editor.stderr


LOOK_EVERY = 2.0
"""Seconds between two looks at the client's process."""


async def test_a_client_in_another_container_is_not_missed(editor_for: EditorFactory) -> None:
    """Its process has a number there that nobody has here."""
    gone = await asyncio.create_subprocess_exec("/bin/true")
    await gone.wait()
    editor = editor_for(FULL)
    await editor.start()
    try:
        await editor.initialize(processId=gone.pid)
        await asyncio.sleep(LOOK_EVERY * 2 + 0.5)
        assert (await editor.request(STATUS, None))["documents"] == 0
        await editor.request("shutdown", None)
    finally:
        await editor.kill()


@pytest.mark.parametrize("number", [-1, 0, 2**31, 2**70])
async def test_a_number_that_is_no_process_does_no_harm(editor_for: EditorFactory, number: int) -> None:
    editor = editor_for(FULL)
    await editor.start()
    try:
        try:
            await editor.initialize(processId=number)
        except ServerGone:
            pytest.fail(editor.stderr)
        await asyncio.sleep(LOOK_EVERY + 0.5)
        await editor.request(STATUS, None)
    finally:
        await editor.kill()
    assert "Traceback" not in editor.stderr


def test_a_killed_client_takes_the_server_with_it(environment: dict[str, str], tmp_path: Path) -> None:
    """The server is the child of a process that is killed, as an editor that crashes."""
    script = (
        "import subprocess, sys, time\n"
        "server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, *SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as client:
        assert client.stdout is not None
        server = int(client.stdout.readline())
        client.kill()
    deadline = time.monotonic() + 10
    while is_running(server):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)


def is_running(process_id: int) -> bool:
    """Whether it is there and not merely unburied."""
    try:
        os.kill(process_id, 0)
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
