"""Code actions: what is offered where, what is disabled and why, and how fast."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile

GENERATE = "source.generateTests"


def context(**further: Any) -> dict[str, Any]:
    return {"diagnostics": [], **further}


async def ask(
    editor: EditorClient, uri: str, line: int = 0, end: int | None = None, **further: Any
) -> list[dict[str, Any]]:
    """The actions for a range of lines, from 0."""
    wanted = {
        "start": {"line": line, "character": 0},
        "end": {"line": line if end is None else end, "character": 0 if end is None else 1},
    }
    params = {"textDocument": {"uri": uri}, "range": wanted, "context": context(**further)}
    found: list[dict[str, Any]] = await editor.request("textDocument/codeAction", params)
    return found


def titles(actions: list[dict[str, Any]]) -> list[str]:
    return [action["title"] for action in actions]


def line_of(path: Path, text: str) -> int:
    return path.read_text(encoding="utf-8").splitlines().index(text)


async def test_the_module_the_class_and_the_method_under_the_cursor(
    editor_for: EditorFactory, pricing: Path, profile: Profile
) -> None:
    async with editor_for(profile) as editor:
        editor.open(pricing)
        found = await ask(editor, pricing.as_uri(), line_of(pricing, "        total = sum(self.prices)"))

    uri = pricing.as_uri()
    expected = [
        ("Generate tests for module pricing", {"uri": uri}),
        ("Generate tests for Cart.total", {"uri": uri, "symbol": "Cart.total"}),
        ("Generate tests for class Cart", {"uri": uri, "symbol": "Cart"}),
    ]
    literal = profile.has("textDocument", "codeAction", "codeActionLiteralSupport")
    commands = [action["command"] if literal else action for action in found]
    assert [(command["title"], command["arguments"][0]) for command in commands] == expected
    assert {command["command"] for command in commands} == {"testwright.generateTests"}
    if literal:
        assert {action["kind"] for action in found} == {GENERATE}
        assert not any(key in action for action in found for key in ("edit", "data", "disabled", "isPreferred"))


async def test_what_the_server_announces(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        announced = editor.result["capabilities"]["codeActionProvider"]

    assert GENERATE in announced["codeActionKinds"]
    assert not announced.get("resolveProvider")


@pytest.mark.parametrize(
    ("further", "offered"),
    [
        ({}, True),
        ({"triggerKind": 1}, True),
        ({"triggerKind": 2}, False),
        ({"only": [GENERATE]}, True),
        ({"only": ["source"]}, True),
        ({"only": [""]}, True),
        ({"only": ["quickfix", "source"]}, True),
        ({"only": ["source"], "triggerKind": 2}, True),
        ({"only": ["quickfix"]}, False),
        ({"only": ["source.generate"]}, False),
        ({"only": ["source.generateTests.module"]}, False),
        ({"only": ["sourcery"]}, False),
        ({"only": []}, False),
    ],
)
async def test_only_what_is_asked_for(
    editor_for: EditorFactory, pricing: Path, further: dict[str, Any], *, offered: bool
) -> None:
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        assert bool(await ask(editor, pricing.as_uri(), **further)) is offered


async def test_a_selection_is_of_what_holds_all_of_it(editor_for: EditorFactory, pricing: Path) -> None:
    cart, total = line_of(pricing, "class Cart:"), line_of(pricing, "        total = sum(self.prices)")
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        uri = pricing.as_uri()
        assert titles(await ask(editor, uri, total, total + 2))[1:] == [
            "Generate tests for Cart.total",
            "Generate tests for class Cart",
        ]
        assert titles(await ask(editor, uri, cart + 3, total))[1:] == ["Generate tests for class Cart"]
        assert titles(await ask(editor, uri, cart - 8, total)) == ["Generate tests for module pricing"]
        assert titles(await ask(editor, uri, 0)) == ["Generate tests for module pricing"]
        assert titles(await ask(editor, uri, 9999)) == ["Generate tests for module pricing"]


UNFIT = {
    "a test file": ("tests/test_a.py", "def test_a(): pass\n", "test_a.py is a test file itself."),
    "conftest": ("conftest.py", "import pytest\n", "conftest.py is a test file itself."),
    "empty": ("src/shop/__init__.py", "", "__init__.py is empty: there is nothing to test."),
    "private": (
        "src/shop/_impl.py",
        "def _f(): pass\n",
        "_impl.py defines no public function or class: there is nothing to test.",
    ),
    "never parsed": ("src/shop/bad.py", "x = 1\ndef f(:\n", "bad.py has a syntax error in line 2."),
    "no Python": ("notes.txt", "words", "notes.txt is not a Python file."),
    "no module": ("tool", "def f(): pass\n", "tool is not a Python file."),
    "a stub": ("src/shop/pricing.pyi", "def f(): ...\n", "pricing.pyi is not a Python file."),
}


@pytest.mark.parametrize("name", list(UNFIT))
async def test_where_it_cannot_work_it_is_disabled_with_the_reason(
    editor_for: EditorFactory, workspace: Path, profile: Profile, name: str
) -> None:
    relative, text, reason = UNFIT[name]
    path = workspace / relative
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, encoding="utf-8")
    async with editor_for(profile) as editor:
        editor.open(path, language="plaintext" if path.suffix == ".txt" else "python")
        found = await ask(editor, path.as_uri())

    if profile.has("textDocument", "codeAction", "disabledSupport"):
        assert [action["disabled"]["reason"] for action in found] == [reason]
        assert all("command" not in action for action in found)
    else:
        assert found == []


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("untitled:Untitled-1", "This document has no file yet: save it first."),
        ("vscode-notebook-cell:/w/a.ipynb#W0s", "A cell of a notebook cannot be tested: move the code to a module."),
        ("git:/w/pricing.py?x", "Only files on this machine can be tested, and this is one of git:."),
    ],
)
async def test_documents_that_are_no_files(editor_for: EditorFactory, uri: str, reason: str) -> None:
    async with editor_for(FULL) as editor:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": "def f(): pass\n"}
        editor.notify("textDocument/didOpen", {"textDocument": item})
        assert [action["disabled"]["reason"] for action in await ask(editor, uri)] == [reason]


async def test_a_document_that_was_never_opened(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL) as editor:
        found = await ask(editor, pricing.as_uri())
        assert [action["disabled"]["reason"] for action in found] == ["This document is not open."]


async def test_nothing_works_in_a_workspace_that_is_not_trusted_until_it_is(
    editor_for: EditorFactory, pricing: Path
) -> None:
    async with editor_for(VSCODE, options={"trusted": False}) as editor:
        editor.open(pricing)
        found = await ask(editor, pricing.as_uri())
        assert [action["disabled"]["reason"] for action in found] == [
            "This workspace is not trusted, so none of its code is run."
        ]
        editor.notify("testwright/didChangeTrust", {"trusted": True})
        assert titles(await ask(editor, pricing.as_uri())) == ["Generate tests for module pricing"]


async def test_the_last_good_tree_serves_during_a_syntax_error(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL) as editor:
        buffer = editor.open(pricing)
        await ask(editor, pricing.as_uri())
        text = buffer.text.replace('"""Prices of a shop."""', '"""Prices."""\n\nimport os\n')
        text = text.replace("        total = sum(self.prices)\n", "        total = sum(self.prices\n")
        editor.change(pricing, text)
        line = text.splitlines().index("        total = sum(self.prices")

        assert titles(await ask(editor, pricing.as_uri(), line)) == [
            "Generate tests for module pricing",
            "Generate tests for Cart.total",
            "Generate tests for class Cart",
        ]


async def test_tests_that_are_there_are_improved(editor_for: EditorFactory, workspace: Path, pricing: Path) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    async with editor_for(VSCODE) as editor:
        editor.open(pricing)
        assert titles(await ask(editor, pricing.as_uri())) == ["Generate tests for module pricing"]
        tests.parent.mkdir()
        tests.write_text("from shop.pricing import add_tax\n\n\ndef test_it(): add_tax(1, 2)\n", encoding="utf-8")
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": tests.as_uri(), "type": 1}]})
        found = await ask(editor, pricing.as_uri())
        assert titles(found) == ["Improve tests for pricing", "Judge the tests of pricing"]
        assert found[1]["command"]["command"] == "testwright.judgeTests"
        assert titles(await ask(editor, pricing.as_uri(), only=[GENERATE])) == ["Improve tests for pricing"]
        tests.unlink()
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": tests.as_uri(), "type": 3}]})
        assert titles(await ask(editor, pricing.as_uri())) == ["Generate tests for module pricing"]


async def test_what_was_measured_is_said_and_that_it_is_of_before(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text("from shop.pricing import add_tax\n\n\ndef test_it(): add_tax(1, 2)\n", encoding="utf-8")
    async with editor_for(VSCODE) as editor:
        buffer = editor.open(pricing)
        await editor.command("testwright.refreshCoverage", {"uri": pricing.as_uri()})
        await editor.wait_for("window/showMessage", timeout=60)
        title = titles(await ask(editor, pricing.as_uri()))[0]
        found = re.fullmatch(r"Improve tests for pricing \((\d+) % covered\)", title)
        assert found is not None, title
        editor.change(pricing, buffer.text + "\nX = 1\n")
        title = titles(await ask(editor, pricing.as_uri()))[0]
        assert title == f"Improve tests for pricing ({found[1]} % when measured)"


async def test_in_the_test_file_what_was_added_can_be_taken_out(
    editor_for: EditorFactory, workspace: Path, pricing: Path, profile: Profile
) -> None:
    """By actions alone: reject one, take it back, discard all; and the report of it."""
    tests = workspace / "tests" / "test_pricing.py"
    async with editor_for(profile) as editor:
        editor.open(pricing)
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri(), "symbol": "add_tax"})
        await editor.wait_for("window/showMessage", timeout=90)
        if tests.as_uri() not in editor.buffers:
            editor.open(tests)
        whole = tests.read_text(encoding="utf-8")
        lines = whole.splitlines()
        names = [line.removeprefix("def ").partition("(")[0] for line in lines if line.startswith("def ")]
        line = next(number for number, text in enumerate(lines) if text.startswith("def test_"))

        async def offered(at: int) -> dict[str, dict[str, Any]]:
            found = [action for action in await ask(editor, tests.as_uri(), at) if "disabled" not in action]
            commands = [one["command"] if isinstance(one["command"], dict) else one for one in found]
            return {command["title"]: command for command in commands}

        def count(number: int, noun: str) -> str:
            return f"{number} {noun}{'' if number == 1 else 's'}"

        discard = f"Discard {count(len(names), 'generated test')} for add_tax"
        assert list(await offered(line)) == [f"Reject {names[0]}", discard, "Show the report of the last run"]
        assert list(await offered(0)) == [discard, "Show the report of the last run"]
        report = (await offered(0))["Show the report of the last run"]
        assert "add_tax" in (await editor.command(report["command"], *report["arguments"]))["markdown"]

        taken = (await offered(0))[discard]
        await editor.command(taken["command"], *taken["arguments"])
        assert not tests.exists() or tests.as_uri() in editor.buffers
        editor.close(tests)
        editor.open(tests, text=whole)
        back = f"Put back {count(len(names), 'rejected test')}"
        assert list(await offered(line)) == [back, "Show the report of the last run"]


async def test_a_package_goes_by_its_folder(editor_for: EditorFactory, workspace: Path) -> None:
    path = workspace / "src" / "shop" / "__init__.py"
    path.write_text("def f(): return 1\n", encoding="utf-8")
    async with editor_for(FULL) as editor:
        editor.open(path)
        assert titles(await ask(editor, path.as_uri()))[0] == "Generate tests for module shop"


@pytest.mark.parametrize("client", [EGLOT, MINIMAL, NEOVIM], ids=lambda client: client.name)
async def test_a_run_can_be_cancelled_where_no_progress_has_a_button_for_it(
    editor_for: EditorFactory, pricing: Path, client: Profile
) -> None:
    async with editor_for(client) as editor:
        editor.open(pricing)
        started = await editor.command("testwright.generateTests", {"uri": pricing.as_uri(), "symbol": "Cart"})
        found = await ask(editor, pricing.as_uri())
        await editor.command("testwright.cancelRun")

    if client.has("window", "workDoneProgress"):
        assert "Cancel generating tests for Cart" not in titles(found)
        return
    last = found[-1]
    command = last if isinstance(last["command"], str) else last["command"]
    assert last["title"] == "Cancel generating tests for Cart"
    assert (command["command"], command["arguments"]) == ("testwright.cancelRun", [{"run": started["run"]}])


async def test_an_answer_takes_no_time_while_a_run_goes_on(editor_for: EditorFactory, pricing: Path) -> None:
    """The bench measures it against a goal; this is what a person would not notice, on a machine that is busy."""
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        await ask(editor, pricing.as_uri())
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri()})
        taken: list[float] = []
        while not editor.progress() or editor.progress()[-1]["kind"] != "end":
            begun = time.monotonic()
            await ask(editor, pricing.as_uri(), len(taken) % 40)
            taken.append(time.monotonic() - begun)
            await asyncio.sleep(0.01)

    assert len(taken) > 50
    assert statistics.median(taken) < 0.02
    assert statistics.quantiles(taken, n=20)[-1] < 0.1
