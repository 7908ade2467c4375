"""Setting up the agent by one click: the real installation, of small wheels, as an editor sees it."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, VSCODE, EditorClient, EditorFactory, Profile, RequestFailed
from wheelhouse import Wheelhouse, like_openhands

from testwright.provisioning.agent_environment import FOLDER
from testwright.provisioning.holding import held

SET_UP = "testwright.setUpAgent"
AGENT = "testwright/agent"
SERVER = str(Path(__file__).parents[1] / "support" / "setup_server.py")


@pytest.fixture
def house(tmp_path: Path) -> Wheelhouse:
    """All packages that there are; root's boxes run as a user who must be able to pass through to what is installed."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        if os.geteuid() == 0:
            folder.chmod(0o755)
    return like_openhands(tmp_path / "wheels")


@pytest.fixture
def environment(environment: dict[str, str], house: Wheelhouse) -> dict[str, str]:
    """Where uv and the tests' Python are found, and the wheels are the only packages."""
    return {
        **environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{Path(sys.executable).resolve().parent}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(house.folder),
    }


@pytest.fixture
def server(house: Wheelhouse) -> tuple[str, ...]:
    return (sys.executable, SERVER, str(house.lock))


async def state(editor: EditorClient) -> str:
    return str((await editor.request(AGENT, {}))["state"])


async def ended(editor: EditorClient, *, since: int = 0) -> Any:
    """The message at the end of a set-up."""
    return await editor.wait_for("window/showMessage", since=since, timeout=120)


@pytest.mark.parametrize("client", [FULL, EGLOT, MINIMAL], ids=lambda client: client.name)
async def test_it_is_set_up_once_and_found(
    editor_for: EditorFactory, server: tuple[str, ...], environment: dict[str, str], client: Profile
) -> None:
    async with editor_for(client, argv=server) as editor:
        before = await editor.request(AGENT, {})
        answer = await editor.command(SET_UP, {})
        message = await ended(editor)
        after = await editor.request(AGENT, {})
        again = await editor.command(SET_UP, {})

    version = platform.python_version()
    nothing = {"sdk": None, "python": None, "bytes": 0, "image": None}
    settings = {"box": "auto", "engine": "auto"}
    assert before == {
        "state": "missing",
        **nothing,
        **settings,
        "message": "The agent is not set up on this machine.",
    }
    assert answer == {"run": "set-up-agent", "status": "started", "message": "The agent is being set up."}
    assert message["type"] == 3
    assert message["message"].startswith(f"The agent is set up: OpenHands SDK 1.0 on Python {version}, ")
    assert message["message"].endswith(" Generate tests again to let it take on what is left.")
    assert (after["state"], after["sdk"], after["python"]) == ("set-up", "1.0", version)
    assert after["bytes"] > 0
    assert again["status"] == "set-up"
    assert again["message"] == f"The agent is set up: OpenHands SDK 1.0 on Python {version}."


async def test_its_progress_is_shown_to_its_end(editor_for: EditorFactory, server: tuple[str, ...]) -> None:
    async with editor_for(FULL, argv=server, options={"notifications": True}) as editor:
        await editor.command(SET_UP, {})
        await ended(editor)

    begin, *reports, end = editor.progress()
    assert (begin["title"], begin["cancellable"]) == ("Setting up the agent", True)
    percentages = [value["percentage"] for value in reports]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100
    lines = [value["message"] for value in reports]
    assert any(line.startswith("installing packages: 2 of 2") for line in lines)
    assert "importing it once in a box" in lines
    assert end["message"] == "done"
    begun, over = editor.all_of("testwright/agentChanged")
    assert begun == {"state": "setting-up", "message": "", "severity": "info"}
    assert (over["state"], over["severity"]) == ("set-up", "info")
    assert over["message"].startswith("The agent is set up: OpenHands SDK 1.0")


async def test_a_client_that_shows_ends_itself_gets_no_message(
    editor_for: EditorFactory, server: tuple[str, ...]
) -> None:
    async with editor_for(VSCODE, argv=server, options={"reports": True}) as editor:
        await editor.command(SET_UP, {})
        await editor.wait_for("testwright/agentChanged", lambda params: params["state"] == "set-up", timeout=120)
        assert await state(editor) == "set-up"
        assert editor.all_of("window/showMessage") == []


async def by_progress(editor: EditorClient) -> None:
    (created,) = editor.all_of("window/workDoneProgress/create")
    editor.notify("window/workDoneProgress/cancel", {"token": created["token"]})


async def by_name(editor: EditorClient) -> None:
    assert await editor.command("testwright.cancelRun", {"run": "set-up-agent"}) == {"cancelled": ["set-up-agent"]}


async def with_all(editor: EditorClient) -> None:
    assert await editor.command("testwright.cancelRun") == {"cancelled": ["set-up-agent"]}


