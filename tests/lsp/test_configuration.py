"""Settings over the wire: where they are asked for, whose they are, what is said of them, and when they are read anew."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile

GENERATE = "testwright.generateTests"
CANCEL = "testwright.cancelRun"
SECRET = "sk-or-v1-0123456789abcdef"  # noqa: S105 - looks like one


def warnings(editor: EditorClient) -> list[str]:
    return [params["message"] for params in editor.all_of("window/showMessage") if params["type"] == 2]


async def settled(editor: EditorClient) -> None:
    """Wait until the client was asked for its settings, where it can be, and what follows from it is done."""
    if editor.profile.has("workspace", "configuration"):
        last = editor.folders[-1].as_uri()
        await editor.wait_for("workspace/configuration", lambda params: params["items"][0]["scopeUri"] == last)
    for _ in range(3):
        await editor.request("testwright/status", None)


async def failure(editor: EditorClient, path: Path) -> str:
    """What a run fails with."""
    since = len(editor.received)
    await editor.command(GENERATE, {"uri": path.as_uri()})
    told = await editor.wait_for("window/showMessage", lambda params: params["type"] == 1, since=since)
    message: str = told["message"]
    return message


async def test_they_are_asked_for_each_folder_where_the_client_answers(
    editor_for: EditorFactory, workspace: Path, tmp_path: Path, profile: Profile
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with editor_for(profile, folders=[workspace, other]) as editor:
        await settled(editor)
        asked = [item for params in editor.all_of("workspace/configuration") for item in params["items"]]

    if profile.has("workspace", "configuration"):
        expected = [{"scopeUri": path.as_uri(), "section": "testwright"} for path in (workspace, other)]
        assert asked == expected
    else:
        assert asked == []


async def test_what_is_registered_is_what_the_client_lets_be(editor_for: EditorFactory, profile: Profile) -> None:
    async with editor_for(profile) as editor:
        await settled(editor)
        registered = [
            one["method"] for params in editor.all_of("client/registerCapability") for one in params["registrations"]
        ]

    wanted = ["workspace/didChangeConfiguration", "workspace/didChangeWatchedFiles"]
    assert registered == [method for method in wanted if profile.can_register(method)]


async def test_a_wrong_setting_is_told_at_once_and_fails_the_run(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    sentence = (
        "budget in the editor's settings has a value that is not allowed. Allowed: a number of seconds from 1 to 3600."
    )
    async with editor_for(VSCODE, settings={None: {"budget": SECRET}}) as editor:
        editor.open(pricing)
        await editor.wait_for("window/showMessage")
        assert warnings(editor) == [sentence]
        assert await failure(editor, pricing) == sentence
        assert await failure(editor, pricing) == sentence
        assert warnings(editor) == [sentence]

        editor.settings[None] = {"budget": 9}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        assert (await editor.command(GENERATE, {"uri": pricing.as_uri()}))["status"] == "started"
        begin = await editor.wait_for("$/progress", lambda params: "9 s left" in params["value"].get("message", ""))
        assert begin["value"]["kind"] == "report"
        await editor.command(CANCEL)

        editor.settings[None] = {"budget": SECRET}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.wait_for("window/showMessage", lambda _: len(warnings(editor)) == 2)
    assert warnings(editor) == [sentence] * 2
    assert SECRET not in str([one.message for one in editor.received]) + editor.stderr


async def test_a_setting_of_a_folder_that_is_not_used_is_told_once(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(EGLOT, settings={None: {"box": "none"}}) as editor:
        editor.open(pricing)
        await editor.wait_for("window/showMessage")
        for _ in range(2):
            await editor.command(GENERATE, {"uri": pricing.as_uri()})
            await editor.command(CANCEL)
        editor.notify("workspace/didChangeConfiguration", {"settings": {"testwright": {"box": "none", "seed": 1}}})
        await settled(editor)

    assert len(warnings(editor)) == 1
    assert warnings(editor)[0].startswith("box in the editor's settings is not used, since it may come from the folder")


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"settings": {"box": "nonsense"}}, {}),
        ({"settings": {"testwright": {"box": "nonsense"}}}, {}),
        ({"machineSettings": True}, {"box": "nonsense"}),
    ],
)
async def test_the_users_own_word_on_boxes_counts(
    editor_for: EditorFactory, pricing: Path, options: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Shown by a box that there is not, since one that there is would not be seen."""
    async with editor_for(NEOVIM, options=options, settings={None: settings}) as editor:
        editor.open(pricing)
        message = await failure(editor, pricing)

    assert message.startswith("box in the editor's settings has a value that is not allowed.")


