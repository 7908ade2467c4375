"""The report of a run: as the answer of a command, as a document, and after the server was started again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from lsp_client import EGLOT, FULL, VSCODE, EditorClient, EditorFactory, Profile

QUICK = (sys.executable, str(Path(__file__).parents[1] / "support" / "quick_server.py"))
"""A server whose runs find the same three tests in no time."""

REPORT = "testwright.showReport"


async def generated(editor: EditorClient, pricing: Path) -> None:
    if pricing.as_uri() not in editor.buffers:
        editor.open(pricing)
    since = len(editor.received)
    await editor.command("testwright.generateTests", {"uri": pricing.as_uri(), "symbol": "add_tax"})
    await editor.wait_for("window/showMessage", since=since)


async def test_the_last_report_is_shown_as_a_document(
    editor_for: EditorFactory, tmp_path: Path, workspace: Path, pricing: Path, profile: Profile
) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    async with editor_for(profile, argv=QUICK) as editor:
        await generated(editor, pricing)
        since = len(editor.received)
        answer = await editor.command(REPORT, {"uri": pricing.as_uri()})
        if profile.has("window", "showDocument", "support"):
            shown = await editor.wait_for(
                "window/showDocument", lambda params: params["uri"].endswith(".md"), since=since
            )
            (path,) = (tmp_path / "state" / "reports").iterdir()
            assert shown["uri"] == path.as_uri()
            assert path.read_text(encoding="utf-8") == answer["markdown"]
            assert path.stat().st_mode & 0o777 == 0o600
        else:
            told = await editor.wait_for("window/showMessage", since=since)
            assert told["message"].startswith("3 tests for add_tax are in tests/test_pricing.py")
            assert not (tmp_path / "state" / "reports").exists()

    assert (answer["run"], answer["kind"], answer["testUri"]) == ("generate-1", "generate", tests.as_uri())
    assert answer["report"]["status"] == "written"
    assert [test["name"] for test in answer["report"]["tests"]["kept"]] == [
        "test_add_tax_nothing",
        "test_add_tax_double_price",
        "test_add_tax_rejects_negative",
    ]
    markdown = answer["markdown"]
    assert markdown.startswith(
        "# Tests for `add_tax` of `shop.pricing`\n\n3 tests were added to [tests/test_pricing.py]"
    )
    assert f"[pricing.py:9](<{pricing.as_uri()}#L9>)" in markdown
    assert "### it failed (1)\n\nFor `add_tax`: \\| \\[x\\](y) \\`z\\`" in markdown


async def test_a_report_is_found_by_the_module_by_the_test_file_and_as_the_last_of_all(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.wait_for("window/showDocument")
        tests = workspace / "tests" / "test_pricing.py"
        answers = [
            await editor.command(REPORT, {**place, "show": False})
            for place in ({"uri": pricing.as_uri()}, {"uri": tests.as_uri()}, {})
        ]
        assert [answer["run"] for answer in answers] == ["generate-1"] * 3
    assert len(editor.shown) == 1


async def test_the_last_report_is_there_after_a_restart(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
        before = await editor.command(REPORT, {"show": False})
    assert before["uri"] == pricing.as_uri()
    async with editor_for(FULL, argv=QUICK) as editor:
        tests = workspace / "tests" / "test_pricing.py"
        for place in ({"uri": pricing.as_uri()}, {"uri": tests.as_uri()}, {}):
            assert await editor.command(REPORT, {**place, "show": False}) == {**before, "added": None}


async def test_a_report_tells_which_tests_of_its_run_are_out(editor_for: EditorFactory, pricing: Path) -> None:
    names = ["test_add_tax_nothing", "test_add_tax_double_price", "test_add_tax_rejects_negative"]
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
        report = await editor.command(REPORT, {"show": False})
        assert report["added"] == {"tests": names, "rejected": []}
        await editor.command("testwright.rejectTests", {"run": report["run"], "tests": names[1:2]})
        report = await editor.command(REPORT, {"show": False})
        assert report["added"] == {"tests": [names[0], names[2]], "rejected": names[1:2]}


async def test_the_tests_of_a_run_of_an_earlier_server_are_not_taken_for_those_of_this_one(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    """Both servers call their first run ``generate-1``."""
    other = workspace / "src" / "shop" / "other.py"
    other.write_text(pricing.read_text(encoding="utf-8"), encoding="utf-8")
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, other)
        earlier = await editor.command(REPORT, {"uri": pricing.as_uri(), "show": False})
        own = await editor.command(REPORT, {"uri": other.as_uri(), "show": False})
        assert earlier["run"] == own["run"] == "generate-1"
        assert earlier["added"] is None
        assert own["added"] is not None


async def test_the_report_of_a_run_that_failed_says_why(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        (workspace / "src" / "shop" / "pricing.py").write_text("def (:\n", encoding="utf-8")
        editor.close(pricing)
        since = len(editor.received)
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri()})
        await editor.wait_for("window/showMessage", since=since)
        answer = await editor.command(REPORT, {"uri": pricing.as_uri(), "show": False})
    assert answer["report"]["status"] == "failed"
    assert "\n\nThe run failed. " in answer["markdown"]
    assert "syntax" in answer["markdown"]


async def test_the_judgement_of_tests_is_a_report_too(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    """A whole judgement, in boxes."""
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(
        "from shop.pricing import add_tax\n\n\ndef test_tax():\n    add_tax(100, 19)\n\n\n"
        "def test_wrong():\n    assert add_tax(1, 0) == 2\n",
        encoding="utf-8",
    )
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        await editor.command("testwright.judgeTests", {"uri": pricing.as_uri()})
        await editor.wait_for("window/showMessage", timeout=90)
        answer = await editor.command(REPORT, {"uri": tests.as_uri()})
        shown = await editor.wait_for("window/showDocument")
    assert answer["kind"] == "judge"
    assert {test["name"]: test["outcome"] for test in answer["report"]["tests"]} == {
        "test_tax": "passed",
        "test_wrong": "failed",
    }
    markdown = answer["markdown"]
    assert markdown.index("### Failed (1)") < markdown.index("### Sound (1)")
    assert f"[test_pricing.py:4](<{tests.as_uri()}#L4>) `test_tax`" in markdown  # it asserts nothing
    assert Path(shown["uri"]).name.startswith("judgement-of-pricing-")


async def test_a_store_that_cannot_be_used_costs_the_restart_alone(
    editor_for: EditorFactory, tmp_path: Path, pricing: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "store.sqlite3").mkdir()  # no file can be made there, nor set aside
    (tmp_path / "state" / "store.sqlite3.old").mkdir()
    (tmp_path / "state" / "store.sqlite3.old" / "file").write_text("", encoding="ascii")
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
        answer = await editor.command(REPORT, {"show": False})
    assert answer["run"] == "generate-1"
    assert "is not kept" in editor.stderr


async def test_a_client_that_cannot_show_the_document_is_told_where_it_is(
    editor_for: EditorFactory, tmp_path: Path, pricing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EditorClient, "_show_document", lambda *_: {"success": False})
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
        since = len(editor.received)
        await editor.command(REPORT, {})
        told = await editor.wait_for("window/showMessage", since=since)
    (path,) = (tmp_path / "state" / "reports").iterdir()
    assert told["message"].endswith(f" The report is in {path}.")


async def test_only_so_many_reports_are_kept(editor_for: EditorFactory, tmp_path: Path, pricing: Path) -> None:
    reports = tmp_path / "state" / "reports"
    reports.mkdir(parents=True)
    for number in range(60):
        old = reports / f"tests-for-m{number}-00000000.md"
        old.write_text("", encoding="ascii")
        os.utime(old, (number, number))
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.command(REPORT, {})
        await editor.wait_for("window/showDocument", lambda params: params["uri"].endswith(".md"))
    names = {path.name for path in reports.iterdir()}
    assert len(names) == 50
    assert any(name.startswith("tests-for-pricing-") for name in names)
    assert "tests-for-m59-00000000.md" in names
    assert "tests-for-m10-00000000.md" not in names
