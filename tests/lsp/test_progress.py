"""Progress: where it is shown, by which token, and what a person can read of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, VSCODE, EditorClient, EditorFactory, Profile

GENERATE = "testwright.generateTests"
CANCEL = "testwright.cancelRun"


async def test_a_run_can_be_followed(editor_for: EditorFactory, pricing: Path, profile: Profile) -> None:
    async with editor_for(profile) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri()})
        await editor.wait_for("window/showMessage", timeout=90)
        shown = editor.progress()

    if not profile.has("window", "workDoneProgress"):
        assert editor.all_of("window/workDoneProgress/create") == []
        assert shown == []
        return
    assert len(editor.all_of("window/workDoneProgress/create")) == 1
    begin, *reports, end = shown
    assert begin == {
        "kind": "begin",
        "title": "Generating tests for pricing",
        "cancellable": True,
        "message": "reading the project",
        "percentage": 0,
    }
    assert re.fullmatch(r"\d+ tests added, \d+ % covered", end["message"])
    assert all(one["kind"] == "report" and one["cancellable"] for one in reports)
    percentages = [one["percentage"] for one in reports]
    assert percentages == sorted(percentages)
    assert percentages[-1] >= 85
    lines = [one["message"] for one in reports]
    assert any(re.fullmatch(r"\d+ of \d+ tests kept, \d+ % covered, \d+ s left", line) for line in lines), lines
    assert any(
        re.fullmatch(r"\d+ tests kept, \d+ of \d+ mutants tried, \d+ % covered, \d+ s left", line) for line in lines
    )


async def test_a_client_that_refuses_it_is_sent_none(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL, refuses=("window/workDoneProgress/create",)) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        await editor.wait_for("window/showMessage", timeout=90)
        status = await editor.request("testwright/status", None)

    assert editor.progress() == []
    assert status["progressTokens"] == 0


async def test_a_client_that_never_answers_keeps_no_run_waiting(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL, ignores=("window/workDoneProgress/create",)) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        told = await editor.wait_for("window/showMessage", timeout=90)

    assert told["type"] == 3
    assert editor.progress() == []


@pytest.mark.parametrize("in_argument", [True, False])
async def test_the_clients_own_token(editor_for: EditorFactory, pricing: Path, *, in_argument: bool) -> None:
    """Where it can have no other: in the argument, or beside it as the protocol has it."""
    async with editor_for(EGLOT) as editor:
        editor.open(pricing)
        token = editor.own_token("mine")
        argument, further = {"uri": pricing.as_uri()}, {"workDoneToken": token}
        if in_argument:
            await editor.command(GENERATE, {**argument, **further})
        else:
            await editor.command(GENERATE, argument, **further)
        await editor.wait_for("$/progress", lambda params: params["value"]["kind"] == "report")
        editor.notify("window/workDoneProgress/cancel", {"token": token})
        assert (await editor.progress_end())["message"] == "cancelled"

    assert {params["token"] for params in editor.all_of("$/progress")} == {"mine"}
    assert editor.all_of("window/workDoneProgress/create") == []


async def test_a_token_beside_the_argument_is_not_needed_where_the_server_can_create_one(
    editor_for: EditorFactory, pricing: Path
) -> None:
    """By the protocol it holds until the answer, and the answer comes at once."""
    async with editor_for(VSCODE) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri()}, workDoneToken=7)
        await editor.wait_for("$/progress")
        await editor.command(CANCEL)
        await editor.progress_end()

    assert {params["token"] for params in editor.all_of("$/progress")} == {
        params["token"] for params in editor.all_of("window/workDoneProgress/create")
    }


async def test_whoever_waits_is_told_for_how_many(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL) as editor:
        editor.open(pricing)
        answers = [
            await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": name})
            for name in ("Cart", "add_tax", "Cart.total")
        ]
        assert [(one["status"], one["waitsFor"]) for one in answers] == [("started", 0), ("queued", 1), ("queued", 2)]
        await waiting(editor, "waiting for 2 other runs")
        await editor.command(CANCEL, {"run": answers[1]["run"]})
        tokens = [params["token"] for params in editor.all_of("window/workDoneProgress/create")]
        await editor.wait_for(
            "$/progress",
            lambda params: params["token"] == tokens[2] and params["value"].get("message") == "waiting for 1 other run",
        )
        await editor.command(CANCEL)


async def waiting(editor: EditorClient, message: str) -> None:
    await editor.wait_for("$/progress", lambda params: params["value"].get("message") == message)


async def test_minimal_clients_get_nothing_but_the_end(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(MINIMAL) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        await editor.wait_for("window/showMessage", timeout=90)

    sent = {one.method for one in editor.received if one.method}
    assert sent == {"window/showMessage"}
