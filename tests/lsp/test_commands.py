"""Commands: each answers at once, a wrong argument gets a sentence, and what was started tells how it ended."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile, RequestFailed

GENERATE = "testwright.generateTests"
JUDGE = "testwright.judgeTests"
REFRESH = "testwright.refreshCoverage"
CANCEL = "testwright.cancelRun"
RESTART = "testwright.restartBoxes"

NOTIFIED = {"notifications": True}
INVALID_PARAMS = -32602
REQUEST_FAILED = -32803


def messages(editor: EditorClient) -> list[tuple[int, str]]:
    return [(params["type"], params["message"]) for params in editor.all_of("window/showMessage")]


async def refused(editor: EditorClient, command: str, *arguments: object) -> tuple[int, str]:
    with pytest.raises(RequestFailed) as caught:
        await editor.command(command, *arguments)
    return caught.value.code, str(caught.value)


async def test_the_whole_job_by_the_command_of_an_action(
    editor_for: EditorFactory, workspace: Path, pricing: Path, profile: Profile
) -> None:
    """In each client, whatever it can do: the action alone is enough."""
    tests = workspace / "tests" / "test_pricing.py"
    async with editor_for(profile) as editor:
        editor.open(pricing)
        params = {
            "textDocument": {"uri": pricing.as_uri()},
            "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
            "context": {"diagnostics": []},
        }
        action = (await editor.request("textDocument/codeAction", params))[0]
        command = action["command"] if isinstance(action["command"], dict) else action
        begun = time.monotonic()
        answer = await editor.command(command["command"], *command["arguments"])
        assert time.monotonic() - begun < 3
        assert answer == {"run": "generate-1", "status": "started", "subject": "pricing", "waitsFor": 0}
        told = await editor.wait_for("window/showMessage", timeout=90)
        again = (await editor.request("textDocument/codeAction", params))[0]

    # What is left, if there is something, and what an agent would need to take it on, is told behind it.
    found = re.match(r"\d+ tests for pricing are in tests/test_pricing\.py: 0 → (\d+) % covered\.", told["message"])
    assert found is not None
    assert again["title"] == f"Improve tests for pricing ({found[1]} % covered)"
    assert told["type"] == 3
    assert "import pytest" in tests.read_text(encoding="utf-8")
    assert len(messages(editor)) == 1
    assert not any(one.method.startswith("testwright/") for one in editor.received)


async def test_a_client_that_takes_our_notifications_is_told_all(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE, options={"reports": True}) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        finished = await editor.wait_for("testwright/runFinished", timeout=90)
        changes = [(one["state"], one["kind"], one["symbol"]) for one in editor.all_of("testwright/runChanged")]

    report = finished.pop("report")
    assert finished.pop("message").startswith(("1 test for add_tax is in", "2 tests for add_tax are in"))
    assert finished == {
        "run": "generate-1",
        "kind": "generate",
        "status": "written",
        "severity": "info" if report["threshold_reached"] else "warning",
        "subject": "add_tax",
        "uri": pricing.as_uri(),
        "testUri": (workspace / "tests" / "test_pricing.py").as_uri(),
        "offers": [],
    }
    assert report["symbol"] == "add_tax"
    assert report["success"]
    assert changes == [("running", "generate", "add_tax"), ("ended", "generate", "add_tax")]
    assert messages(editor) == []


@pytest.mark.parametrize(
    ("first", "last", "subject"),
    [
        ("        self.prices.append(price)", "        return len(self.prices)", "Cart.add"),
        ("        self.prices.append(price)", "        return round(total, 2)", "Cart"),
        ("class Cart:", "class Cart:", "Cart"),
        ("    if percent < 0:", "    if percent < 0:", "add_tax"),
        ("from __future__ import annotations", "from __future__ import annotations", "pricing"),
        ("    if percent < 0:", '    return "klein"', "pricing"),
    ],
)
async def test_a_range_means_the_innermost_scope_that_holds_it(
    editor_for: EditorFactory, pricing: Path, first: str, last: str, subject: str
) -> None:
    async with editor_for(FULL) as editor:
        lines = editor.open(pricing).text.splitlines()
        wanted = {
            "start": {"line": lines.index(first), "character": 0},
            "end": {"line": lines.index(last), "character": 1},
        }
        assert (await editor.command(GENERATE, {"uri": pricing.as_uri(), "range": wanted}))["subject"] == subject
        await editor.command(CANCEL)


WRONG: list[tuple[str, tuple[object, ...], str]] = [
    (GENERATE, (), "testwright.generateTests needs uri, a text."),
    (GENERATE, ({"uri": 3},), "uri of testwright.generateTests must be a text of 1 to 8192 characters, not a number."),
    (
        GENERATE,
        ({"uri": "file:///a.py", "symbols": []},),
        "testwright.generateTests does not take 'symbols'. Did you mean symbol?",
    ),
    (GENERATE, ("file:///a.py",), "testwright.generateTests takes one object, not a text."),
    (GENERATE, ({}, {}), "testwright.generateTests takes one object, not 2 arguments."),
    (JUDGE, ({},), "testwright.judgeTests needs uri, a text."),
    (REFRESH, ({"path": "a.py"},), "testwright.refreshCoverage does not take 'path'. It takes uri, workDoneToken."),
    (CANCEL, ({"run": 1},), "run of testwright.cancelRun must be a text of 1 to 8192 characters, not a number."),
    (RESTART, ({"all": True},), "testwright.restartBoxes does not take 'all'. It takes nothing."),
    ("testwright.generate", (), "There is no command 'testwright.generate'. Did you mean testwright.generateTests?"),
    ("editor.format", (), "There is no command 'editor.format'."),
]


async def test_a_wrong_argument_gets_a_sentence(editor_for: EditorFactory, profile: Profile) -> None:
    async with editor_for(profile) as editor:
        for command, arguments, sentence in WRONG:
            assert await refused(editor, command, *arguments) == (INVALID_PARAMS, sentence)
        assert editor.all_of("window/showMessage") == []
        assert editor.all_of("window/logMessage") == []


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("untitled:Untitled-1", "This document has no file yet: save it first."),
        ("file:///w/notes.txt", "notes.txt is not a Python file."),
        ("https://example.org/a.py", "Only files on this machine can be tested, and this is one of https:."),
    ],
)
@pytest.mark.parametrize("command", [GENERATE, JUDGE, REFRESH])
async def test_what_cannot_be_tested_is_refused_at_once(
    editor_for: EditorFactory, command: str, uri: str, sentence: str
) -> None:
    async with editor_for(FULL) as editor:
        assert await refused(editor, command, {"uri": uri}) == (REQUEST_FAILED, sentence)


async def test_nothing_runs_in_a_workspace_that_is_not_trusted(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(VSCODE, options={"trusted": False, **NOTIFIED}) as editor:
        editor.open(pricing)
        for command in (GENERATE, JUDGE, REFRESH):
            code, sentence = await refused(editor, command, {"uri": pricing.as_uri()})
            assert code == REQUEST_FAILED
            assert sentence == "This workspace is not trusted, so none of its code is run."
        editor.notify("testwright/didChangeTrust", {"trusted": True})
        assert (await editor.command(REFRESH, {"uri": pricing.as_uri()}))["status"] == "started"
        editor.notify("testwright/didChangeTrust", {"trusted": False})
        finished = await editor.wait_for("testwright/runFinished")
        assert finished["status"] == "cancelled"
        assert finished["message"].startswith("The workspace is no longer trusted")


async def test_a_wrong_word_on_trust_changes_nothing(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(VSCODE, options={"trusted": False}) as editor:
        for wrong in ({}, {"trusted": "yes"}, {"trusted": True, "all": True}, None):
            editor.notify("testwright/didChangeTrust", wrong)
        assert (await refused(editor, GENERATE, {"uri": pricing.as_uri()}))[0] == REQUEST_FAILED
        assert len(editor.all_of("window/logMessage")) == 4


async def test_a_range_needs_a_document_that_is_open(editor_for: EditorFactory, pricing: Path) -> None:
    wanted = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    async with editor_for(FULL) as editor:
        code, sentence = await refused(editor, GENERATE, {"uri": pricing.as_uri(), "range": wanted})

    assert code == INVALID_PARAMS
    assert sentence.startswith("range is of a document that is not open")


FAILING: list[tuple[dict[str, Any], str, str]] = [
    ({"symbol": "Cart.totl"}, "", "pricing.py has no Cart.totl. Did you mean Cart.total or Cart?"),
    ({}, "def f(:\n", "pricing.py has a syntax error: invalid syntax (line 1, column 7: def f(:)."),
    ({}, "import does_not_exist\n\n\ndef f(): return 1\n", "does_not_exist"),
]


@pytest.mark.parametrize("failing", FAILING)
async def test_a_run_that_fails_says_so_once(
    editor_for: EditorFactory, workspace: Path, pricing: Path, failing: tuple[dict[str, Any], str, str]
) -> None:
    further, text, sentence = failing
    if text:
        pricing.write_text(text, encoding="utf-8")
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        assert (await editor.command(GENERATE, {"uri": pricing.as_uri(), **further}))["status"] == "started"
        told = await editor.wait_for("window/showMessage")
        assert (await editor.progress_end())["message"] == "failed"
        status = await editor.request("testwright/status", None)

    assert told["type"] == 1
    assert sentence in told["message"]
    assert len(messages(editor)) == 1
    assert status["runs"] == []
    assert not (workspace / "tests").exists()


async def test_what_is_below_the_threshold_is_a_warning(editor_for: EditorFactory, workspace: Path) -> None:
    """Code that no test can reach: the tests are written all the same."""
    path = workspace / "src" / "shop" / "hard.py"
    path.write_text("def hard(a: int) -> int:\n    if len({a}) == 2:\n        a += 1\n    return a\n", encoding="utf-8")
    async with editor_for(NEOVIM, settings={None: {"coverageThreshold": 99.5}}) as editor:
        editor.open(path)
        await editor.command(GENERATE, {"uri": path.as_uri()})
        told = await editor.wait_for("window/showMessage", timeout=90)

    assert told["type"] == 2
    assert " % covered. That is below the threshold of 99.5 %. " in told["message"]
    assert " left, which an agent would take on. What it lacks: a key (set " in told["message"]


async def test_coverage_is_measured_on_request(editor_for: EditorFactory, workspace: Path, pricing: Path) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(
        "from shop.pricing import add_tax\n\n\ndef test_it():\n    assert add_tax(100, 10) == 110\n", encoding="utf-8"
    )
    before = {path: path.read_bytes() for path in workspace.rglob("*.py")}
    async with editor_for(EGLOT) as editor:
        editor.open(pricing)
        assert (await editor.command(REFRESH, {"uri": pricing.as_uri()}))["run"] == "measure-1"
        told = await editor.wait_for("window/showMessage", timeout=60)

    assert re.fullmatch(r"pricing is \d+ % covered by 1 test\.", told["message"])
    assert {path: path.read_bytes() for path in workspace.rglob("*.py")} == before


async def test_coverage_of_all_that_is_open(editor_for: EditorFactory, workspace: Path, pricing: Path) -> None:
    other, tests = workspace / "src" / "shop" / "other.py", workspace / "tests" / "test_a.py"
    other.write_text("def f(): return 1\n", encoding="utf-8")
    tests.parent.mkdir()
    tests.write_text("def test_a(): pass\n", encoding="utf-8")
    async with editor_for(FULL) as editor:
        assert await refused(editor, REFRESH) == (
            REQUEST_FAILED,
            "No module is open that could be measured. Open one, or name it in uri.",
        )
        for path in (pricing, other, tests):
            editor.open(path)
        started = (await editor.command(REFRESH))["runs"]
        assert [run["subject"] for run in started] == ["pricing", "other"]
        await editor.command(CANCEL)


async def test_the_boxes_are_restarted(editor_for: EditorFactory, pricing: Path, profile: Profile) -> None:
    async with editor_for(profile) as editor:
        editor.open(pricing)
        started = await editor.command(GENERATE, {"uri": pricing.as_uri()})
        answer = await editor.command(RESTART, {})
        assert answer == {"status": "restarting", "cancelled": [started["run"]]}
        told = await editor.wait_for("window/showMessage")
        assert re.fullmatch(r"The boxes were restarted; in use: (bubblewrap|landlock)\. 1 run ended\.", told["message"])
        assert (await editor.command(GENERATE, {"uri": pricing.as_uri()}))["status"] == "started"
        await editor.command(CANCEL)

    assert len(messages(editor)) == 1


async def test_a_crash_leaves_nothing_after_a_restart_of_the_boxes(
    editor_for: EditorFactory, environment: dict[str, str]
) -> None:
    """What a server that was killed has left is found by its note, and removed."""
    left = Path(environment["TMPDIR"]) / "testwright-run-00000000000000000000000000000000"
    left.mkdir()
    notes = Path(environment["TESTWRIGHT_STATE_DIR"]) / "boxes"
    notes.mkdir(parents=True)
    note = '{"boot": "an earlier one", "host": 1, "host_start": 1, "pid": null, "start": null, "marker": "", "folders": ["%s"]}'
    (notes / "1-a.json").write_text(note % left, encoding="utf-8")
    async with editor_for(FULL) as editor:
        await editor.command(RESTART)
        await editor.wait_for("window/showMessage")

    assert not left.exists()


async def test_a_crash_of_a_run_is_a_message_with_its_log(
    editor_for: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    crashing = tmp_path / "crashing.py"
    crashing.write_text(
        "from testwright.cli import run\n"
        "from testwright.service import UnitTestGenerationService\n"
        "\n"
        "async def generate(self, *arguments, **further):\n"
        "    raise RuntimeError('the engine fell off')\n"
        "\n"
        "UnitTestGenerationService.generate = generate\n"
        "raise SystemExit(run(['lsp']))\n",
        encoding="utf-8",
    )
    async with editor_for(FULL, argv=[sys.executable, str(crashing)]) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri()})
        told = await editor.wait_for("window/showMessage")
        assert (await editor.progress_end())["message"] == "failed"
        assert (await editor.command(REFRESH, {"uri": pricing.as_uri()}))["status"] == "started"
        await editor.command(CANCEL)

    assert told["type"] == 1
    found = re.fullmatch(r"Testwright itself failed at pricing \(RuntimeError\)\. Its log is (.+)\.", told["message"])
    assert found is not None
    log = Path(found[1]).read_text(encoding="utf-8")
    assert "the engine fell off" in log
    assert "Traceback" in log


async def test_a_cancelled_command_is_answered_and_its_run_goes_on(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(MINIMAL) as editor:
        editor.open(pricing)
        params = {"command": GENERATE, "arguments": [{"uri": pricing.as_uri()}]}
        number, future = editor.ask("workspace/executeCommand", params)
        editor.cancel(number)
        answer = await future
        assert "result" in answer or answer["error"]["code"] == -32800
        if "result" in answer:
            status = await editor.request("testwright/status", None)
            assert [run["run"] for run in status["runs"]] == [answer["result"]["run"]]
        await editor.command(CANCEL)


MIXED_TESTS = """\
from shop.pricing import Cart, add_tax