@pytest.mark.parametrize("cancel", [by_progress, by_name, with_all])
async def test_it_can_be_cancelled_and_taken_up_again(
    editor_for: EditorFactory, server: tuple[str, ...], tmp_path: Path, cancel: Any
) -> None:
    agents = tmp_path / "cache" / FOLDER
    async with editor_for(FULL, argv=server, options={"notifications": True}) as editor:
        assert await state(editor) == "missing"
        async with held(agents, lambda: None):  # as another set-up does
            assert (await editor.command(SET_UP, {}))["status"] == "started"
            await editor.wait_for(
                "$/progress", lambda params: "waiting for another set-up" in params["value"].get("message", "")
            )
            assert (await editor.command(SET_UP, {}))["status"] == "already-running"
            assert await state(editor) == "setting-up"
            await cancel(editor)
            message = await ended(editor)
        assert message["message"].startswith("The set-up of the agent was cancelled. What was fetched is kept")
        assert (await editor.progress_end())["message"] == "cancelled"
        assert await state(editor) == "missing"
        assert await editor.command("testwright.cancelRun", {"run": "set-up-agent"}) == {"cancelled": []}
        since = len(editor.received)
        await editor.command(SET_UP, {})
        assert "The agent is set up" in (await ended(editor, since=since))["message"]
        assert await state(editor) == "set-up"


async def test_the_end_of_the_server_ends_it(
    editor_for: EditorFactory, server: tuple[str, ...], tmp_path: Path
) -> None:
    agents = tmp_path / "cache" / FOLDER
    async with editor_for(FULL, argv=server) as editor:
        await state(editor)  # which makes the folder
        async with held(agents, lambda: None):
            await editor.command(SET_UP, {})
            await editor.wait_for(
                "$/progress", lambda params: "waiting for another set-up" in params["value"].get("message", "")
            )
            await editor.request("shutdown", None)
            editor.notify("exit", None)
            assert await editor.process.wait() == 0


async def test_what_keeps_it_from_being_set_up_is_told(
    editor_for: EditorFactory, server: tuple[str, ...], house: Wheelhouse
) -> None:
    for wheel in house.folder.glob("openhands_tools*"):
        wheel.unlink()
    async with editor_for(FULL, argv=server) as editor:
        await editor.command(SET_UP, {})
        message = await ended(editor)
        assert await state(editor) == "missing"

    assert message["type"] == 1
    assert message["message"].startswith("The agent was not set up. ")
    assert (await_end := editor.progress()[-1])["kind"] == "end"
    assert await_end["message"] == "failed"


async def test_an_image_for_docker_is_made_in_a_terminal(editor_for: EditorFactory, server: tuple[str, ...]) -> None:
    async with editor_for(VSCODE, argv=server, options={"settings": {"agentBox": "docker"}}) as editor:
        assert (await editor.request(AGENT, {}))["box"] == "docker"
        with pytest.raises(RequestFailed, match=r"its image is made in a terminal\. Run `testwright setup docker`"):
            await editor.command(SET_UP, {})


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"sdk": "latest"}, "sdk of testwright.setUpAgent must be one of pinned, newest, not a text."),
        ({"uri": "file:///x"}, "testwright.setUpAgent does not take 'uri'."),
    ],
)
async def test_a_wrong_argument_is_a_sentence(
    editor_for: EditorFactory, argument: dict[str, Any], sentence: str
) -> None:
    async with editor_for(FULL) as editor:
        with pytest.raises(RequestFailed) as caught:
            await editor.command(SET_UP, argument)
    assert str(caught.value).startswith(sentence)


async def test_the_action_is_gone_when_it_is_set_up(
    editor_for: EditorFactory, workspace: Path, server: tuple[str, ...]
) -> None:
    settings = {"testwright": {"engine": "openhands"}}
    async with editor_for(MINIMAL, argv=(*server, "set-up"), options={"settings": settings}) as editor:
        module = workspace / "src" / "shop" / "pricing.py"
        editor.open(module)
        await editor.command("testwright.generateTests", {"uri": module.as_uri()})
        await ended(editor)
        since = len(editor.received)
        assert "Set up the agent" in await titles(editor, module)
        await editor.command(SET_UP, {})
        await ended(editor, since=since)
        assert "Set up the agent" not in await titles(editor, module)


async def titles(editor: EditorClient, module: Path) -> list[str]:
    """Titles of the code actions at the beginning of a module."""
    start = {"line": 0, "character": 0}
    where = {"textDocument": {"uri": module.as_uri()}, "range": {"start": start, "end": start}}
    actions = await editor.request("textDocument/codeAction", {**where, "context": {"diagnostics": []}})
    return [action["title"] for action in actions]


async def test_the_offer_at_the_end_of_a_run_sets_it_up(
    editor_for: EditorFactory, workspace: Path, server: tuple[str, ...]
) -> None:
    settings = {None: {"engine": "openhands"}}
    async with editor_for(FULL, argv=(*server, "set-up"), settings=settings, answer="Set up the agent") as editor:
        module = workspace / "src" / "shop" / "pricing.py"
        editor.open(module)
        await editor.command("testwright.generateTests", {"uri": module.as_uri()})
        asked = await editor.wait_for("window/showMessageRequest", timeout=90)
        message = await ended(editor)
        assert await state(editor) == "set-up"

    assert asked["message"].startswith("The agent is not set up on this machine.")
    assert message["message"].startswith("The agent is set up: OpenHands SDK 1.0")
