"""Cancelling: at every stage, in every way, the boxes are gone within a second and nothing is left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, VSCODE, EditorClient, EditorFactory, Profile, RequestFailed

from testwright.boxes.launcher.processes import descendants

GENERATE = "testwright.generateTests"
MEASURE = "testwright.refreshCoverage"
CANCEL = "testwright.cancelRun"
AT_MOST = 2.0
"""Seconds from the client's word to the end: the one that is promised, and one for a machine that is busy with others."""

EXISTING = Path("test_existing.py")
"""Tests of the workspace that take long: without any, the stage that runs them is over before a client can show it."""

PROVEN = "was cancelled. What was proven until then is saved in "

STAGES = {
    "analyse": "reading the project",
    "prepare": "making a box ready",
    "import": "importing ",
    "baseline": "running the existing tests",
    "explore": "searching for tests",
    "judge": " tests kept",
    "verify": "writing the tests as a file",
    "finished": "running the finished file",
}


async def by_progress(editor: EditorClient, _: str) -> None:
    token = editor.all_of("window/workDoneProgress/create")[-1]["token"]
    editor.notify("window/workDoneProgress/cancel", {"token": token})


async def by_id(editor: EditorClient, run: str) -> None:
    assert await editor.command(CANCEL, {"run": run}) == {"cancelled": [run]}


async def by_name_of_all(editor: EditorClient, run: str) -> None:
    assert await editor.command(CANCEL) == {"cancelled": [run]}


WAYS: tuple[Callable[[EditorClient, str], Any], ...] = (by_progress, by_id, by_name_of_all)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> bool:
    """Whether something holds within a second or two."""
    for _ in range(100):
        if await holds():
            return True
        await asyncio.sleep(0.01)
    return False


async def idle(editor: EditorClient) -> None:
    """Wait until no run goes on, and no progress is shown of one."""

    async def is_idle() -> bool:
        status = await editor.request("testwright/status", None)
        return (status["runs"], status["progressTokens"]) == ([], 0)

    assert await eventually(is_idle)


async def nothing_is_left(editor: EditorClient, workspace: Path, environment: dict[str, str]) -> None:
    """Of a run that has ended there is no process, no folder, no token and no task."""

    async def is_alone() -> bool:
        return descendants(editor.process.pid) == []

    await idle(editor)
    # A formatter that is at work on text of ours comes to its own end.
    assert await eventually(is_alone)
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
    boxes = Path(environment["TESTWRIGHT_STATE_DIR"]) / "boxes"
    assert not boxes.exists() or list(boxes.iterdir()) == []
    written = [path for path in workspace.rglob("*") if path.name.startswith(("test", ".testwright"))]
    assert [path.name for path in written if path.name != EXISTING.name] == []


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("stage", list(STAGES))
async def test_at_every_stage_in_every_way(
    editor_for: EditorFactory,
    workspace: Path,
    pricing: Path,
    environment: dict[str, str],
    *,
    stage: str,
    way: Callable[[EditorClient, str], Any],
) -> None:
    if stage == "baseline":
        text = (
            "import time\n\nfrom shop.pricing import Cart\n\n\ndef test_cart():\n    time.sleep(5)\n    assert Cart()\n"
        )
        (workspace / EXISTING).write_text(text, encoding="utf-8")
    async with editor_for(VSCODE, options={"notifications": True}) as editor:
        editor.open(pricing)
        run = (await editor.command(GENERATE, {"uri": pricing.as_uri()}))["run"]
        await editor.wait_for("$/progress", lambda params: STAGES[stage] in params["value"].get("message", ""))
        begun = time.monotonic()
        await way(editor, run)
        finished = await editor.wait_for("testwright/runFinished")
        taken = time.monotonic() - begun
        await nothing_is_left(editor, workspace, environment)
        assert editor.progress()[-1] == {"kind": "end", "message": "cancelled"}
        assert editor.all_of("window/showMessage") == []
        asked = [params["message"] for params in editor.all_of("window/showMessageRequest")]

    assert finished["status"] == "cancelled"
    if stage == "finished":  # by then tests are proven one by one, and kept for the user
        assert PROVEN in finished["message"]
    elif stage != "verify":  # at which they are being written
        assert finished["message"] == ""
    assert asked == [message for message in [finished["message"]] if message]
    assert taken < AT_MOST


