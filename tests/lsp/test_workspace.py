"""What is told of the whole workspace: the coverage of all modules, which can be tested, and that something has changed."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lsp_client import FULL, MINIMAL, VSCODE, EditorClient, EditorFactory, RequestFailed
from measured import MEASURING, RAISE, measure, say, titles
from measuring_server import coverage_of

from testwright.analysis.digests import digest_of
from testwright.store import CoverageRecord, Store

NOTIFIED = {"notifications": True}
COVERAGE = "testwright/coverage"
ALL = "testwright/coverageOfAll"
CHANGED = "testwright/coverageChanged"
MODULES = "testwright/modules"

TESTS = "from shop.pricing import add_tax\n\n\ndef test_add_tax() -> None:\n    assert add_tax(100, 10) == 110\n"
OTHER = "def double(x: int) -> int:\n    return 2 * x\n"


@pytest.fixture
def other(pricing: Path) -> Path:
    """A second module."""
    path = pricing.with_name("other.py")
    path.write_text(OTHER, encoding="utf-8")
    return path


def measured_elsewhere(tmp_path: Path, path: Path, missing: list[str], tests: str = "") -> None:
    """As another process does it: the command line, or the server of another editor."""
    source = path.read_text(encoding="utf-8")
    sets = coverage_of(source, missing, [])
    digest = digest_of(tests) if tests else ""
    record = CoverageRecord(
        path=path.resolve(), source=source, sets=sets, tests=1, failed=0, when=time.time(), test_digest=digest
    )
    with Store.open(tmp_path / "state") as store:
        store.save_coverage(record)


async def modules(editor: EditorClient) -> dict[str, dict[str, Any]]:
    """What is told of all modules, by the name of their file."""
    answer = await editor.request(ALL, {})
    return {module["uri"].rpartition("/")[2]: module for module in answer["modules"]}


async def changed(editor: EditorClient, since: int = 0) -> None:
    assert await editor.wait_for(CHANGED, since=since) == {}


# ------------------------------------------------------------------------------------------------ all modules


async def test_what_is_known_of_all_modules(
    editor_for: EditorFactory, pricing: Path, other: Path, tmp_path: Path
) -> None:
    measured_elsewhere(tmp_path, other, ["return 2 * x"])
    say(tmp_path, [RAISE], [(8, 9)])
    async with editor_for(VSCODE, argv=MEASURING) as editor:
        assert list(await modules(editor)) == ["other.py"], "nothing need be open"
        editor.open(pricing)
        await measure(editor, pricing)
        assert await modules(editor) == {
            "other.py": {
                "uri": other.as_uri(),
                "lines": {"covered": 1, "total": 2},
                "branches": {"covered": 0, "total": 0},
                "stale": False,
            },
            "pricing.py": {
                "uri": pricing.as_uri(),
                "lines": {"covered": 19, "total": 20},
                "branches": {"covered": 0, "total": 1},
                "stale": False,
            },
        }


async def test_a_module_whose_text_is_another_is_stale(editor_for: EditorFactory, other: Path, tmp_path: Path) -> None:
    measured_elsewhere(tmp_path, other, [])
    async with editor_for(VSCODE) as editor:
        assert not (await modules(editor))["other.py"]["stale"]
        other.write_text(OTHER + "\n", encoding="utf-8")
        assert (await modules(editor))["other.py"]["stale"]
        other.write_bytes(b"\xef\xbb\xbf" + OTHER.replace("\n", "\r\n").encode())
        assert not (await modules(editor))["other.py"]["stale"], "line ends are not the text"
        editor.open(other, OTHER + "# not saved\n")
        assert (await modules(editor))["other.py"]["stale"]
        editor.close(other)
        assert not (await modules(editor))["other.py"]["stale"]
        other.write_text(OTHER, encoding="utf-8")
        measured_elsewhere(tmp_path, other, ["return 2 * x"])
        assert (await modules(editor))["other.py"]["lines"] == {"covered": 1, "total": 2}
        other.unlink()
        assert await modules(editor) == {}


async def test_a_module_whose_tests_are_others_is_stale(
    editor_for: EditorFactory, workspace: Path, pricing: Path, other: Path, tmp_path: Path
) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(TESTS, encoding="utf-8")
    measured_elsewhere(tmp_path, pricing, [], TESTS)
    measured_elsewhere(tmp_path, other, [])
    async with editor_for(FULL, options=NOTIFIED) as editor:

        async def is_stale() -> list[bool]:
            return [module["stale"] for module in (await modules(editor)).values()]

        async def wrote(path: Path, text: str) -> None:
            path.write_text(text, encoding="utf-8")
            since = len(editor.received)
            editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": path.as_uri(), "type": 2}]})
            await changed(editor, since)

        assert await is_stale() == [False, False]
        await wrote(tests, TESTS + "\n# more\n")
        assert await is_stale() == [False, True]
        await wrote(tests, TESTS)
        assert await is_stale() == [False, False]
        await wrote(tests.with_name("test_other.py"), "from shop.other import double\n\n\ndef test_d(): double(1)\n")
        assert await is_stale() == [True, False]


async def test_only_files_of_the_workspace_are_told_of_and_as_the_editor_names_them(
    editor_for: EditorFactory, workspace: Path, other: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(OTHER, encoding="utf-8")
    measured_elsewhere(tmp_path, outside, [])
    measured_elsewhere(tmp_path, other, [])
    link = tmp_path / "link"
    link.symlink_to(workspace)
    async with editor_for(VSCODE, folders=[link]) as editor:
        (module,) = (await modules(editor)).values()
        assert module["uri"] == (link / other.relative_to(workspace)).as_uri()
        assert not module["stale"]


async def test_nothing_is_told_of_a_workspace_that_is_not_trusted(
    editor_for: EditorFactory, other: Path, tmp_path: Path
) -> None:
    measured_elsewhere(tmp_path, other, [])
    async with editor_for(VSCODE, options={**NOTIFIED, "trusted": False}) as editor:
        assert await modules(editor) == {}
        editor.notify("testwright/didChangeTrust", {"trusted": True})
        await changed(editor)
        assert list(await modules(editor)) == ["other.py"]


async def test_what_is_kept_and_cannot_be_read_is_nothing(
    editor_for: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path)
    async with editor_for(VSCODE, argv=MEASURING) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        shutil.rmtree(tmp_path / "state")
        (tmp_path / "state").write_text("no folder", encoding="ascii")
        assert list(await modules(editor)) == ["pricing.py"], "the server itself knows"
    assert "What was measured before cannot be read" in editor.stderr


# ------------------------------------------------------------------------------------------------ what others measure


async def test_what_another_process_has_measured_is_shown_without_a_restart(
    editor_for: EditorFactory, pricing: Path, other: Path, tmp_path: Path
) -> None:
    say(tmp_path, [RAISE])
    async with editor_for(VSCODE, argv=MEASURING, options=NOTIFIED) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        await editor.wait_for(COVERAGE, lambda status: status["state"] == "known")
        assert (await titles(editor, pricing))[None] == "95 % covered · Generate tests for pricing"
        await asyncio.sleep(2.5)
        since = len(editor.received)
        await asyncio.sleep(2.5)
        assert [one.method for one in editor.received[since:]] == [], "its own measurement is no news"
        measured_elsewhere(tmp_path, pricing, [])
        status = await editor.wait_for(COVERAGE, since=since)
        assert (status["percent"], status["stale"], status["missingLines"]) == (100, False, [])
        await changed(editor, since)
        await editor.wait_for("workspace/codeLens/refresh", since=since)
        assert (await titles(editor, pricing))[None] == "100 % covered · Generate tests for pricing"
        since = len(editor.received)
        measured_elsewhere(tmp_path, other, [])
        await changed(editor, since)
        assert set(await modules(editor)) == {"other.py", "pricing.py"}


async def test_the_command_line_is_such_a_process(
    editor_for: EditorFactory, workspace: Path, other: Path, environment: dict[str, str]
) -> None:
    """With real boxes."""
    async with editor_for(VSCODE, options=NOTIFIED) as editor:
        editor.open(other)
        await editor.wait_for(COVERAGE, lambda status: status["reason"] == "It was not measured yet.")
        argv = (sys.executable, "-m", "testwright.cli", "generate", str(other))
        process = await asyncio.create_subprocess_exec(*argv, env=environment)
        assert await asyncio.wait_for(process.wait(), 90) == 0
        tests = workspace / "tests" / "test_other.py"  # of which the client may tell later
        status = await editor.wait_for(COVERAGE, lambda status: status["state"] == "known", timeout=10)
        assert (status["percent"], status["stale"], status["testUri"]) == (100, False, tests.as_uri())
        assert (await titles(editor, other))["double"] == "100 % covered · Generate tests"
        (module,) = (await modules(editor)).values()
        assert not module["stale"]


async def test_a_run_of_this_server_is_told_like_one_of_another(
    editor_for: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path)
    async with editor_for(VSCODE, argv=MEASURING, options=NOTIFIED) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        await changed(editor)
    async with editor_for(VSCODE, argv=MEASURING) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        await asyncio.sleep(0.5)
        assert editor.all_of(CHANGED) == [], "a client that has not asked for it is told nothing"


# ------------------------------------------------------------------------------------------------ one that is not open


async def test_the_coverage_of_a_module_that_is_not_open(
    editor_for: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    measured_elsewhere(tmp_path, pricing, [RAISE])
    text = pricing.read_text(encoding="utf-8")
    async with editor_for(VSCODE) as editor:
        ask = {"uri": pricing.as_uri()}
        status = await editor.request(COVERAGE, ask)
        assert (status["uri"], status["version"], status["state"]) == (pricing.as_uri(), None, "known")
        assert (status["percent"], status["stale"], status["missingLines"]) == (95, False, [8])
        pricing.write_text(
            text.replace("import annotations\n", "import annotations\n\nimport math\n"), encoding="utf-8"
        )
        status = await editor.request(COVERAGE, ask)
        assert (status["percent"], status["stale"], status["missingLines"]) == (95, True, [10])
        pricing.write_text("def f(:\n", encoding="utf-8")
        status = await editor.request(COVERAGE, ask)
        assert (status["state"], status["reason"]) == ("unknown", "pricing.py has a syntax error in line 1.")
        assert (await editor.request("testwright/status", {}))["documents"] == 0


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("gone.py", None, "gone.py does not exist."),
        ("binary.py", b"\0", "binary.py is not Python source: it holds a NUL byte (line 1), as binary files do."),
        ("test_own.py", b"def test_own():\n    pass\n", "test_own.py is a test file itself."),
        ("note.txt", b"", "note.txt is not a Python file."),
        ("new.py", b"def f(): pass\n", "It was not measured yet."),
    ],
)
async def test_why_nothing_is_known_of_one_that_is_not_open(
    editor_for: EditorFactory, workspace: Path, name: str, data: bytes | None, reason: str
) -> None:
    path = workspace / name
    if data is not None:
        path.write_bytes(data)
    async with editor_for(MINIMAL) as editor:
        status = await editor.request(COVERAGE, {"uri": path.as_uri()})
        assert (status["state"], status["reason"], status["version"]) == ("unknown", reason, None)


async def test_branches_follow_the_text(editor_for: EditorFactory, pricing: Path, tmp_path: Path) -> None:
    say(tmp_path, [], [(8, 9), (8, 10), (33, -31)])
    async with editor_for(VSCODE, argv=MEASURING) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)

        async def branches() -> list[tuple[int, int | None, bool]]:
            status = await editor.request(COVERAGE, {"uri": pricing.as_uri()})
            return [(one["from"], one["to"], one["taken"]) for one in status["branches"]]

        assert await branches() == [(7, 8, False), (7, 9, False), (32, None, False)]
        editor.change(pricing, "\n" + text)
        assert await branches() == [(8, 9, False), (8, 10, False), (33, None, False)]
        editor.change(pricing, text.replace("percent < 0", "percent < 1"))
        assert await branches() == [(32, None, False)]


# ------------------------------------------------------------------------------------------------ which can be tested


async def test_the_modules_of_a_folder(
    editor_for: EditorFactory, workspace: Path, pricing: Path, other: Path, tmp_path: Path
) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(TESTS, encoding="utf-8")
    for name, text in {
        "src/shop/constants.py": "RATE = 3\n",
        "src/shop/broken.py": "def f(:\n",
        "src/shop/two-words.py": "def f(): pass\n",
        ".venv/lib/x.py": "def f(): pass\n",
        "node_modules/x.py": "def f(): pass\n",
        "build/x.py": "def f(): pass\n",
    }.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    measured_elsewhere(tmp_path, pricing, [RAISE], TESTS)
    async with editor_for(VSCODE) as editor:
        found = await editor.request(MODULES, {"uri": workspace.as_uri()})
        assert found["modules"] == [
            {"uri": other.as_uri(), "name": "shop.other", "testUri": None, "percent": None},
            {"uri": pricing.as_uri(), "name": "shop.pricing", "testUri": tests.as_uri(), "percent": 95.0},
        ]
        assert {one["uri"].removeprefix(workspace.as_uri() + "/"): one["reason"] for one in found["skipped"]} == {
            "src/shop/__init__.py": "__init__.py is empty: there is nothing to test.",
            "src/shop/broken.py": "broken.py has a syntax error in line 1.",
            "src/shop/constants.py": "constants.py defines no public function or class: there is nothing to test.",
            "src/shop/two-words.py": "src/shop/two-words.py cannot be imported by name: 'two-words' is not a Python identifier, so no test can import it.",
            "tests/test_pricing.py": "test_pricing.py is a test file itself.",
        }
        assert not found["truncated"]
        found = await editor.request(MODULES, {"uri": (workspace / "src").as_uri()})
        assert [module["name"] for module in found["modules"]] == ["shop.other", "shop.pricing"]
        found = await editor.request(MODULES, {"uri": other.as_uri()})
        assert [module["name"] for module in found["modules"]] == ["shop.other"]
        assert found["skipped"] == []


async def test_how_long_a_run_for_a_module_takes_at_most(
    editor_for: EditorFactory, workspace: Path, other: Path
) -> None:
    project = workspace / "pyproject.toml"
    async with editor_for(VSCODE) as editor:

        async def budget() -> float | None:
            found: float | None = (await editor.request(MODULES, {"uri": other.as_uri()}))["budget"]
            return found

        assert await budget() == 30
        project.write_text("[tool.testwright]\nbudget = 45\n", encoding="utf-8")
        assert await budget() == 45
        editor.settings[None] = {"budget": 9}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        assert await budget() == 9
        project.write_text("[tool.testwright]\nbudgett = 45\n", encoding="utf-8")
        assert await budget() is None
        assert (await editor.request(MODULES, {"uri": (workspace / "nothing").as_uri()}))["budget"] is None


async def test_what_the_editor_holds_counts(editor_for: EditorFactory, workspace: Path, other: Path) -> None:
    async with editor_for(VSCODE) as editor:
        editor.open(other, "RATE = 3\n")
        found = await editor.request(MODULES, {"uri": other.as_uri()})
        assert found["modules"] == []
        unsaved = other.with_name("unsaved.py")
        editor.open(unsaved, OTHER)
        found = await editor.request(MODULES, {"uri": unsaved.as_uri()})
        assert [module["name"] for module in found["modules"]] == ["shop.unsaved"]


async def test_each_module_has_the_name_and_the_settings_of_its_own_project(
    editor_for: EditorFactory, workspace: Path
) -> None:
    project = workspace / "plugins" / "mail"
    project.mkdir(parents=True)
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\npython_files = ["check_*.py"]\n')
    (project / "check_it.py").write_text("def test_it(): pass\n")
    (project / "sending.py").write_text(OTHER)
    wrong = workspace / "plugins" / "wrong"
    wrong.mkdir()
    (wrong / "pyproject.toml").write_text("[tool\n")
    (wrong / "m.py").write_text(OTHER)
    async with editor_for(VSCODE) as editor:
        found = await editor.request(MODULES, {"uri": (workspace / "plugins").as_uri()})
        assert [module["name"] for module in found["modules"]] == ["sending"]
        reasons = {one["uri"].rpartition("/")[2]: one["reason"] for one in found["skipped"]}
        assert reasons["check_it.py"] == "check_it.py is a test file itself."
        assert "pyproject.toml" in reasons["m.py"]


async def test_a_folder_may_be_named_by_a_link(editor_for: EditorFactory, workspace: Path, other: Path) -> None:
    link = workspace.with_name("link")
    link.symlink_to(workspace)
    for named, asked in ((workspace, link), (link, workspace), (link, link)):
        async with editor_for(VSCODE, folders=[named]) as editor:
            found = await editor.request(MODULES, {"uri": f"{asked.as_uri()}/src/"})
            assert (named / other.relative_to(workspace)).as_uri() in [module["uri"] for module in found["modules"]]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (".venv/lib", ".venv is hidden, a link, or holds installed or generated code, so no tests are written for what is in it."),
        ("nowhere", "nowhere does not exist."),
        ("..", "is in no folder of this workspace."),
        ("README.md", "README.md is not a Python file."),
    ],
)  # fmt: skip
async def test_what_no_tests_are_written_for(
    editor_for: EditorFactory, workspace: Path, place: str, reason: str
) -> None:
    (workspace / ".venv" / "lib").mkdir(parents=True)
    (workspace / "README.md").write_text("# Shop\n")
    async with editor_for(MINIMAL) as editor:
        uri = f"{workspace.as_uri()}/{place}"
        found = await editor.request(MODULES, {"uri": uri})
        assert (found["modules"], found["truncated"]) == ([], False)
        (skipped,) = found["skipped"]
        assert skipped["reason"].endswith(reason)


async def test_no_modules_are_told_where_the_workspace_is_not_trusted(
    editor_for: EditorFactory, workspace: Path
) -> None:
    async with editor_for(VSCODE, options={"trusted": False}) as editor:
        found = await editor.request(MODULES, {"uri": workspace.as_uri()})
        assert found["modules"] == []
        assert [one["reason"] for one in found["skipped"]] == [
            "This workspace is not trusted, so none of its code is run."
        ]
        found = await editor.request(MODULES, {"uri": "untitled:x"})
        assert [one["uri"] for one in found["skipped"]] == ["untitled:x"]


async def test_a_large_workspace_is_cut_off_and_other_requests_are_answered_meanwhile(
    editor_for: EditorFactory, workspace: Path
) -> None:
    body = "".join(f"\n\ndef f{number}(x: int) -> int:\n    return x + {number}\n" for number in range(40))
    for number in range(2001):
        folder = workspace / "src" / f"package{number // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"module{number}.py").write_text(body)
    async with editor_for(VSCODE) as editor:
        _, answer = editor.ask(MODULES, {"uri": workspace.as_uri()})
        slowest = 0.0
        while not answer.done():
            begun = time.monotonic()
            await editor.request("testwright/status", {})
            slowest = max(slowest, time.monotonic() - begun)
            await asyncio.sleep(0.02)
        found = (await answer)["result"]
        assert found["truncated"]
        assert len(found["modules"]) + len(found["skipped"]) == 2000
        assert slowest < 1
        number, answer = editor.ask(MODULES, {"uri": workspace.as_uri()})
        await asyncio.sleep(0.1)
        editor.cancel(number)
        assert (await asyncio.wait_for(answer, 1))["error"]["code"] == -32800


@pytest.mark.parametrize(
    ("method", "params", "sentence"),
    [
        (MODULES, {}, "testwright/modules needs uri, a text."),
        (MODULES, {"uri": "file:///x", "depth": 3}, "testwright/modules does not take 'depth'."),
        (ALL, {"uri": "file:///x.py"}, "testwright/coverageOfAll does not take 'uri'. It takes nothing."),
    ],
    ids=["nothing", "unknown", "all"],
)
async def test_a_wrong_question_gets_a_sentence(
    editor_for: EditorFactory, method: str, params: object, sentence: str
) -> None:
    async with editor_for(MINIMAL) as editor:
        with pytest.raises(RequestFailed) as caught:
            await editor.request(method, params)
    assert caught.value.code == -32602
    assert sentence in str(caught.value)
