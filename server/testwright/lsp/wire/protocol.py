"""From messages to handlers, and from what goes wrong to answers.

Where pygls leaves a request without an answer, or sends a traceback, a client hangs or shows nonsense; each such case
is met here: parameters that cannot be read, an error in a handler, a request before ``initialize`` or after
``shutdown``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

from cattrs import transform_error
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from testwright.errors import TestwrightError
from testwright.lsp.wire.redaction import Redaction
from testwright.lsp.wire.streams import Garbage
from testwright.lsp.wire.wording import in_editor_words

logger = logging.getLogger(__name__)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
REQUEST_FAILED = -32803

MAX_TOLD = 300
"""Characters of a message that came from elsewhere."""


class Protocol(LanguageServerProtocol):
    """The protocol of one client.

    Attributes:
        exit_code: Set when the client has sent ``exit``: 0 after ``shutdown``, else 1.
        on_message: Told of each message that comes in or goes out, for ``$/logTrace``: direction, method, parameters.
    """

    exit_code: int | None = None
    on_message: Callable[[str, str, Any], None] | None = None

    _initialized = False
    _ending = False
    _shutdown_id: int | str | None = None

    def take(self, frame: bytes | Garbage) -> None:
        """Take what came in; nothing of it raises."""
        if isinstance(frame, Garbage):
            logger.warning("What the client sent cannot be read: %s", frame.reason)
            self._refuse(None, PARSE_ERROR, f"This is no message: {frame.reason}.")
            return
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError) as error:
            logger.warning("The client sent a message that is no JSON: %s", error)
            self._refuse(None, PARSE_ERROR, f"The message is no JSON: {error}.")
            return
        try:
            self._take_message(message)
        except Exception:
            logger.exception("A message could not be handled")
            if _is_request(message):
                self._refuse(message["id"], INTERNAL_ERROR, "The request could not be handled; the log says why.")

    def _take_message(self, message: Any) -> None:
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not _is_id(message.get("id", 0)):
            self._refuse(None, INVALID_REQUEST, "The message is no JSON-RPC 2.0 object with a number or text as id.")
            return
        method = message.get("method")
        if method is not None and not isinstance(method, str):
            self._refuse(message.get("id"), INVALID_REQUEST, "The method is no text.")
            return
        if method is not None:
            self._trace("received", method, message.get("params"))
            if not self._may_come(message, method):
                return
        elif not self._is_waited_for(message):
            return
        try:
            structured = self.structure_message(message)
        except Exception as error:  # noqa: BLE001 - whatever it was, the client must get an answer
            self._not_structured(message, error)
            return
        if method == types.INITIALIZE:
            self._initialized = True
            self.trace = structured.params.trace or types.TraceValue.Off
        elif method == types.SHUTDOWN:
            self._ending = True
            self._shutdown_id = message.get("id")
        self.handle_message(structured)

    def _may_come(self, message: dict[str, Any], method: str) -> bool:
        """Whether a message is allowed at this time; else it is answered."""
        refusal: tuple[int, str] | None = None
        if method == types.EXIT:
            return True
        if self._ending:
            refusal = (INVALID_REQUEST, f"{method} came after shutdown; only exit may.")
        elif method == types.INITIALIZE and self._initialized:
            refusal = (INVALID_REQUEST, "The server has been initialized already.")
        elif method != types.INITIALIZE and not self._initialized:
            refusal = (NOT_INITIALIZED, f"{method} came before initialize.")
        if refusal is None:
            return True
        if "id" in message:
            self._refuse(message["id"], *refusal)
        else:
            logger.warning("%s", refusal[1])
        return False

    def _is_waited_for(self, message: dict[str, Any]) -> bool:
        """Whether what has no method answers a request of ours; pygls' table of requests holds the client's as well."""
        if "id" not in message:
            self._refuse(None, INVALID_REQUEST, "The message has neither a method nor an id.")
            return False
        waiting = self._request_futures.get(message["id"])
        # Whoever waited may have been cancelled a moment ago, and not have taken its request away yet.
        if message["id"] in self._result_types and waiting is not None and not waiting.done():
            return True
        if "error" in message:
            logger.warning("The client reports an error that is no answer: %.300s", message["error"])
        else:
            logger.debug("The client has answered what was not asked, or is not waited for any more")
        return False

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Make a message of a mapping; what is wrong with it is raised as it is, and logged by the caller."""
        if "id" in data and "method" not in data:
            return self._structured_answer(data)
        fallback = "JsonRPCRequestMessage" if "id" in data else "JsonRPCNotification"
        kind = self.get_message_type(data["method"])
        if kind is None:
            kind = getattr(_json_rpc(), fallback)
            data = {**data, "params": data.get("params")}
        return self._converter.structure(data, kind)

    def _structured_answer(self, data: dict[str, Any]) -> Any:
        kind = self._result_types.pop(data["id"], None)
        if data.get("error") is not None:
            return self._converter.structure(data, types.ResponseErrorMessage)
        return self._converter.structure(data, kind or _json_rpc().JsonRPCResponseMessage)

    def _not_structured(self, message: dict[str, Any], error: Exception) -> None:
        what = _reason(error)
        if _is_request(message):
            logger.warning("The parameters of %s cannot be read: %s", message["method"], what)
            self._refuse(message["id"], INVALID_PARAMS, f"The parameters of {message['method']} are wrong: {what}.")
        elif "method" in message:
            logger.warning("The parameters of the notification %s cannot be read: %s", message["method"], what)
        else:
            logger.warning("An answer of the client cannot be read: %s", what)
            waiting = self._request_futures.pop(message["id"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _handle_request(self, msg_id: int | str, method_name: str, params: Any) -> None:
        """Let a request be handled, or say that it is not known."""
        if self._is_known(method_name):
            super()._handle_request(msg_id, method_name, params)
        else:
            logger.info("The request %s is not known", method_name)
            self._refuse(msg_id, METHOD_NOT_FOUND, f"The server has no request {method_name}.")

    def _handle_notification(self, method_name: str, params: Any) -> None:
        """Let a notification be handled, or pass over it: clients may send what a server does not know."""
        if self._is_known(method_name) or method_name == types.CANCEL_REQUEST:
            super()._handle_notification(method_name, params)
        else:
            logger.debug("The notification %s is not known", method_name)

    def _is_known(self, method: str) -> bool:
        return method in self.fm.builtin_features or method in self.fm.features

    def _execute_handler(
        self,
        msg_id: int | str,
        handler: Callable[[Any], Any],
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """As pygls does it, and forget the handler when it has ended, which pygls does only for some."""
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    def _send_handler_result(self, future: Future[Any], *, msg_id: int | str) -> None:
        """Answer a request; an error as a sentence, its traceback only in our log."""
        error = None if future.cancelled() else future.exception()
        if error is None:
            super()._send_handler_result(future, msg_id=msg_id)
            return
        self._request_futures.pop(msg_id, None)
        if isinstance(error, JsonRpcException):
            logger.info("A request was refused: %s", error.message)
            self._refuse(msg_id, error.code, error.message, error.data)
            return
        if isinstance(error, TestwrightError):
            data = {"slug": error.slug, "nextStep": in_editor_words(error.next_step)}
            self._refuse(msg_id, REQUEST_FAILED, in_editor_words(str(error)), data)
            return
        logger.error("A request failed by an error of Testwright's own", exc_info=error)
        self._refuse(
            msg_id, INTERNAL_ERROR, f"An error of Testwright's own: {type(error).__name__}. The server's log says more."
        )

    def _check_handler_result(self, future: Future[Any]) -> None:
        """Log what a notification's handler raised."""
        error = None if future.cancelled() else future.exception()
        if isinstance(error, JsonRpcException):
            logger.warning("A notification was passed over: %s", error.message)
        elif error is not None:
            logger.error("A notification could not be handled", exc_info=error)

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        """Cancel a request; what has been answered already cannot be."""
        if not _is_id(msg_id) or msg_id in self._result_types:
            return  # lsprotocol lets objects through as ids; and what we ask is not the client's to cancel
        future = self._request_futures.pop(msg_id, None)
        if future is not None:
            future.cancel()

    def _send_data(self, data: Any) -> None:
        """Send a message, and trace it by name; an answer that cannot be sent is an error to who waits for it."""
        if self.writer is None:
            return  # not connected
        method = getattr(data, "method", None)
        if method is not None and method != types.LOG_TRACE:
            self._trace("sent", method, getattr(data, "params", None))
        try:
            body = json.dumps(data, default=self._serialize_message).encode()
        except Exception:
            logger.exception("A message could not be made: %s", method or "an answer")
            if method is None and not isinstance(data, dict):
                self._refuse(data.id, INTERNAL_ERROR, "The answer could not be made; the server's log says why.")
            return
        self.writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """End what goes on; pygls stumbles over its own table of requests when one that it cancels leaves it."""
        yield self.fm.features[types.SHUTDOWN], args, None
        this = self.msg_id
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != this:
                future.cancel()
        self._shutdown = True

    async def finish_shutdown(self) -> None:
        """Wait until ``shutdown`` has been answered, should it be going on; a client need not wait to send ``exit``."""
        future = self._request_futures.get(self._shutdown_id) if self._shutdown_id is not None else None
        if future is not None:
            await asyncio.wait([asyncio.wrap_future(future)])

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> Generator[Any, Any, None]:
        """End; the loop that reads looks at ``exit_code`` after each message, and ends in order."""
        self.exit_code = 0 if self._ending else 1
        yield from ()

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> Generator[Any, Any, None]:
        """Cancel what a progress is of; our own handler knows, and pygls would warn that it does not."""
        if _is_id(params.token):  # lsprotocol lets objects through
            yield self.fm.features[types.WINDOW_WORK_DONE_PROGRESS_CANCEL], (params,), None

    def _trace(self, direction: str, method: str, params: Any) -> None:
        if self.on_message is not None:
            self.on_message(direction, method, params)

    def _refuse(self, msg_id: Any, code: int, message: str, data: object = None) -> None:
        told = Redaction().hide(message)
        error = types.ResponseError(code, told if len(told) <= MAX_TOLD else told[:MAX_TOLD] + "…", data)
        # lsprotocol leaves out an id that is null, and JSON-RPC wants it.
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": error})


def _json_rpc() -> Any:
    from pygls.protocol import json_rpc  # noqa: PLC0415 - its message classes are not exported

    return json_rpc


def _is_request(message: Any) -> bool:
    return isinstance(message, dict) and "id" in message and isinstance(message.get("method"), str)


def _is_id(value: object) -> bool:
    return value is None or (isinstance(value, int | str) and not isinstance(value, bool))


def _reason(error: Exception) -> str:
    """What is wrong with a message, in words: where, and what was expected there."""
    if isinstance(error, BaseValidationError):
        what, _, place = transform_error(error)[0].rpartition(" @ ")
        # The place is told by lsprotocol's names: $.params.text_document
        place = re.sub(r"_([a-z])", lambda match: match[1].upper(), place.removeprefix("$."))
        return f"{place}: {what}"
    return f"{type(error).__name__}: {error}"
