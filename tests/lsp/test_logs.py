"""The logs: on standard error and with the client, at the level asked for, and without the value of a key."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from lsp_client import FULL, EditorClient, EditorFactory, RequestFailed

ODD = (sys.executable, str(Path(__file__).parents[1] / "support" / "odd_server.py"))
STATUS = "testwright/status"
SETTLED = 0.5
"""Seconds after which a start's exchange of settings is over."""

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
KINDS = {"error": 1, "warning": 2, "info": 3, "debug": 4}


async def log_all(editor: EditorClient, text: str = "a {} record") -> None:
    for name, level in LEVELS.items():
        await editor.request("odd/log", {"level": level, "text": text.format(name)})


def with_client(editor: EditorClient, text: str = " record") -> dict[str, int]:
    return {one["message"]: one["type"] for one in editor.all_of("window/logMessage") if text in one["message"]}


# ---------------------------------------------------------------------------------------------------- standard error


@pytest.mark.parametrize("level", LEVELS)
async def test_text_on_standard_error_from_a_level_on(editor_for: EditorFactory, level: str) -> None:
    async with editor_for(FULL, argv=[*ODD, "--log-level", level]) as editor:
        await log_all(editor)
    lines = [line for line in editor.stderr.splitlines() if "testwright.odd" in line]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +testwright\.odd: a \w+ record", line)
    assert [re.sub(r".*a (\w+) record", r"\1", line) for line in lines] == [
        name for name in LEVELS if LEVELS[name] >= LEVELS[level]
    ]


async def test_json_on_standard_error(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=[*ODD, "--log-format", "json"]) as editor:
        await log_all(editor, "a {}\nrecord of größe")
        with pytest.raises(RequestFailed):
            await editor.request("odd/raise", None)
    records = [json.loads(line) for line in editor.stderr.splitlines()]
    ours = [one for one in records if one["logger"] == "testwright.odd"]
    assert [(one["level"], one["message"]) for one in ours] == [
        (name, f"a {name}\nrecord of größe") for name in ("info", "warning", "error")
    ]
    assert all(isinstance(one["time"], float) for one in records)
    traceback = next(one["traceback"] for one in records if "traceback" in one)
    assert traceback.startswith("Traceback (most recent call last)")
    assert traceback.endswith("LookupError: the secret reason")


async def test_what_libraries_say_from_warnings_on(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=[*ODD, "--log-level", "debug"]) as editor:
        await editor.request("odd/logOfOthers", None)
        assert (await editor.wait_for("window/logMessage"))["message"] == "asyncio complains"
    assert "ERROR   asyncio: asyncio complains" in editor.stderr
    assert "a library chatters" not in editor.stderr


async def test_what_the_user_writes_is_not_in_the_log(editor_for: EditorFactory, pricing: Path) -> None:
    """pygls would log each message with all that it holds."""
    async with editor_for(FULL, argv=ODD) as editor:
        editor.open(pricing, "PRIVATE = 'of the user'\n")
        editor.change(pricing, "PRIVATE = 'of the user indeed'\n")
        await editor.request("odd/ask", {"seconds": 5})
        await editor.request(STATUS, None)
    assert "of the user" not in editor.stderr
    assert "of the user" not in json.dumps([one.message for one in editor.received])


async def test_a_log_that_nobody_reads_does_not_stop_the_server(environment: dict[str, str]) -> None:
    """A pipe takes 64 KiB; a write to a full one would wait for ever."""
    editor = EditorClient(FULL, folders=[], environment=environment, argv=ODD)
    await editor.start()
    errors = editor.process._transport.get_pipe_transport(2)  # type: ignore[attr-defined]
    errors.pause_reading()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_exit(editor)
        await editor.initialize()
        for _ in range(5):
            await editor.request("odd/log", {"level": LEVELS["warning"], "text": "x" * 50_000}, timeout=5)
        errors.resume_reading()
        await asyncio.sleep(SETTLED)
        await editor.request("odd/log", {"level": LEVELS["warning"], "text": "read again"})
    assert "read again" in editor.stderr
    assert re.search(
        r"^[\d:, -]+ WARNING testwright.lsp.wire.logs: \d records were left out, since", editor.stderr, re.MULTILINE
    )
    assert 50_000 < len(editor.stderr) < 200_000


# ---------------------------------------------------------------------------------------------------- with the client


