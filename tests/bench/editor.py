"""The least that speaks to a language server over its pipes, with blocking calls, so that what is timed is the server."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {"applyEdit": True, "configuration": False, "workspaceEdit": {"documentChanges": True}},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["source", "quickfix"]}},
            "disabledSupport": True,
        },
        "codeLens": {"resolveSupport": {"properties": ["command"]}},
    },
}


class Server:
    """A language server in a process of its own.

    Args:
        argv: How it is started.
        environment: All of its variables.
        seconds: After which it is killed.

    Attributes:
        token: Of the progress that the server has created last.
    """

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], seconds: float = 600) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environment)
        )
        self.token: int | str | None = None
        self._number = 0
        # A server that does not answer is ended, and whoever reads is told so.
        self._watchdog = threading.Timer(seconds, self.process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.request("shutdown", None)
                self.notify("exit", None)
            else:
                self.process.kill()
            self.process.wait(timeout=10)
        finally:
            self._watchdog.cancel()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()

    def initialize(self, folder: Path) -> float:
        """Shake hands; the seconds from the start of the process to the answer."""
        params = {
            "processId": os.getpid(),
            "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            "capabilities": CAPABILITIES,
        }
        self.request("initialize", params)
        seconds = time.perf_counter() - self.started
        self.notify("initialized", {})
        return seconds

    def open(self, path: Path) -> None:
        """Open a document with its text on disk."""
        item = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": path.read_text(encoding="utf-8")}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def request(self, method: str, params: object) -> Any:
        """Ask, and return the result.

        Raises:
            RuntimeError: The answer is an error.
        """
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        answer = self.wait(lambda message: message.get("id") == self._number and "method" not in message)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def timed(self, method: str, params: object) -> float:
        """Ask, and return the seconds until the answer is here, decoded."""
        begun = time.perf_counter()
        self.request(method, params)
        return time.perf_counter() - begun

    def notify(self, method: str, params: object) -> None:
        """Tell."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read until a message comes that is wanted; what the server asks meanwhile is answered with null."""
        while True:
            message = self._read()
            if message.get("method") == "window/workDoneProgress/create":
                self.token = message["params"]["token"]
            if "method" in message and "id" in message:
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
            if wanted(message):
                return message

    def resident(self) -> int:
        """Memory of the server's process that is its own, in KiB (proportional set size)."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise RuntimeError("The server has ended.")
        message: dict[str, Any] = json.loads(stream.read(length))
        return message