async def test_at_any_moment(
    editor_for: EditorFactory, workspace: Path, pricing: Path, environment: dict[str, str], profile: Profile
) -> None:
    """In clients that show no progress, too, and as soon as the command is answered."""
    async with editor_for(profile) as editor:
        editor.open(pricing)
        for delay in (0.0, 0.01, 0.1, 0.5, 1.5, 2.5):
            await editor.command(GENERATE, {"uri": pricing.as_uri()})
            await asyncio.sleep(delay)
            begun = time.monotonic()
            answer = await editor.command(CANCEL)
            await idle(editor)
            assert time.monotonic() - begun < AT_MOST
            if answer == {"cancelled": []} and delay > 1:
                return  # a quick machine: the tests are written already, and stay
            await nothing_is_left(editor, workspace, environment)
            said = [params["message"] for params in editor.all_of("window/showMessage")]
            # A cancel is not told of, unless it comes as late as to find tests that are proven.
            assert said == [] or (delay > 1 and all(PROVEN in message for message in said))


async def test_a_run_that_waits(
    editor_for: EditorFactory, workspace: Path, pricing: Path, environment: dict[str, str]
) -> None:
    async with editor_for(FULL, options={"notifications": True}) as editor:
        editor.open(pricing)
        uri = pricing.as_uri()
        runs = [(await editor.command(GENERATE, {"uri": uri, "symbol": name}))["run"] for name in ("Cart", "add_tax")]
        await editor.wait_for("$/progress", lambda params: params["value"].get("message") == "waiting for 1 other run")
        waiting = editor.all_of("window/workDoneProgress/create")[-1]["token"]
        editor.notify("window/workDoneProgress/cancel", {"token": waiting})
        finished = await editor.wait_for("testwright/runFinished")
        assert (finished["run"], finished["status"]) == (runs[1], "cancelled")
        assert editor.progress(waiting)[-1] == {"kind": "end", "message": "cancelled"}
        assert [run["run"] for run in (await editor.request("testwright/status", None))["runs"]] == [runs[0]]
        await editor.command(CANCEL)
        await editor.wait_for("testwright/runFinished", lambda params: params["run"] == runs[0])
        await nothing_is_left(editor, workspace, environment)


async def test_a_measurement(
    editor_for: EditorFactory, workspace: Path, pricing: Path, environment: dict[str, str]
) -> None:
    async with editor_for(FULL, options={"notifications": True}) as editor:
        editor.open(pricing)
        run = (await editor.command(MEASURE, {"uri": pricing.as_uri()}))["run"]
        await editor.wait_for("$/progress", lambda params: "making a box" in params["value"].get("message", ""))
        begun = time.monotonic()
        await by_id(editor, run)
        finished = await editor.wait_for("testwright/runFinished")
        assert time.monotonic() - begun < AT_MOST
        await nothing_is_left(editor, workspace, environment)

    assert finished["status"] == "cancelled"


