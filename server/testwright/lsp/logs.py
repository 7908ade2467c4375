"""What the server writes down: on standard error, and in the client's log from the level on that the user wants.

Neither holds the value of a key (``redaction``), nor, below level ``debug``, what messages carry: text of documents and
settings is the user's.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lsprotocol import types

from testwright.lsp.redaction import Redaction

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
    errors = logging.StreamHandler(sys.stderr)
    errors.setLevel(NUMBERS[settings.level])
    errors.setFormatter(JsonLines(redaction) if settings.format == "json" else Lines(redaction))
    clients = ClientHandler(server, redaction)
    ours, libraries = logging.getLogger("testwright"), logging.getLogger("pygls")
    # pygls logs each message with its content at level info.
    libraries.setLevel(logging.WARNING)
    ours.setLevel(min(errors.level, clients.level))
    for logger in (ours, libraries):
        logger.propagate = False
        logger.addHandler(errors)
        logger.addHandler(clients)
    server.protocol.on_message = Trace(server, redaction)
    try:
        yield
    finally:
        server.protocol.on_message = None
        for logger in (ours, libraries):
            logger.removeHandler(errors)
            logger.removeHandler(clients)
            logger.propagate = True


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


class ClientHandler(logging.Handler):
    """Writes into the client's log (``window/logMessage``) once the client has been initialized."""

    def __init__(self, server: TestwrightServer, redaction: Redaction) -> None:
        super().__init__(logging.WARNING)
        self._server = server
        self._redaction = redaction
        self._busy = False

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; what is logged while it is sent is not sent."""
        if self._busy or not self._server.is_initialized:
            return
        self._busy = True
        try:
            text = self._redaction.hide(record.getMessage())
            if record.exc_info:
                text += "\n" + self._redaction.hide(logging.Formatter().formatException(record.exc_info))
            kind = next((kind for level, kind in _KINDS if record.levelno >= level), types.MessageType.Log)
            self._server.protocol.notify(types.WINDOW_LOG_MESSAGE, types.LogMessageParams(kind, text))
        except Exception:  # noqa: BLE001 - a log that fails must not end what it tells of
            self.handleError(record)
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
            verbose = self._redaction.hide(text)[:MAX_PARAMS]
        message = f"{time.monotonic() - self._begun:.3f} s: {direction} {method}"
        protocol.notify(types.LOG_TRACE, types.LogTraceParams(self._redaction.hide(message), verbose))
