"""The agent of this machine: whether it is set up, and a command that sets it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from testwright.errors import UsageError
from testwright.lsp.agent.looking import default_root, look_at_agent
from testwright.lsp.features.arguments import Fields, SetUpArguments
from testwright.lsp.features.dispatch import command
from testwright.lsp.texts.uris import path_of

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

AGENT = "testwright/agent"
SET_UP = "testwright.setUpAgent"


class AgentJson(TypedDict):
    """How the agent is set up.

    Attributes:
        state: ``set-up``, ``missing`` or ``setting-up``.
        sdk: Version of its SDK; None when it is missing.
        python: Version of its Python; likewise.
        bytes: What its own environment takes on the disk; 0 without one.
        image: Its image in Docker; None without one.
        box: Where it would run, by the settings.
        engine: What proposes tests, by the settings.
        message: The state as a sentence.
    """

    state: str
    sdk: str | None
    python: str | None
    bytes: int
    image: str | None
    box: str
    engine: str
    message: str


def register(server: TestwrightServer) -> None:
    """Register the request, which takes an object with ``uri`` or an empty one, and the command."""

    @server.feature(AGENT)
    async def agent(ls: TestwrightServer, params: object) -> AgentJson:
        fields = Fields(AGENT, params)
        uri = fields.optional_text("uri")
        fields.finish()
        return await _agent(ls.session, uri)

    @command(server, SET_UP, SetUpArguments)
    async def set_up(ls: TestwrightServer, given: SetUpArguments) -> dict[str, Any]:
        return await ls.session.agent.start(given.sdk, given.token)


async def _agent(session: Session, uri: str | None) -> AgentJson:
    path = None if uri is None else path_of(uri)
    if uri is not None and path is None:
        raise UsageError("Only files and folders on this machine have settings.", next_step="Name one of them in uri.")
    root = default_root(session) if path is None else session.folders.root_of(path)
    seen = await look_at_agent(session, root)
    state = seen.state
    is_going = session.agent.is_going
    return {
        "state": "setting-up" if is_going else state.state,
        "sdk": state.sdk,
        "python": state.python,
        "bytes": state.size,
        "image": state.image,
        "box": seen.settings.agent_box,
        "engine": seen.settings.engine,
        "message": "The agent is being set up just now." if is_going else state.words,
    }