async def test_while_the_editor_is_asked_to_take_the_tests(
    editor_for: EditorFactory, workspace: Path, pricing: Path, environment: dict[str, str]
) -> None:
    """It never says whether it has: the run ends all the same, and the file stays as it is."""
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    text = "from shop.pricing import Cart\n\n\ndef test_cart():\n    assert Cart().total() == 0\n"
    tests.write_text(text, encoding="utf-8")
    async with editor_for(VSCODE, options={"notifications": True}, applies=None) as editor:
        editor.open(pricing)
        editor.open(tests)
        run = (await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"}))["run"]
        await editor.wait_for("workspace/applyEdit", timeout=60)
        begun = time.monotonic()
        await by_id(editor, run)
        finished = await editor.wait_for("testwright/runFinished")
        assert time.monotonic() - begun < AT_MOST
        await idle(editor)
        asked = await editor.wait_for("window/showMessageRequest")
        status = await editor.request("testwright/status", None)
        assert editor.all_of("window/showMessage") == []
        assert editor.buffers[tests.as_uri()].text == text

    assert finished["status"] == "cancelled"
    assert PROVEN in asked["message"]
    assert status["requests"] == 0
    assert tests.read_text(encoding="utf-8") == text
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


async def test_what_is_over_or_never_was_cannot_be_cancelled(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(EGLOT) as editor:
        editor.open(pricing)
        assert await editor.command(CANCEL, {"run": "generate-9"}) == {"cancelled": []}
        assert await editor.command(CANCEL, {}) == {"cancelled": []}
        run = (await editor.command(GENERATE, {"uri": pricing.as_uri()}))["run"]
        await by_id(editor, run)
        assert await editor.command(CANCEL, {"run": run}) == {"cancelled": []}
        editor.notify("window/workDoneProgress/cancel", {"token": "nobody's"})
        assert await editor.command(CANCEL) == {"cancelled": []}
        assert editor.all_of("window/logMessage") == []


async def test_a_module_that_is_removed_ends_its_run(
    editor_for: EditorFactory, workspace: Path, pricing: Path, environment: dict[str, str]
) -> None:
    async with editor_for(VSCODE, options={"notifications": True}) as editor:
        await editor.command(GENERATE, {"uri": pricing.as_uri()})
        await editor.wait_for("$/progress", lambda params: "searching" in params["value"].get("message", ""))
        renamed = pricing.with_name("prices.py")
        pricing.rename(renamed)
        changes = [{"uri": renamed.as_uri(), "type": 1}, {"uri": pricing.as_uri(), "type": 3}]
        editor.notify("workspace/didChangeWatchedFiles", {"changes": changes})
        finished = await editor.wait_for("testwright/runFinished", timeout=5)
        told = await editor.wait_for("window/showMessage")
        await nothing_is_left(editor, workspace, environment)

    assert finished["status"] == "cancelled"
    assert told == {
        "type": 2,
        "message": "pricing.py was removed or renamed, so its run was ended and nothing was written.",
    }


async def test_a_module_that_is_removed_unseen_gets_no_tests(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    """A client that does not tell: it is found out before anything is written."""
    async with editor_for(FULL) as editor:
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        await editor.wait_for("$/progress", lambda params: "searching" in params["value"].get("message", ""))
        pricing.unlink()
        told = await editor.wait_for("window/showMessageRequest", timeout=60)

    assert told["type"] == 1
    assert "pricing.py was removed or renamed during the run, so no tests were written for it." in told["message"]
    assert "What was proven until then is saved in " in told["message"]
    assert [action["title"] for action in told["actions"]] == ["Show proposal", "Discard"]
    assert not (workspace / "tests").exists()


async def test_a_module_that_the_editor_still_holds_is_not_gone(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        await editor.wait_for("$/progress", lambda params: "searching" in params["value"].get("message", ""))
        pricing.unlink()
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": pricing.as_uri(), "type": 3}]})
        told = await editor.wait_for("window/showMessage", timeout=60)

    assert told["type"] == 3
    assert (workspace / "tests" / "test_pricing.py").is_file()


async def test_the_end_of_the_server_in_mid_run_leaves_nothing(
    editor_for: EditorFactory, workspace: Path, pricing: Path, environment: dict[str, str]
) -> None:
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri()})
        await editor.wait_for("$/progress", lambda params: " tests kept" in params["value"].get("message", ""))
        boxes = descendants(editor.process.pid)
        assert boxes
        await editor.request("shutdown", None)
        with pytest.raises(RequestFailed):
            await editor.command(CANCEL)
        editor.notify("exit", None)
        assert await asyncio.wait_for(editor.process.wait(), 5) == 0

    assert [pid for pid in boxes if Path(f"/proc/{pid}").exists()] == []
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
    assert not (workspace / "tests").exists()