def test_sound():
    assert add_tax(100, 10) == 110.0


def test_wrong():
    assert add_tax(100, 10) == 111.0


def test_total():
    cart = Cart()
    cart.add(2.0)
    assert cart.total() == 2.0
"""


async def test_existing_tests_are_judged(
    editor_for: EditorFactory, workspace: Path, pricing: Path, profile: Profile
) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(MIXED_TESTS, encoding="utf-8")
    async with editor_for(profile) as editor:
        editor.open(pricing)
        answer = await editor.command(JUDGE, {"uri": pricing.as_uri()})
        assert answer == {"run": "judge-1", "status": "started", "subject": "pricing", "waitsFor": 0}
        told = await editor.wait_for("window/showMessage", timeout=90)
        if profile.has("window", "workDoneProgress"):
            assert await editor.progress_end() == {"kind": "end", "message": "2 sound, 1 failed"}

    found = re.fullmatch(r"3 tests of pricing: 2 sound, 1 failed; (\d+) % of (\d+) mutants noticed\.", told["message"])
    assert found is not None, told
    assert 0 < int(found[1]) < 100
    assert told["type"] == 2
    assert tests.read_text(encoding="utf-8") == MIXED_TESTS
    assert len(messages(editor)) == 1


async def test_there_must_be_tests_to_be_judged(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL, options={"reports": True}) as editor:
        editor.open(pricing)
        await editor.command(JUDGE, {"uri": pricing.as_uri()})
        finished = await editor.wait_for("testwright/runFinished")

    assert (finished["kind"], finished["status"]) == ("judge", "failed")
    assert finished["message"].startswith("shop.pricing has no test file.")
    assert finished["testUri"] is None
