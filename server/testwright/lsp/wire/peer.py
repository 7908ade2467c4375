"""Speaking to the client: requests with a time limit that leave nothing behind, notifications, messages."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any, Literal

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from testwright.lsp.wire.wording import in_editor_words

if TYPE_CHECKING:
    from pygls.protocol import LanguageServerProtocol

logger = logging.getLogger(__name__)

MessageKind = Literal["error", "warning", "info"]

_KINDS = {
    "error": types.MessageType.Error,
    "warning": types.MessageType.Warning,
    "info": types.MessageType.Info,
}


class Peer:
    """The client, as the rest of the server speaks to it.

    Args:
        protocol: pygls' protocol object.
    """

    def __init__(self, protocol: LanguageServerProtocol) -> None:
        self._protocol = protocol

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._protocol.notify(method, params)

    async def ask(self, method: str, params: Any, *, seconds: float) -> Any:
        """Send a request and wait for its answer.

        Args:
            method: Of the protocol.
            params: As lsprotocol has them.
            seconds: How long to wait; a person who must answer needs longer than a program.

        Returns:
            The result; None when the client answered with an error or not in time.
        """
        return (await self._ask(method, params, seconds))[1]

    async def accepts(self, method: str, params: Any, *, seconds: float) -> bool:
        """Send a request that has no result, and say whether the client took it in time."""
        return (await self._ask(method, params, seconds))[0]

    async def _ask(self, method: str, params: Any, seconds: float) -> tuple[bool, Any]:
        """Whether it was answered without an error, and the result."""
        msg_id = str(uuid.uuid4())
        answer = asyncio.wrap_future(self._protocol.send_request(method, params, msg_id=msg_id))
        try:
            return True, await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            logger.warning("The client did not answer %s within %g seconds", method, seconds)
        except JsonRpcException as error:
            logger.warning("The client refused %s: %s", method, error.message)
        finally:
            # pygls keeps what was never answered for ever.
            self._protocol._request_futures.pop(msg_id, None)  # noqa: SLF001
            self._protocol._result_types.pop(msg_id, None)  # noqa: SLF001
        return False, None

    def show(self, kind: MessageKind, message: str) -> None:
        """Show a message to the user."""
        self.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(_KINDS[kind], in_editor_words(message)))

    async def choose(self, kind: MessageKind, message: str, choices: tuple[str, ...], *, seconds: float) -> str | None:
        """Show a message with choices, and say which was taken; None when none was."""
        params = types.ShowMessageRequestParams(
            _KINDS[kind], in_editor_words(message), [types.MessageActionItem(choice) for choice in choices]
        )
        answer = await self.ask(types.WINDOW_SHOW_MESSAGE_REQUEST, params, seconds=seconds)
        title = getattr(answer, "title", None)
        return title if title in choices else None
