"""Commands: announced to the client by name, called with a checked argument, answered at once.

pygls keeps the work-done token of ``workspace/executeCommand`` from a command, so the request is taken here.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from testwright.lsp.features.arguments import Fields

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


class Arguments(Protocol):
    """A class of arguments, which reads itself."""

    @classmethod
    def read(cls, fields: Fields, /) -> Self:
        """Read them.

        Raises:
            WrongArgument: A field is missing or wrong.
        """
        ...


A = TypeVar("A", bound=Arguments)
Answer = Callable[["TestwrightServer", A], Awaitable[Any]]


def command(server: TestwrightServer, name: str, arguments: type[A]) -> Callable[[Answer[A]], Answer[A]]:
    """Announce a command and let a function answer it.

    Args:
        server: The server.
        name: As clients call it: ``testwright.generateTests``.
        arguments: Reads its one argument; a field that it does not ask for is refused.

    Returns:
        A decorator. The function must answer at once: clients give up after seconds.
    """

    def decorate(answer: Answer[A]) -> Answer[A]:
        @server.command(name)
        async def run(ls: TestwrightServer, params: types.ExecuteCommandParams) -> Any:
            # By the protocol that token holds until the answer, which comes at once: one of ours is better.
            fields = Fields.of_command(params, with_token=not ls.session.client.progress)
            read = arguments.read(fields)
            fields.finish()
            return await answer(ls, read)

        return answer

    return decorate


def take_execute_command(server: TestwrightServer) -> None:
    """Answer ``workspace/executeCommand`` here, with all commands that have been announced."""
    commands = server.protocol.fm.commands

    async def execute(params: types.ExecuteCommandParams) -> Any:
        if (run := commands.get(params.command)) is None:
            near = difflib.get_close_matches(params.command, commands, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise JsonRpcInvalidParams(f"There is no command {params.command[:60]!r}.{hint}")
        return await run(params)

    server.protocol.fm.add_builtin_feature(types.WORKSPACE_EXECUTE_COMMAND, execute)