async def test_the_client_gets_warnings_and_errors(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await asyncio.sleep(SETTLED)
        await log_all(editor)
        assert with_client(editor) == {"a warning record": 2, "a error record": 1}


@pytest.mark.parametrize("level", LEVELS)
async def test_the_client_gets_what_its_setting_asks_for(editor_for: EditorFactory, level: str) -> None:
    async with editor_for(FULL, argv=[*ODD, "--log-level", "error"]) as editor:
        await asyncio.sleep(SETTLED)
        editor.settings[None] = {"logLevel": level}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await asyncio.sleep(SETTLED)
        await log_all(editor)
        assert with_client(editor) == {
            f"a {name} record": KINDS[name] for name in LEVELS if LEVELS[name] >= LEVELS[level]
        }
    assert "a warning record" not in editor.stderr
    assert "a error record" in editor.stderr


async def test_threads_may_log(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await editor.request("odd/logInThread", None)
        await editor.wait_for("window/logMessage", lambda params: params["message"] == "number 49")
        await asyncio.sleep(0.2)
        assert with_client(editor, "number") == {f"number {number}": 2 for number in range(50)}
    for number in range(50):
        assert f" number {number}\n" in editor.stderr


# ---------------------------------------------------------------------------------------------------- traces


async def test_no_trace_unless_asked_for(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        await editor.request(STATUS, None)
        assert editor.all_of("$/logTrace") == []


async def test_a_trace_of_names(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await asyncio.sleep(SETTLED)
        editor.notify("$/setTrace", {"value": "messages"})
        await editor.request("odd/ask", {"seconds": 5})
        traced = editor.all_of("$/logTrace")
        assert [re.sub(r"^\d+\.\d{3} s: ", "", one["message"]) for one in traced] == [
            "received odd/ask",
            "sent workspace/configuration",
        ]
        assert all("verbose" not in one for one in traced)
        editor.notify("$/setTrace", {"value": "off"})
        await editor.request(STATUS, None)
        count = len(editor.all_of("$/logTrace"))
        await editor.request(STATUS, None)
        assert len(editor.all_of("$/logTrace")) == count


async def test_a_trace_from_the_start_with_parameters(editor_for: EditorFactory) -> None:
    editor = editor_for(FULL, argv=ODD)
    await editor.start()
    try:
        await editor.initialize(trace="verbose")
        await editor.wait_for("workspace/configuration")
        await editor.request("odd/log", {"level": 10, "text": "y" * 10_000})
        traced = {one["message"].partition(": ")[2]: one.get("verbose") for one in editor.all_of("$/logTrace")}
        assert traced["received initialized"] == "{}"
        assert json.loads(traced["sent workspace/configuration"])["items"][0]["section"] == "testwright"
        assert traced["received odd/log"].startswith('{"level": 10, "text": "yyy')
        assert len(traced["received odd/log"]) == 2000
        assert not any("logTrace" in name for name in traced)
        await editor.request("shutdown", None)
    finally:
        await editor.kill()
    assert editor.violations == []


async def test_a_trace_that_is_none_is_refused(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        editor.notify("$/setTrace", {"value": "loud"})
        await editor.wait_for("window/logMessage", lambda params: "$/setTrace cannot be read" in params["message"])
        assert (await editor.request(STATUS, None))["documents"] == 0


# ---------------------------------------------------------------------------------------------------- the canary

CANARY = 'canary-"0123456789"-schlüssel'
PARTS = ("canary-", "0123456789", "schlüssel", "schl\\u00fcssel")


def holds_canary(text: str) -> list[str]:
    return [line for line in text.splitlines() if any(part in line for part in PARTS)]


@pytest.fixture
def kept(tmp_path: Path) -> list[Path]:
    """Folders that the server writes to."""
    return [tmp_path / name for name in ("workspace", "state", "cache", "scratch")]


@pytest.mark.parametrize("name", ["OPENROUTER_API_KEY", "COMPANY_TOKEN", "DATABASE_PASSWORD", "AWS_SECRET_ACCESS_KEY"])
async def test_the_value_of_a_key_is_nowhere(
    editor_for: EditorFactory, environment: dict[str, str], pricing: Path, kept: list[Path], name: str
) -> None:
    """Whatever a client sends, and whatever it wants to see of it; and a whole run."""
    environment[name] = CANARY
    settings: dict[str | None, dict[str, Any]] = {
        None: {"logLevel": "debug", "engine": CANARY, CANARY: CANARY, "budget": CANARY}
    }
    editor = editor_for(FULL, argv=[*ODD, "--log-level", "debug"], settings=settings, options={"reports": True})
    await editor.start()
    wire = copied(editor)
    try:
        await editor.initialize(trace="verbose")
        await provoke(editor, pricing)
        settings[None] = {"logLevel": "debug"}
        editor.notify("workspace/didChangeConfiguration", {"settings": {"testwright": settings[None]}})
        await asyncio.sleep(SETTLED)
        if name == "OPENROUTER_API_KEY":
            await editor.command("testwright.generateTests", {"uri": pricing.as_uri()})
            finished = await editor.wait_for("testwright/runFinished", timeout=90)
            assert finished["status"] == "written", finished["message"]
        await editor.request("shutdown", None)
        editor.notify("exit", None)
        assert await asyncio.wait_for(editor.process.wait(), 10) == 0
    finally:
        await editor.kill()
    assert len(editor.all_of("$/logTrace")) > 10
    assert "***" in wire.decode()
    assert "***" in editor.stderr
    assert holds_canary(wire.decode()) == []
    assert holds_canary(editor.stderr) == []
    files = [path for folder in kept for path in folder.rglob("*") if path.is_file()]
    assert pricing in files
    assert [path for path in files if b"canary-" in path.read_bytes()] == []


NOSY = '''
"""Looks for what no module under test should see."""

from __future__ import annotations

import os
from pathlib import Path


def seen() -> int:
    """How many places hold the key: this process's variables, and those of all whose variables can be read."""
    found = sum("canary-" in value for value in os.environ.values())
    for file in Path("/proc").glob("*/environ"):
        try:
            found += b"canary-" in file.read_bytes()
        except OSError:
            pass
    return found
'''


@pytest.mark.parametrize("box", ["bubblewrap", "landlock"])
async def test_a_module_under_test_does_not_see_the_key(
    editor_for: EditorFactory, environment: dict[str, str], workspace: Path, box: str
) -> None:
    """As an editor's extension hands it over: as a variable of the server alone."""
    environment["OPENROUTER_API_KEY"] = CANARY
    path = workspace / "src" / "shop" / "nosy.py"
    path.write_text(NOSY, encoding="utf-8")
    options = {"reports": True, "machineSettings": True, "settings": {"box": box}}
    async with editor_for(FULL, options=options, settings={None: {"box": box}}) as editor:
        editor.open(path)
        await editor.command("testwright.generateTests", {"uri": path.as_uri()})
        finished = await editor.wait_for("testwright/runFinished", timeout=90)
        if finished["status"] == "failed" and (finished["report"]["error"] or {})["slug"] == "box-unavailable":
            pytest.skip(finished["message"])
        assert finished["status"] == "written", finished["message"]
        assert finished["report"]["box"] == box
    tests = (workspace / "tests" / "test_nosy.py").read_text(encoding="utf-8")
    assert "assert seen() == 0\n" in tests, tests


async def provoke(editor: EditorClient, pricing: Path) -> None:
    """Send the canary wherever a server could echo it."""
    editor.open(pricing)
    for method, params in (
        (CANARY, None),
        ("odd/unknown", {CANARY: CANARY}),
        ("textDocument/codeAction", {"textDocument": CANARY}),
        ("textDocument/codeAction", {CANARY: CANARY}),
        ("workspace/executeCommand", {"command": CANARY, "arguments": [CANARY]}),
        ("workspace/executeCommand", {"command": "testwright.generateTests", "arguments": [CANARY]}),
        ("workspace/executeCommand", {"command": "testwright.generateTests", "arguments": [{"uri": CANARY}]}),
        ("workspace/executeCommand", {"command": "testwright.generateTests", "arguments": [{CANARY: CANARY}]}),
        ("workspace/executeCommand", {"command": "testwright.cancelRun", "arguments": [{"run": CANARY}]}),
        ("workspace/executeCommand", {"command": "testwright.showReport", "arguments": [{"uri": CANARY}]}),
        ("testwright/coverage", {CANARY: CANARY}),
        ("testwright/coverageOfAll", {CANARY: CANARY}),
        ("testwright/modules", {"uri": {CANARY: CANARY}}),
        (f"testwright/{CANARY}", {}),
    ):
        with contextlib.suppress(RequestFailed):
            await editor.request(method, params)
    await editor.request("odd/log", {"level": 40, "text": f"the key is {CANARY} or {json.dumps(CANARY)}"})
    editor.notify(CANARY, {CANARY: CANARY})
    editor.notify("textDocument/didOpen", {"textDocument": CANARY})
    editor.notify("testwright/didChangeTrust", {"trusted": CANARY})
    editor.notify("testwright/didChangeInterpreter", {CANARY: CANARY})
    editor.notify("$/setTrace", {"value": CANARY})
    editor.send({"jsonrpc": "2.0", "id": CANARY, "error": {"code": 1, "message": CANARY}})
    editor.send_bytes(CANARY.encode() + b"\r\n")
    body = CANARY.encode()
    editor.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    await editor.request(STATUS, None)


def copied(editor: EditorClient) -> bytearray:
    """All bytes that come over the wire from now on."""
    stream: Any = editor.process.stdout
    everything = bytearray()
    feed = stream.feed_data

    def take(data: bytes) -> None:
        everything.extend(data)
        feed(data)

    stream.feed_data = take
    return everything
