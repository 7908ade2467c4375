"""What the server writes down: on standard error, and in the client's log from the level on that the user wants.

Neither holds the value of a key (``redaction``), nor, below level ``debug``, what messages carry: text of documents and
settings is the user's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lsprotocol import types

from testwright.lsp.wire.redaction import Redaction

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer

Level = Literal["error", "warning", "info", "debug"]
Format = Literal["text", "json"]

NUMBERS: dict[str, int] = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}

_KINDS = (
    (logging.ERROR, types.MessageType.Error),
    (logging.WARNING, types.MessageType.Warning),
    (logging.INFO, types.MessageType.Info),
    (logging.DEBUG, types.MessageType.Log),
)

STANDARD_ERROR = 2

MAX_PARAMS = 2000
"""Characters of parameters in a verbose trace."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written on standard error.

    Attributes:
        level: From which level on.
        format: ``text`` for people, ``json`` for machines: an object on each line.
    """

    level: Level = "info"
    format: Format = "text"


@contextlib.contextmanager
def start_logs(settings: LogSettings, server: TestwrightServer) -> Iterator[None]:
    """Write down what is logged, and what the client wants traced, until the end of the block."""
    redaction = Redaction()
    errors = ErrorHandler(STANDARD_ERROR)
    errors.setLevel(NUMBERS[settings.level])
    errors.setFormatter(JsonLines(redaction) if settings.format == "json" else Lines(redaction))
    clients = ClientHandler(server, redaction)
    # Libraries log from level warning on: pygls would log each message with its content at level info.
    ours, others = logging.getLogger("testwright"), logging.getLogger()
    ours.setLevel(min(errors.level, clients.level))
    ours.propagate = False
    for logger in (ours, others):
        logger.addHandler(errors)
        logger.addHandler(clients)
    server.protocol.on_message = Trace(server, redaction)
    try:
        yield
    finally:
        server.protocol.on_message = None
        for logger in (ours, others):
            logger.removeHandler(errors)
            logger.removeHandler(clients)
        ours.propagate = True


def set_client_level(level: str) -> None:
    """From which level on the client's log is written; the setting ``logLevel``."""
    logger = logging.getLogger("testwright")
    for handler in logger.handlers:
        if isinstance(handler, ClientHandler):
            handler.setLevel(NUMBERS[level])
    logger.setLevel(min((handler.level for handler in logger.handlers), default=logging.WARNING))


class Lines(logging.Formatter):
    """A line for a person: time, level, where, what."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it the traceback if there is one."""
        return self._redaction.hide(super().format(record))


class JsonLines(logging.Formatter):
    """A JSON object: ``time`` (seconds since the epoch), ``level``, ``logger``, ``message``, ``traceback``."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The object on one line."""
        content: dict[str, Any] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redaction.hide(record.getMessage()),
        }
        if record.exc_info:
            content["traceback"] = self._redaction.hide(self.formatException(record.exc_info))
        return json.dumps(content)


class ErrorHandler(logging.Handler):
    """Writes to standard error without waiting for whoever reads it: what finds no room is left out, and counted.

    A pipe that its reader has forgotten would otherwise stop the server.

    Args:
        descriptor: Where to write.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._left_out = 0
        self._within_line = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, and before it how many were left out."""
        try:
            if self._left_out:
                self._write(self.format(_notice(self._left_out)))
                self._left_out = 0
            self._write(self.format(record))
        except Exception:  # noqa: BLE001 - a log that fails must not end what it tells of
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name and parameters
        """Count it; what logging does would write the record where it could not be written."""
        self._left_out += 1

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace") + b"\n"
        if self._within_line:
            data = b"\n" + data
        for start in range(0, len(data), select.PIPE_BUF):
            # So many bytes can be written without waiting when any can.
            if not select.select([], [self._descriptor], [], 0)[1]:
                raise BlockingIOError
            self._within_line = True
            os.write(self._descriptor, data[start : start + select.PIPE_BUF])
        self._within_line = False


def _notice(left_out: int) -> logging.LogRecord:
    message = "%d records were left out, since what was written before had not been read"
    return logging.LogRecord(__name__, logging.WARNING, "", 0, message, (left_out,), None)


class ClientHandler(logging.Handler):
    """Writes into the client's log (``window/logMessage``) once the client has been initialized.

    To be made where the server's loop runs; records may come from other threads, too.
    """

    def __init__(self, server: TestwrightServer, redaction: Redaction) -> None:
        super().__init__(logging.WARNING)
        self._server = server
        self._redaction = redaction
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._busy = False

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; what is logged while it is sent is not sent."""
        try:
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + logging.Formatter().formatException(record.exc_info)
            kind = next((kind for level, kind in _KINDS if record.levelno >= level), types.MessageType.Log)
            params = types.LogMessageParams(kind, self._redaction.hide(text))
            if threading.get_ident() == self._thread:
                self._send(params)
            else:
                self._loop.call_soon_threadsafe(self._send, params)
        except Exception:  # noqa: BLE001 - a log that fails must not end what it tells of
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: standard error has the record as well."""

    def _send(self, params: types.LogMessageParams) -> None:
        if self._busy or not self._server.is_initialized:
            return
        self._busy = True
        try:
            self._server.protocol.notify(types.WINDOW_LOG_MESSAGE, params)
        finally:
            self._busy = False


class Trace:
    """Tells the client of each message, as it has asked for with ``$/setTrace``."""

    def __init__(self, server: TestwrightServer, redaction: Redaction) -> None:
        self._server = server
        self._redaction = redaction
        self._begun = time.monotonic()

    def __call__(self, direction: str, method: str, params: Any) -> None:
        """Tell of one message."""
        protocol = self._server.protocol
        if protocol.trace == types.TraceValue.Off or method in (types.LOG_TRACE, types.WINDOW_LOG_MESSAGE):
            return
        verbose = None
        if protocol.trace == types.TraceValue.Verbose and method != types.INITIALIZE:
            # The parameters of initialize can hold whatever a client thinks a server should know.
            text = json.dumps(params, default=protocol._serialize_message)  # noqa: SLF001 - as it is on the wire
            verbose = json.dumps(self._redaction.hide_in(json.loads(text)))[:MAX_PARAMS]
        message = f"{time.monotonic() - self._begun:.3f} s: {direction} {method}"
        protocol.notify(types.LOG_TRACE, types.LogTraceParams(self._redaction.hide(message), verbose))
