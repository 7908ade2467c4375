"""Code lenses: where they stand, what they say, and that they never say what may be wrong."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile
from measured import MEASURING, RAISE, lenses, measure, say, titles

PLAIN = {
    None: "Generate tests for pricing",
    "add_tax": "Generate tests",
    "größe": "Generate tests",
    "Cart": "Generate tests",
    "Cart.add": "Generate tests",
    "Cart.total": "Generate tests",
}
MEASURED = {
    None: "95 % covered · Generate tests for pricing",
    "add_tax": "66 % covered · Generate tests",
    "größe": "100 % covered · Generate tests",
    "Cart": "100 % covered · Generate tests",
    "Cart.add": "100 % covered · Generate tests",
    "Cart.total": "100 % covered · Generate tests",
}
STALE = {name: title.replace("covered", "covered (stale)") for name, title in MEASURED.items()}

TESTS = "from shop.pricing import add_tax\n\n\ndef test_add_tax() -> None:\n    assert add_tax(100, 10) == 110\n"


@pytest.fixture
def measuring(editor_for: EditorFactory) -> EditorFactory:
    """An editor whose server measures what the test says."""

    def make(profile: Profile, **further: Any) -> EditorClient:
        return editor_for(profile, argv=MEASURING, **further)

    return make


async def asked_again(editor: EditorClient, since: int) -> None:
    await editor.wait_for("workspace/codeLens/refresh", since=since)


async def test_lenses_stand_above_the_module_and_its_public_definitions(
    editor_for: EditorFactory, pricing: Path, profile: Profile
) -> None:
    async with editor_for(profile) as editor:
        editor.open(pricing)
        found = await lenses(editor, pricing)
        assert [(lens["data"].get("symbol"), lens["range"]["start"]) for lens in found] == [
            (None, {"line": 0, "character": 0}),
            ("add_tax", {"line": 5, "character": 0}),
            ("größe", {"line": 12, "character": 0}),
            ("Cart", {"line": 19, "character": 0}),
            ("Cart.add", {"line": 25, "character": 4}),
            ("Cart.total", {"line": 30, "character": 4}),
        ]
        assert all(lens["range"]["start"]["line"] == lens["range"]["end"]["line"] for lens in found)
        assert not any("command" in lens for lens in found)
        assert await titles(editor, pricing) == PLAIN
        resolved = await editor.request("codeLens/resolve", found[4])
        assert resolved["range"] == found[4]["range"]
        assert resolved["command"]["command"] == "testwright.generateTests"
        assert resolved["command"]["arguments"] == [{"uri": pricing.as_uri(), "symbol": "Cart.add"}]
        module = await editor.request("codeLens/resolve", found[0])
        assert module["command"]["arguments"] == [{"uri": pricing.as_uri()}]


async def test_a_lens_starts_what_it_says(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(NEOVIM) as editor:
        editor.open(pricing)
        lens = await editor.request("codeLens/resolve", (await lenses(editor, pricing))[-1])
        answer = await editor.command(lens["command"]["command"], *lens["command"]["arguments"])
        assert (answer["status"], answer["subject"]) == ("started", "Cart.total")
        await editor.command("testwright.cancelRun", {})
        await editor.progress_end()


async def test_a_decorated_function_has_its_lens_above_the_decorator(
    editor_for: EditorFactory, workspace: Path
) -> None:
    path = workspace / "src" / "shop" / "cached.py"
    source = "import functools\n\n\n@functools.cache\ndef slow():\n    return 1\n"
    async with editor_for(FULL) as editor:
        editor.open(path, source)
        found = await lenses(editor, path)
    assert [lens["range"]["start"]["line"] for lens in found] == [0, 3]


async def test_one_name_has_one_lens(editor_for: EditorFactory, workspace: Path) -> None:
    path = workspace / "src" / "shop" / "several.py"
    source = (
        "from typing import overload\n\n\n@overload\ndef f(x: int) -> int: ...\n@overload\ndef f(x: str) -> str: ...\n"
        "def f(x):\n    return x\n\n\nclass A:\n    @property\n    def p(self):\n        return 1\n\n"
        "    @p.setter\n    def p(self, value):\n        pass\n"
    )
    async with editor_for(FULL) as editor:
        editor.open(path, source)
        found = [(lens["data"].get("symbol"), lens["range"]["start"]["line"]) for lens in await lenses(editor, path)]
    assert found == [(None, 0), ("f", 7), ("A", 11), ("A.p", 12)]


async def test_figures_after_a_measurement(
    measuring: EditorFactory, pricing: Path, tmp_path: Path, profile: Profile
) -> None:
    say(tmp_path, missing=[RAISE])
    async with measuring(profile) as editor:
        editor.open(pricing)
        assert await titles(editor, pricing) == PLAIN
        await measure(editor, pricing)
        assert await titles(editor, pricing) == MEASURED
        await asyncio.sleep(0.4)
        asked = 1 if profile in (FULL, VSCODE) else 0  # only who has announced it is asked, and once
        assert len(editor.all_of("workspace/codeLens/refresh")) == asked


async def test_an_edit_moves_figures_and_withdraws_those_of_what_it_changes(
    measuring: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path, missing=[RAISE])
    async with measuring(VSCODE) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        changed = text.replace("import annotations\n", "import annotations\n\nimport math\n")
        changed = changed.replace("if discount > 0:", "if discount >= 0:")
        editor.change(pricing, changed)
        assert await titles(editor, pricing) == MEASURED | {
            None: "95 % covered (stale) · Generate tests for pricing",
            "Cart": "Generate tests",
            "Cart.total": "Generate tests",
        }
        assert [lens["range"]["start"]["line"] for lens in await lenses(editor, pricing)] == [0, 7, 14, 21, 27, 32]
        editor.undo(pricing)
        assert await titles(editor, pricing) == MEASURED


async def test_a_lens_of_an_earlier_version_says_no_figure(
    measuring: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path)
    async with measuring(FULL) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        earlier = (await lenses(editor, pricing))[1]
        editor.change(pricing, text + "\n")
        assert (await editor.request("codeLens/resolve", earlier))["command"]["title"] == "Generate tests"
        editor.close(pricing)
        assert (await editor.request("codeLens/resolve", earlier))["command"]["title"] == "Generate tests"
        for data in (None, {}, {"uri": 3}, {"uri": "nothing", "version": []}, "text", [1]):
            lens = {"range": earlier["range"], "data": data}
            assert (await editor.request("codeLens/resolve", lens))["command"]["title"].startswith("Generate tests")


async def test_tests_that_change_make_all_stale(
    measuring: EditorFactory, workspace: Path, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path, missing=[RAISE])
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(TESTS, encoding="utf-8")
    async with measuring(FULL) as editor:
        editor.open(pricing)
        editor.open(tests)
        await measure(editor, pricing)
        assert await titles(editor, pricing) == MEASURED

        since = len(editor.received)
        editor.change(tests, TESTS + "\n\ndef test_more() -> None:\n    pass\n")
        await asked_again(editor, since)
        assert await titles(editor, pricing) == STALE

        since = len(editor.received)
        editor.undo(tests)
        await asked_again(editor, since)
        assert await titles(editor, pricing) == MEASURED

        editor.close(tests)
        since = len(editor.received)
        tests.write_text(TESTS + "# more\n", encoding="utf-8")
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": tests.as_uri(), "type": 2}]})
        await asked_again(editor, since)
        assert await titles(editor, pricing) == STALE


async def test_a_client_that_does_not_watch_files_is_looked_after_when_it_saves(
    measuring: EditorFactory, workspace: Path, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path, missing=[RAISE])
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    async with measuring(MINIMAL) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        assert await titles(editor, pricing) == MEASURED
        tests.write_text(TESTS, encoding="utf-8")
        editor.save(pricing)
        await eventually(lambda: titles(editor, pricing), STALE)


async def eventually(ask: Any, expected: object) -> None:
    async with asyncio.timeout(10):
        while await ask() != expected:  # noqa: ASYNC110 - it is another process that changes
            await asyncio.sleep(0.05)


async def test_places_follow_the_text_while_it_has_a_syntax_error(
    measuring: EditorFactory, pricing: Path, tmp_path: Path
) -> None:
    say(tmp_path, missing=[RAISE])
    async with measuring(FULL) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        editor.change(pricing, text.replace("class Cart:", "def new(price,\n\n\nclass Cart:"))
        assert [lens["range"]["start"]["line"] for lens in await lenses(editor, pricing)] == [0, 5, 12, 22, 28, 33]
        assert await titles(editor, pricing) == MEASURED | {None: "95 % covered (stale) · Generate tests for pricing"}
        editor.change(pricing, text.replace("class Cart:", "def new(price):\n    return 1\n\n\nclass Cart:"))
        assert [lens["data"].get("symbol") for lens in await lenses(editor, pricing)][3] == "new"


@pytest.mark.parametrize(
    ("name", "source", "language"),
    [
        ("src/shop/pricing.py", "def f(:\n", "python"),
        ("src/shop/pricing.py", "", "python"),
        ("src/shop/pricing.py", "def _f():\n    pass\n", "python"),
        ("tests/test_pricing.py", TESTS, "python"),
        ("README.md", "def f():\n    pass\n", "markdown"),
        ("src/shop/pricing.py", "def f():\n    pass\n", "cython"),
    ],
    ids=["never parsed", "empty", "nothing public", "test file", "no Python", "no Python by the editor"],
)
async def test_there_are_none_where_nothing_can_be_tested(
    editor_for: EditorFactory, workspace: Path, name: str, source: str, language: str
) -> None:
    async with editor_for(FULL) as editor:
        editor.open(workspace / name, source, language)
        assert await lenses(editor, workspace / name) == []
        assert await lenses(editor, workspace / "src" / "shop" / "other.py") == []


async def test_there_are_none_in_a_notebook_or_without_a_file(editor_for: EditorFactory) -> None:
    cell = "vscode-notebook-cell:/book.ipynb#C1"
    async with editor_for(VSCODE) as editor:
        for uri in ("untitled:Untitled-1", cell):
            item = {"uri": uri, "languageId": "python", "version": 1, "text": "def f():\n    pass\n"}
            editor.notify("textDocument/didOpen", {"textDocument": item})
            assert await editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}}) == []


async def test_there_are_none_until_the_workspace_is_trusted(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(VSCODE, options={"trusted": False}) as editor:
        editor.open(pricing)
        assert await lenses(editor, pricing) == []
        since = len(editor.received)
        editor.notify("testwright/didChangeTrust", {"trusted": True})
        await asked_again(editor, since)
        assert len(await lenses(editor, pricing)) == 6


async def test_they_are_set_by_folder(
    editor_for: EditorFactory, workspace: Path, pricing: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("", encoding="utf-8")
    (other / "module.py").write_text("def f():\n    pass\n", encoding="utf-8")
    without = {"hints": {"codeLens": False}}
    async with editor_for(VSCODE, folders=[workspace, other], settings={workspace.as_uri(): without}) as editor:
        editor.open(pricing)
        editor.open(other / "module.py")
        assert await lenses(editor, pricing) == []
        assert len(await lenses(editor, other / "module.py")) == 2
        since = len(editor.received)
        editor.settings = {other.as_uri(): without}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await asked_again(editor, since)
        assert len(await lenses(editor, pricing)) == 6
        assert await lenses(editor, other / "module.py") == []


async def test_a_run_is_followed_by_the_figures_of_what_it_has_written(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    """With real boxes: tests are generated, and measured again after a restart of the server there is nothing to measure."""
    async with editor_for(VSCODE) as editor:
        editor.open(pricing)
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri()})
        await editor.wait_for("window/showMessage", timeout=90)
        assert (workspace / "tests" / "test_pricing.py").is_file()
        found = await titles(editor, pricing)
        assert found[None] == "100 % covered · Generate tests for pricing"
    async with editor_for(EGLOT) as editor:
        editor.open(pricing)
        assert await titles(editor, pricing) == found


async def test_ten_thousand_lines(editor_for: EditorFactory, workspace: Path) -> None:
    path = workspace / "src" / "shop" / "large.py"
    body = "".join(f"    if value > {index}:\n        value -= {index}\n" for index in range(3))
    source = "".join(f"def reduce_{number}(value):\n{body}    return value\n\n\n" for number in range(1000))
    assert source.count("\n") == 10_000
    async with editor_for(FULL) as editor:
        editor.open(path, source)
        found = await lenses(editor, path)
        assert len(found) == 1001
        assert found[-1]["range"]["start"]["line"] == 9990
        again = []
        for _ in range(7):
            begun = time.perf_counter()
            assert await lenses(editor, path) == found
            again.append(time.perf_counter() - begun)
        # The goal of 10 ms is measured by the bench, on a machine that is at rest; half of this is the client's own.
        assert sorted(again)[3] < 0.1
        editor.change(path, source.replace("reduce_500(", "reduced(", 1))
        changed = await lenses(editor, path)
        assert [lens["data"].get("symbol") for lens in changed][501] == "reduced"