@pytest.mark.parametrize("by", ["answer", "push", "options"])
async def test_a_key_is_refused_and_never_told(editor_for: EditorFactory, pricing: Path, by: str) -> None:
    settings = {"openrouterApiKey": SECRET}
    client = MINIMAL if by == "push" else FULL
    options = {"settings": settings} if by == "options" else None
    async with editor_for(client, options=options, settings={None: settings} if by == "answer" else {}) as editor:
        editor.open(pricing)
        editor.notify("$/setTrace", {"value": "verbose"})
        if by == "push":
            editor.notify("workspace/didChangeConfiguration", {"settings": {"testwright": settings}})
        message = await failure(editor, pricing)

    assert message.startswith("openrouterApiKey in the editor's settings looks like a key, and keys are never kept")
    assert SECRET not in message
    told = [one.message for one in editor.received if one.method in ("window/showMessage", "window/logMessage")]
    assert SECRET not in str(told) + editor.stderr


async def test_settings_of_two_folders_are_kept_apart(
    editor_for: EditorFactory, workspace: Path, pricing: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    module = other / "module.py"
    module.write_text("def f(): return 1\n", encoding="utf-8")
    settings = {workspace.as_uri(): {"budget": 17}, other.as_uri(): {"budget": 23}}
    async with editor_for(FULL, folders=[workspace, other], settings=settings) as editor:
        for path, left in ((pricing, "17 s left"), (module, "23 s left")):
            editor.open(path)
            await editor.command(GENERATE, {"uri": path.as_uri()})
            await editor.wait_for("$/progress", partial(says, left))
            await editor.command(CANCEL)


def says(words: str, params: dict[str, Any]) -> bool:
    return words in params["value"].get("message", "")


@pytest.mark.parametrize("client", [VSCODE, EGLOT, MINIMAL], ids=lambda client: client.name)
async def test_an_invalid_pyproject_is_told_when_it_changes_and_by_the_next_run(
    editor_for: EditorFactory, workspace: Path, pricing: Path, client: Profile
) -> None:
    project = workspace / "pyproject.toml"
    good = project.read_text(encoding="utf-8")
    watched = client.can_register("workspace/didChangeWatchedFiles")
    async with editor_for(client) as editor:
        editor.open(pricing)
        await settled(editor)

        async def write(text: str) -> None:
            project.write_text(text, encoding="utf-8")
            if watched:
                editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": project.as_uri(), "type": 2}]})

        await write("[tool.testwright]\nbudgett = 3\n")
        sentence = "budgett in [tool.testwright] in pyproject.toml is not a setting of Testwright. Did you mean budget?"
        if watched:
            await editor.wait_for("window/showMessage", lambda _: warnings(editor) == [sentence])
        assert await failure(editor, pricing) == sentence
        await write(good)
        assert (await editor.command(GENERATE, {"uri": pricing.as_uri()}))["status"] == "started"
        await editor.command(CANCEL)
        await write("[tool.testwright\n")
        if watched:
            await editor.wait_for("window/showMessage", lambda _: len(warnings(editor)) == 2)
            assert "pyproject.toml is not valid TOML" in warnings(editor)[1]
        assert "pyproject.toml is not valid TOML" in await failure(editor, pricing)


async def test_the_interpreter_that_was_chosen_in_the_editor_is_used(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE) as editor:
        editor.open(pricing)
        chosen = {"folderUri": workspace.as_uri(), "python": "/nowhere/bin/python"}
        editor.notify("testwright/didChangeInterpreter", chosen)
        assert "/nowhere/bin/python" in await failure(editor, pricing)
        editor.notify("testwright/didChangeInterpreter", {"folderUri": workspace.as_uri(), "python": None})
        assert (await editor.command(GENERATE, {"uri": pricing.as_uri()}))["status"] == "started"
        await editor.wait_for("$/progress", lambda params: "importing" in params["value"].get("message", ""))
        await editor.command(CANCEL)


async def test_the_level_of_the_clients_log_follows_the_setting(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL, settings={None: {"logLevel": "info"}}) as editor:
        editor.open(pricing)
        await settled(editor)
        with pytest.raises(Exception, match="There is no command"):
            await editor.command("testwright.nothing")
        logged = [params["message"] for params in editor.all_of("window/logMessage")]

    assert any("There is no command 'testwright.nothing'." in one for one in logged)
