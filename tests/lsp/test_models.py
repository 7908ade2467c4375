"""Which models would be asked, and the user's consent, as an editor sees and changes them. Nothing is sent for either."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from lsp_client import FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile, RequestFailed
from scripted_provider import ScriptedProvider, answer
from virtual_clock import VirtualClock

MODELS = "testwright.models"
CONSENT = "testwright.consent"
GENERATE = "testwright.generateTests"

ASKING = (sys.executable, str(Path(__file__).parents[1] / "support" / "asking_server.py"))
"""A server whose engine asks a model one thing."""

KEY = "sk-or-v1-canary-0123456789abcdef"
QUESTION = "May Testwright send code of workspace to models at openrouter.ai?"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """With a key, and without a keyring of this machine."""
    return {**environment, "OPENROUTER_API_KEY": KEY, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


async def status(editor: EditorClient, **argument: Any) -> str:
    found = await editor.command(CONSENT, {"action": "show", **argument})
    assert KEY not in str(found)
    return str(found["status"])


def questions(editor: EditorClient) -> list[str]:
    return [params["message"] for params in editor.all_of("window/showMessageRequest")]


# ------------------------------------------------------------------------------------------------ models


async def test_the_models_are_shown_with_why_and_without_the_key(
    editor_for: EditorFactory, tmp_path: Path, workspace: Path, profile: Profile
) -> None:
    async with editor_for(profile) as editor:
        found = await editor.command(MODELS, {})
        if profile.has("window", "showDocument", "support"):
            shown = await editor.wait_for("window/showDocument")
            path = tmp_path / "state" / "reports" / "models-for-workspace.md"
            assert shown["uri"] == path.as_uri()
            assert path.read_text(encoding="utf-8") == found["markdown"]
        else:
            told = await editor.wait_for("window/showMessage")
            assert "`testwright models explain`" in told["message"]

    assert found["uri"] == workspace.as_uri()
    assert len(found["models"]) >= 2
    first = found["models"][0]
    markdown = found["markdown"]
    assert markdown.startswith("# Models for workspace\n")
    assert f"| 1 | {first['model']} | {first['provider']} | free |" in markdown
    assert "- openrouter: there is one, in the environment of the server." in markdown
    assert "Nothing is sent before you agree" in markdown
    assert KEY not in str(found) + editor.stderr


async def test_without_a_key_none_can_be_asked_and_each_says_why(
    editor_for: EditorFactory, environment: dict[str, str]
) -> None:
    bare = {name: value for name, value in environment.items() if name != "OPENROUTER_API_KEY"}
    async with editor_for(FULL, environment=bare) as editor:
        found = await editor.command(MODELS, {"show": False})
        with pytest.raises(RequestFailed, match="There is no model that could be asked, so there is nothing to agree"):
            await editor.command(CONSENT, {})

    assert found["models"] == []
    assert (
        "- openrouter: there is none. Set `OPENROUTER_API_KEY` for the server (in VS Code: Set API Key)."
        in found["markdown"]
    )
    assert editor.shown == []


async def test_a_preferred_model_of_the_editors_settings_comes_first(editor_for: EditorFactory) -> None:
    settings = {"preferredModel": "acme/sparrow:free"}
    async with editor_for(FULL, settings={None: settings}) as editor:
        found = await editor.command(MODELS, {"show": False})

    assert found["models"][0]["model"] == "acme/sparrow:free"
    assert "Preferred by the settings" in found["models"][0]["why"]


async def test_what_a_repository_may_not_choose_is_told_and_not_done(
    editor_for: EditorFactory, workspace: Path
) -> None:
    project = workspace / "pyproject.toml"
    project.write_text('[tool.testwright]\nmodel-base-url = "https://evil.example/v1"\n', encoding="utf-8")
    async with editor_for(FULL) as editor:
        found = await editor.command(MODELS, {"show": False})

    assert "## Notes\n\n- model-base-url = " in found["markdown"]
    assert "a repository must not choose where code is sent" in found["markdown"]
    assert {model["provider"] for model in found["models"]} == {"openrouter"}


async def test_settings_that_cannot_be_used_are_the_answer(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, settings={None: {"preferredModel": 3}}) as editor:
        for command in (MODELS, CONSENT):
            with pytest.raises(RequestFailed, match="preferredModel in the editor's settings has a value that is not"):
                await editor.command(command, {})


# ------------------------------------------------------------------------------------------------ consent


@pytest.mark.parametrize("client", [VSCODE, NEOVIM, FULL], ids=lambda client: client.name)
async def test_the_user_is_asked_and_agrees_and_takes_it_back(editor_for: EditorFactory, client: Profile) -> None:
    async with editor_for(client, answer=["Agree"]) as editor:
        assert await status(editor) == "missing"
        asked = await editor.command(CONSENT, {})
        told = await editor.wait_for("window/showMessage")
        assert (asked["status"], asked["destinations"]) == ("asking", ["openrouter.ai"])
        assert "What is sent to them:" in asked["text"]
        assert told["message"].startswith("Code of workspace may be sent to openrouter.ai now.")
        assert await status(editor) == "given"
        editor.answer = "Withdraw"
        since = len(editor.received)
        await editor.command(CONSENT, {})
        told = await editor.wait_for("window/showMessage", since=since)
        assert told["message"] == "No code of workspace is sent to a model any more."
        assert await status(editor) == "missing"

    first, second = editor.all_of("window/showMessageRequest")
    assert first["message"].startswith(QUESTION)
    titles = [[action["title"] for action in params["actions"]] for params in (first, second)]
    assert [one[:2] for one in titles] == [["Agree", "Not now"], ["Withdraw", "Keep"]]


@pytest.mark.parametrize("reply", [None, "Not now"])
async def test_nothing_but_agree_is_consent(editor_for: EditorFactory, reply: str | None) -> None:
    async with editor_for(FULL, answer=reply) as editor:
        await editor.command(CONSENT, {})
        await editor.wait_for("window/showMessageRequest")
        assert await status(editor) == "missing"


async def test_details_are_shown_and_the_question_comes_again(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, answer=["Details", "Agree"]) as editor:
        await editor.command(CONSENT, {})
        await editor.wait_for("window/showMessage")
        assert len(questions(editor)) == 2
        (shown,) = editor.shown
        text = editor.buffers[shown["uri"]].text
        assert "- openrouter.ai, for " in text
        assert "What is not sent:" in text
        assert await status(editor) == "given"


async def test_a_client_that_shows_no_documents_tells_all_in_the_question(editor_for: EditorFactory) -> None:
    window = {name: value for name, value in VSCODE.capabilities["window"].items() if name != "showDocument"}
    client = Profile("without documents", {**VSCODE.capabilities, "window": window})
    async with editor_for(client, answer="Not now") as editor:
        answered = await editor.command(CONSENT, {})
        question = await editor.wait_for("window/showMessageRequest")

    assert [action["title"] for action in question["actions"]] == ["Agree", "Not now"]
    assert question["message"].startswith(QUESTION)
    assert question["message"].endswith(answered["text"])


async def test_a_client_that_cannot_ask_names_the_command_that_can(editor_for: EditorFactory, workspace: Path) -> None:
    async with editor_for(MINIMAL) as editor:
        answered = await editor.command(CONSENT, {})
        told = await editor.wait_for("window/showMessage")

    assert answered["status"] == "missing"
    assert told["message"].endswith(f"and agree, by `testwright consent {workspace}` in a terminal.")
    assert not MINIMAL.has("window", "showMessage")


async def test_consent_is_given_and_taken_back_by_word_and_kept_beyond_the_server(
    editor_for: EditorFactory, workspace: Path
) -> None:
    async with editor_for(FULL) as editor:
        assert (await editor.command(CONSENT, {"action": "give"}))["status"] == "given"
    async with editor_for(FULL) as editor:
        assert await status(editor) == "given"
        assert "Given on " in (await editor.command(MODELS, {"show": False}))["markdown"]
        assert (await editor.command(CONSENT, {"action": "withdraw", "uri": workspace.as_uri()}))[
            "status"
        ] == "withdrawn"
        assert await status(editor) == "missing"
    assert questions(editor) == []


async def test_each_folder_has_a_consent_of_its_own(editor_for: EditorFactory, workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with editor_for(FULL, folders=[workspace, other]) as editor:
        with pytest.raises(RequestFailed, match=r"Several folders are open: workspace, other\. Name the one"):
            await editor.command(CONSENT, {"action": "give"})
        await editor.command(CONSENT, {"action": "give", "uri": other.as_uri()})
        assert await status(editor, uri=other.as_uri()) == "given"
        assert await status(editor, uri=workspace.as_uri()) == "missing"


async def test_consent_is_of_what_was_told(editor_for: EditorFactory) -> None:
    settings: dict[str, Any] = {"dataCollection": "deny"}
    async with editor_for(FULL, options={"settings": settings}) as editor:
        await editor.command(CONSENT, {"action": "give"})
        assert await status(editor) == "given"
    async with editor_for(FULL) as editor:
        found = await editor.command(CONSENT, {"action": "show"})
    assert found["status"] == "missing"
    assert "deny" in found["message"]


async def test_it_is_not_offered_where_the_workspace_is_not_trusted(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, options={"trusted": False}) as editor:
        for action in ("ask", "give"):
            with pytest.raises(RequestFailed, match="This workspace is not trusted, so none of its code may be sent"):
                await editor.command(CONSENT, {"action": action})
        assert await status(editor) == "missing"
        assert "not asked for in a workspace that is not trusted" in (await editor.command(MODELS, {}))["markdown"]
    assert questions(editor) == []


async def test_an_agreement_that_comes_after_the_trust_was_taken_back_does_not_count(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, ignores=["window/showMessageRequest"]) as editor:
        await editor.command(CONSENT, {})
        await editor.wait_for("window/showMessageRequest")
        editor.notify("testwright/didChangeTrust", {"trusted": False})
        (asked,) = [one.message for one in editor.received if one.method == "window/showMessageRequest"]
        editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"title": "Agree"}})
        told = await editor.wait_for("window/showMessage", lambda params: "not trusted" in params["message"])
        assert told["type"] == 1
        assert await status(editor) == "missing"


async def test_one_question_at_a_time_is_enough(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, ignores=["window/showMessageRequest"]) as editor:
        assert [(await editor.command(CONSENT, {}))["status"] for _ in range(3)] == ["asking"] * 3
        await editor.wait_for("window/showMessageRequest")
        assert len(questions(editor)) == 1


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"action": "agree"}, "action of testwright.consent must be one of ask, give, withdraw, show, not a text."),
        ({"action": True}, "action of testwright.consent must be one of ask, give, withdraw, show, not true or false."),
        ({"uri": "http://example/x"}, "Only files and folders on this machine have models."),
        ({"workspace": "/x"}, "testwright.consent does not take 'workspace'."),
    ],
)
async def test_a_wrong_argument_is_a_sentence(
    editor_for: EditorFactory, argument: dict[str, Any], sentence: str
) -> None:
    async with editor_for(FULL) as editor:
        with pytest.raises(RequestFailed) as caught:
            await editor.command(CONSENT, argument)
    assert str(caught.value).startswith(sentence)


# ------------------------------------------------------------------------------------------------ runs


async def run(editor: EditorClient, pricing: Path) -> str:
    """The message at the end of a run."""
    since = len(editor.received)
    await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
    told = await editor.wait_for("window/showMessage", since=since, timeout=90)
    return str(told["message"])


async def test_a_run_that_needs_consent_lets_the_user_be_asked_once(editor_for: EditorFactory, pricing: Path) -> None:
    async with editor_for(FULL, argv=ASKING, answer="Not now") as editor:
        editor.open(pricing)
        assert (await run(editor, pricing)).startswith("Nobody has agreed that code of ")
        await editor.wait_for("window/showMessageRequest")
        await run(editor, pricing)
        for _ in range(2):  # what a question needs to be looked up takes as long
            await editor.command(MODELS, {"show": False})
        assert len(questions(editor)) == 1
        editor.answer = "Agree"
        await editor.command(CONSENT, {})
        await editor.wait_for("window/showMessage", lambda params: "may be sent" in params["message"])
    assert [question.startswith(QUESTION) for question in questions(editor)] == [True, True]


async def test_a_client_that_shows_the_ends_of_runs_itself_is_told_the_reason_and_asks_then(
    editor_for: EditorFactory, pricing: Path
) -> None:
    async with editor_for(VSCODE, argv=ASKING, options={"reports": True}, answer="Agree") as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
        finished = await editor.wait_for("testwright/runFinished", timeout=90)
        assert finished["report"]["error"]["slug"] == "consent"
        assert await status(editor) == "missing"
        assert questions(editor) == []
        await editor.command(CONSENT, {"uri": finished["uri"]})
        await editor.wait_for("window/showMessage")
        assert await status(editor) == "given"


async def test_the_report_of_a_run_tells_what_was_asked(editor_for: EditorFactory, pricing: Path) -> None:
    """By a model on this machine, which needs neither key nor consent."""
    async with ScriptedProvider(VirtualClock()) as server:
        server.play("sparrow", answer("Hello."))
        settings = {"modelBaseUrl": server.base_url, "preferredModel": "sparrow"}
        async with editor_for(FULL, argv=ASKING, options={"settings": settings}) as editor:
            editor.open(pricing)
            assert await status(editor) == "not-needed"
            await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax"})
            offered = await editor.wait_for("window/showMessageRequest", timeout=90)
            found = await editor.command("testwright.showReport", {"show": False})
    (use,) = found["report"]["models"]
    assert (use["model"], use["requests"], use["answers"]) == ("sparrow", 1, 1)
    assert "## Models that were asked\n" in found["markdown"]
    assert "| sparrow (" in found["markdown"]
    assert [action["title"] for action in offered["actions"]] == ["Set up the agent"], "which its model could drive"
    assert questions(editor) == [offered["message"]]
    assert all(KEY not in str(request.headers) for request in server.requests), "the key is another provider's"
