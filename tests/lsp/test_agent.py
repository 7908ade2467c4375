"""Runs with an agent, what is offered where it is lacking, and runs that were cut off, as an editor sees them."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile

from testwright.boxes.docker.labels import boot, host_name
from testwright.boxes.launcher.processes import descendants
from testwright.service.interrupted import interrupted_runs
from testwright.store.runs import RunNote, RunNotes

GENERATE = "testwright.generateTests"
SUPPORT = Path(__file__).parents[1] / "support"

DOOR = f"""\
import hashlib


def knock(code: str) -> str:
    if hashlib.sha256(code.encode()).hexdigest() == "{hashlib.sha256(b"sesame").hexdigest()}":
        return "open"
    return "shut"
"""
"""No search finds the word; whoever is told of the line can know it."""

OPENS = """\
from shop.door import knock

WORD = "sesame"


def knocked(word):
    return knock(word)


def test_the_right_word_opens():
    assert knocked(WORD) == "open"
"""

LEFT = "left, which an agent would take on. What it lacks: "
CUT_OFF = "A run on door.py was cut off in the phase "


@pytest.fixture
def door(workspace: Path, tmp_path: Path) -> Path:
    """A module that the search cannot finish, and the file that an agent writes for it."""
    project = workspace / "pyproject.toml"  # time that a busy machine needs is not what is tested here
    project.write_text(project.read_text(encoding="utf-8").replace("budget = 30", "budget = 120"), encoding="utf-8")
    path = workspace / "src" / "shop" / "door.py"
    path.write_text(DOOR, encoding="utf-8")
    (tmp_path / "agent.py").write_text(OPENS, encoding="utf-8")
    return path


def acting(play: str) -> tuple[str, ...]:
    """A server with an agent that a test plays."""
    return (sys.executable, str(SUPPORT / "acting_server.py"), play)


async def begin(editor: EditorClient, door: Path) -> str:
    if door.as_uri() not in editor.buffers:
        editor.open(door)
    return str((await editor.command(GENERATE, {"uri": door.as_uri()}))["run"])


async def told(editor: EditorClient, words: str, *, since: int = 0) -> str:
    """The first message with some words in it: one with choices, where the client can show them."""
    method = "window/showMessageRequest" if editor.profile.has("window", "showMessage") else "window/showMessage"
    found = await editor.wait_for(method, lambda params: words in params["message"], since=since, timeout=90)
    return str(found["message"])


def titles(editor: EditorClient) -> list[list[str]]:
    return [[action["title"] for action in asked["actions"]] for asked in editor.all_of("window/showMessageRequest")]


# ------------------------------------------------------------------------------------------------ a run with an agent


async def test_the_agents_tests_are_written_and_its_steps_are_shown(
    editor_for: EditorFactory, door: Path, workspace: Path
) -> None:
    async with editor_for(FULL, argv=acting("writes")) as editor:
        await begin(editor, door)
        message = await editor.wait_for("window/showMessage", timeout=90)
        end = await editor.progress_end()

    assert "for door are in tests/test_door.py" in message["message"]
    assert "100 % covered" in end["message"]
    text = (workspace / "tests" / "test_door.py").read_text(encoding="utf-8")
    assert "knocked(WORD)" in text
    reports = [value for value in editor.progress() if value["kind"] == "report"]
    percentages = [value["percentage"] for value in reports]
    assert percentages == sorted(percentages)
    (begun, *_) = [value for value in reports if value["message"].startswith("an agent takes on 1 line")]
    assert 75 <= begun["percentage"] < 95


async def test_a_test_of_the_agent_goes_out_again_with_its_helpers(
    editor_for: EditorFactory, door: Path, workspace: Path
) -> None:
    tests = workspace / "tests" / "test_door.py"
    async with editor_for(EGLOT, argv=acting("writes")) as editor:
        run = await begin(editor, door)
        message = await editor.wait_for("window/showMessage", timeout=90)
        assert "for door are in tests/test_door.py" in message["message"]
        whole = tests.read_bytes()
        await editor.command("testwright.rejectTests", {"run": run, "tests": ["test_the_right_word_opens"]})
        left = tests.read_text(encoding="utf-8")
        await editor.command("testwright.acceptTests", {"run": run, "tests": ["test_the_right_word_opens"]})

    assert "knocked" in whole.decode()
    assert "knocked" not in left
    assert "WORD" not in left
    assert "def test_" in left
    assert tests.read_bytes() == whole


@pytest.mark.parametrize("client", [FULL, VSCODE, MINIMAL], ids=lambda client: client.name)
async def test_a_cancel_while_the_agent_works_tells_where_that_is_which_was_proven(
    editor_for: EditorFactory, door: Path, workspace: Path, environment: dict[str, str], client: Profile
) -> None:
    before = {path for path in workspace.rglob("*") if path.is_file()}
    options = {"reports": True} if client is VSCODE else {}
    async with editor_for(client, argv=acting("waits"), options=options, answer="Show proposal") as editor:
        run = await begin(editor, door)
        await working(editor, environment)
        begun = time.monotonic()
        assert await editor.command("testwright.cancelRun", {"run": run}) == {"cancelled": [run]}
        if client is VSCODE:
            finished = await editor.wait_for("testwright/runFinished")
            message = finished["message"]
            assert finished["status"] == "cancelled"
            assert Path(finished["proposalUri"].removeprefix("file://")).is_file()
            assert editor.all_of("window/showMessage") == editor.all_of("window/showMessageRequest") == []
        else:
            message = await told(editor, "was cancelled")
        assert time.monotonic() - begun < 3
        assert message.startswith("The run for door was cancelled. What was proven until then is saved in ")
        saved = Path(message.partition(" is saved in ")[2].rstrip("."))
        if client is FULL:
            assert titles(editor) == [["Show proposal", "Discard"]]
            shown = await editor.wait_for("window/showDocument")
            assert shown["uri"] == saved.as_uri()
        await gone(editor, environment)  # the user was told

    ast.parse(saved.read_text(encoding="utf-8"))
    assert "shut" in saved.read_text(encoding="utf-8")
    assert {path for path in workspace.rglob("*") if path.is_file()} == before


async def working(editor: EditorClient, environment: dict[str, str]) -> None:
    """Wait until the agent works; a client without progress sees it by what is kept of the run."""
    if editor.profile.has("window", "workDoneProgress"):
        await editor.wait_for("$/progress", lambda params: "step 1:" in params["value"].get("message", ""), timeout=90)
        return
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        await editor.request("testwright/status", None)
        if any(note.phase == "agent" and note.proposal is not None for note in noted(environment)):
            return
    raise AssertionError("the agent never worked")


def noted(environment: dict[str, str]) -> tuple[RunNote, ...]:
    folder = Path(environment["TESTWRIGHT_STATE_DIR"])
    if not (folder / "runs.sqlite3").exists():
        return ()
    with RunNotes(folder) as notes:
        return notes.all()


async def test_an_agent_that_breaks_off_costs_nothing(editor_for: EditorFactory, door: Path) -> None:
    async with editor_for(FULL, argv=acting("breaks")) as editor:
        await begin(editor, door)
        message = await editor.wait_for("window/showMessage", timeout=90)
        report = await editor.command("testwright.showReport", {"show": False})

    assert "for door" in message["message"]
    assert message["type"] == 3
    assert "The agent broke off." in report["markdown"]


# ------------------------------------------------------------------------------------------------ what it lacks


async def test_what_the_agent_lacks_is_told_once_and_offered_once(editor_for: EditorFactory, door: Path) -> None:
    async with editor_for(FULL, argv=acting("set-up+consent"), answer=None) as editor:
        await begin(editor, door)
        message = await told(editor, LEFT)
        assert titles(editor) == [["Set up the agent", "Consent to models…"]]
        await begin(editor, door)
        second = await editor.wait_for("window/showMessage", timeout=90)

    assert message.startswith("1 test for door is in tests/test_door.py")
    assert "its set-up on this machine (`testwright setup openhands`); your consent (`testwright consent`)." in message
    assert LEFT not in second["message"]
    assert len(titles(editor)) == 1


@pytest.mark.parametrize("client", [FULL, NEOVIM, EGLOT, MINIMAL], ids=lambda client: client.name)
async def test_where_a_key_is_missing_the_set_up_alone_is_not_offered(
    editor_for: EditorFactory, door: Path, client: Profile
) -> None:
    async with editor_for(client, argv=acting("key+set-up")) as editor:
        await begin(editor, door)
        message = await editor.wait_for("window/showMessage", timeout=90)

    assert f"{LEFT}a key (set OPENROUTER_API_KEY); its set-up" in message["message"]
    assert titles(editor) == []


async def action_titles(editor: EditorClient, path: Path) -> list[str]:
    start = {"line": 0, "character": 0}
    params = {
        "textDocument": {"uri": path.as_uri()},
        "range": {"start": start, "end": start},
        "context": {"diagnostics": [], "only": ["source"]},
    }
    return [action["title"] for action in await editor.request("textDocument/codeAction", params)]


@pytest.mark.parametrize(("client", "is_offered"), [(MINIMAL, True), (EGLOT, True), (FULL, False)])
async def test_a_client_without_choices_has_an_action_for_the_set_up(
    editor_for: EditorFactory, door: Path, client: Profile, *, is_offered: bool
) -> None:
    async with editor_for(client, argv=acting("set-up")) as editor:
        editor.open(door)
        assert "Set up the agent" not in await action_titles(editor, door)
        await begin(editor, door)
        await told(editor, LEFT)
        assert ("Set up the agent" in await action_titles(editor, door)) is is_offered


async def test_a_client_without_choices_is_told_the_same(editor_for: EditorFactory, door: Path) -> None:
    async with editor_for(MINIMAL, argv=acting("set-up")) as editor:
        await begin(editor, door)
        message = await editor.wait_for("window/showMessage", timeout=90)

    assert f"{LEFT}its set-up on this machine (`testwright setup openhands`)." in message["message"]


async def test_a_client_that_shows_the_ends_of_runs_itself_gets_the_offers(
    editor_for: EditorFactory, door: Path
) -> None:
    async with editor_for(VSCODE, argv=acting("set-up"), options={"reports": True}) as editor:
        await begin(editor, door)
        first = await editor.wait_for("testwright/runFinished", timeout=90)
        await begin(editor, door)
        second = await editor.wait_for(
            "testwright/runFinished", lambda params: params["run"] != first["run"], timeout=90
        )

    assert first["offers"] == ["set-up-agent"]
    assert LEFT in first["message"]
    assert (second["status"], second["offers"]) == ("nothing-to-add", []), second["message"]
    assert titles(editor) == []


async def test_who_wants_the_agent_alone_is_offered_its_set_up_each_time(editor_for: EditorFactory, door: Path) -> None:
    settings = {None: {"engine": "openhands"}}
    async with editor_for(FULL, argv=acting("set-up"), settings=settings) as editor:
        for count in (1, 2):
            since = len(editor.received)
            await begin(editor, door)
            message = await told(editor, "not set up", since=since)
            assert message.startswith("The agent is not set up on this machine. Run `testwright setup openhands`")
            assert titles(editor) == [["Set up the agent"]] * count


# ------------------------------------------------------------------------------------------------ runs that were cut off


def cut_off(environment: dict[str, str], module: Path, *, tests: int = 0, began: float = 1.0) -> RunNote:
    """A note as a run leaves it whose process was killed."""
    folder = Path(environment["TESTWRIGHT_STATE_DIR"])
    folder.mkdir(exist_ok=True)
    (folder / ".testwright-keeps-this").touch()
    proposal = None
    if tests:
        proposal = folder / "proposals" / f"{module.stem}-{began:g}.py"
        proposal.parent.mkdir(exist_ok=True)
        proposal.write_text("def test_door():\n    pass\n", encoding="utf-8")
    note = RunNote(
        id=f"{module.stem}-{began:g}",
        process=f"{os.getpid()}:1",  # the number is this process's now
        host=host_name(),
        boot=boot(),
        began=began,
        workspace=module.parent,
        path=module,
        symbol=None,
        test_file=module.with_name(f"test_{module.name}"),
        phase="agent",
        tests=tests,
        proposal=proposal,
    )
    with RunNotes(folder) as notes:
        notes.put(note)
    return note


async def test_a_run_that_was_killed_with_its_server_is_told_of_when_the_folder_is_opened(
    editor_for: EditorFactory, door: Path, environment: dict[str, str]
) -> None:
    async with editor_for(FULL, argv=acting("waits"), clean_end=False) as editor:
        await begin(editor, door)
        await working(editor, environment)
        editor.process.kill()
    async with editor_for(FULL, answer="Show proposal") as editor:
        message = await told(editor, CUT_OFF)
        shown = await editor.wait_for("window/showDocument")
        assert titles(editor) == [["Show proposal", "Forget"]]
        proposal = Path(shown["uri"].removeprefix("file://"))
        assert message == f"{CUT_OFF}agent, when it had proven 1 test; it is saved in {proposal}."
        assert "shut" in proposal.read_text(encoding="utf-8")
        await gone(editor, environment)
    async with editor_for(FULL) as editor:
        await editor.request("testwright/status", None)
        await editor.command("testwright.models", {"show": False})
        assert titles(editor) == []


async def test_leaving_the_editor_while_the_agent_works_loses_nothing(
    editor_for: EditorFactory, door: Path, environment: dict[str, str]
) -> None:
    async with editor_for(FULL, argv=acting("waits")) as editor:
        await begin(editor, door)
        await working(editor, environment)
    assert descendants(editor.process.pid) == []
    async with editor_for(FULL, answer="Forget") as editor:
        await told(editor, f"{CUT_OFF}agent, when it had proven 1 test; it is saved in ")
        await gone(editor, environment)


async def gone(editor: EditorClient, environment: dict[str, str], *, left: int = 0) -> None:
    """Wait until no more than some runs are listed."""
    deadline = time.monotonic() + 20
    while len(interrupted_runs(environment)) > left and time.monotonic() < deadline:
        await editor.request("testwright/status", None)
    assert len(interrupted_runs(environment)) == left


async def test_each_folder_is_told_of_its_own_runs_once(
    editor_for: EditorFactory, door: Path, pricing: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    cut_off(environment, tmp_path / "elsewhere" / "far.py", tests=3)
    cut_off(environment, door, tests=2)
    cut_off(environment, pricing, began=2.0)
    cut_off(environment, other / "near.py", began=3.0)
    async with editor_for(FULL, answer=None) as editor:
        first = await told(editor, CUT_OFF)
        editor.notify(
            "workspace/didChangeWorkspaceFolders",
            {"event": {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}},
        )
        second = await told(editor, "near.py")

    assert first.startswith(f"{CUT_OFF}agent, when it had proven 2 tests; they are saved in ")
    assert first.endswith(" 1 other run in workspace was cut off, too.")
    assert second == "A run on near.py was cut off in the phase agent, before it had proven a test."
    assert titles(editor) == [["Show proposal", "Forget"], ["Forget"]]
    assert len(interrupted_runs(environment)) == 4


async def test_what_was_dismissed_is_not_told_again_and_stays_in_the_list(
    editor_for: EditorFactory, door: Path, pricing: Path, environment: dict[str, str]
) -> None:
    cut_off(environment, door, tests=2)
    async with editor_for(FULL, answer=None) as editor:
        await told(editor, CUT_OFF)
        await seen(editor, environment, 1)
    cut_off(environment, pricing, began=2.0)
    async with editor_for(MINIMAL) as editor:
        message = await told(editor, "A run on pricing.py was cut off")
        await seen(editor, environment, 2)
    assert "other run" not in message, "of which the user was told before"
    async with editor_for(FULL, answer=None) as editor:
        await editor.request("testwright/status", None)
        await editor.command("testwright.models", {"show": False})
        assert titles(editor) == []


async def seen(editor: EditorClient, environment: dict[str, str], number: int) -> None:
    """Wait until it is kept of so many runs that the user was told of them."""
    deadline = time.monotonic() + 20
    while sum(run.told for run in interrupted_runs(environment)) < number and time.monotonic() < deadline:
        await editor.request("testwright/status", None)
    assert [run.told for run in interrupted_runs(environment)] == [True] * number


async def test_forgetting_is_of_all_that_were_told(
    editor_for: EditorFactory, door: Path, pricing: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    kept = cut_off(environment, tmp_path / "elsewhere" / "far.py")
    note = cut_off(environment, door, tests=2)
    cut_off(environment, pricing, began=2.0)
    async with editor_for(FULL, answer="Forget") as editor:
        await told(editor, CUT_OFF)
        await gone(editor, environment, left=1)

    assert [run.id for run in interrupted_runs(environment)] == [kept.id]
    assert note.proposal is not None
    assert note.proposal.is_file()


async def test_a_client_without_choices_is_told_what_forgets_it(
    editor_for: EditorFactory, door: Path, environment: dict[str, str]
) -> None:
    cut_off(environment, door, tests=2)
    async with editor_for(MINIMAL) as editor:
        message = await editor.wait_for("window/showMessage")

    assert message["type"] == 2
    assert message["message"].endswith("`testwright runs` in a terminal lists such runs, and forgets them.")


async def test_a_run_that_still_goes_on_is_not_told_of(
    editor_for: EditorFactory, door: Path, environment: dict[str, str]
) -> None:
    async with editor_for(FULL, argv=acting("waits")) as first:
        await begin(first, door)
        await working(first, environment)
        async with editor_for(FULL) as second:
            await second.request("testwright/status", None)
            await second.command("testwright.models", {"show": False})
            assert titles(second) == []
        await first.command("testwright.cancelRun")


# ------------------------------------------------------------------------------------------------ cancelled boxes


async def test_restarting_the_boxes_removes_what_a_killed_run_has_left(
    editor_for: EditorFactory, door: Path, environment: dict[str, str]
) -> None:
    (door.parents[3] / "agent.py").touch()
    killed = [sys.executable, str(SUPPORT / "killed_run.py"), str(door.parents[2]), "src/shop/door.py", "explore"]
    process = await asyncio.create_subprocess_exec(
        *killed, str(door.parents[3] / "agent.py"), stdout=subprocess.PIPE, env=environment
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"explore\n"
    finally:
        process.kill()
        await process.communicate()
    assert list(Path(environment["TMPDIR"]).iterdir()) != []
    async with editor_for(FULL) as editor:
        await editor.command("testwright.restartBoxes", {})
        await told_plainly(editor, "The boxes were restarted; in use: ")

    assert list(Path(environment["TMPDIR"]).iterdir()) == []


async def told_plainly(editor: EditorClient, words: str) -> str:
    found = await editor.wait_for("window/showMessage", lambda params: words in params["message"], timeout=60)
    return str(found["message"])
