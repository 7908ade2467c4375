"""A client over standard input and output that behaves as an editor does, and is strict about what it is sent."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from lsp_client.profiles import Profile
from lsp_client.texts import Buffer, common_length, edited, position_of

SERVER = (sys.executable, "-m", "testwright.cli", "lsp")

METHOD_NOT_FOUND = -32601

# What a client must have announced before it is asked.
NEEDS = {
    "workspace/configuration": ("workspace", "configuration"),
    "window/workDoneProgress/create": ("window", "workDoneProgress"),
    "workspace/applyEdit": ("workspace", "applyEdit"),
    "window/showDocument": ("window", "showDocument", "support"),
    "workspace/codeLens/refresh": ("workspace", "codeLens", "refreshSupport"),
    "workspace/diagnostic/refresh": ("workspace", "diagnostics", "refreshSupport"),
    "window/showMessageRequest": ("window", "showMessage"),
}


class ServerGone(Exception):
    """The server has closed its output."""


class RequestFailed(Exception):
    """The answer was an error.

    Attributes:
        code: Of JSON-RPC.
        data: What came with it.
    """

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.data = error.get("data")


@dataclass(frozen=True, slots=True)
class Received:
    """A message from the server, and when it came (``time.monotonic``)."""

    message: dict[str, Any]
    at: float

    @property
    def method(self) -> str:
        return str(self.message.get("method", ""))

    @property
    def params(self) -> Any:
        return self.message.get("params")


@dataclass(slots=True)
class EditorClient:
    """One editor with one server.

    Attributes:
        profile: What it can do.
        folders: Its workspace folders.
        environment: Variables of the server.
        argv: How the server is started.
        options: ``initializationOptions``.
        settings: The section ``testwright`` by folder's address; None is the user's own.
        answer: Title that is chosen when a message with actions is shown, None for none; of a list the next one.
        applies: What ``workspace/applyEdit`` does: True applies, a text refuses with that reason, None never answers.
        refuses: Requests that it answers with an error, by method.
        ignores: Requests that it never answers.
        received: All that the server sent.
        violations: What it should not have sent.
        buffers: Open documents by address.
        shown: Documents that it was asked to show.
    """

    profile: Profile
    folders: Sequence[Path]
    environment: Mapping[str, str]
    argv: Sequence[str] = SERVER
    options: dict[str, Any] | None = None
    settings: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    answer: str | list[str] | None = None
    applies: bool | str | None = True
    refuses: Sequence[str] = ()
    ignores: Sequence[str] = ()
    clean_end: bool = True
    received: list[Received] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    shown: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    encoding: str = "utf-16"
    process: asyncio.subprocess.Process = field(init=False)
    _number: int = 0
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tokens: dict[int | str, str] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _gone: bool = False

    # ------------------------------------------------------------------------------------------------ life

    async def __aenter__(self) -> Self:
        await self.start()
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.clean_end and not self._gone and self.process.returncode is None:
                await self.request("shutdown", None)
                self.notify("exit", None)
                code = await asyncio.wait_for(self.process.wait(), 10)
                assert code == 0, f"exit code {code}\n{self.stderr}"
        finally:
            await self.kill()
        if kind is None:
            assert self.violations == []

    async def start(self) -> None:
        """Start the server, without a word to it."""
        self.process = await asyncio.create_subprocess_exec(
            *self.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(self.environment),
            limit=64 * 1024 * 1024,
        )
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    async def initialize(self, **further: Any) -> dict[str, Any]:
        """Shake hands."""
        params = {
            "processId": os.getpid(),
            "clientInfo": {"name": self.profile.name},
            "rootUri": self.folders[0].as_uri() if self.folders else None,
            "workspaceFolders": [{"uri": path.as_uri(), "name": path.name} for path in self.folders],
            "capabilities": self.profile.capabilities,
            "initializationOptions": self.options,
            **further,
        }
        self.result = await self.request("initialize", params)
        self.encoding = self.result["capabilities"].get("positionEncoding", "utf-16")
        self.notify("initialized", {})
        return self.result

    async def kill(self) -> None:
        """End it whatever it does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.process._transport.close()  # type: ignore[attr-defined]

    def stop_reading(self) -> None:
        """Leave what the server sends in the pipe."""
        self._output.pause_reading()

    def go_on_reading(self) -> None:
        """Read again."""
        self._output.resume_reading()

    @property
    def _output(self) -> asyncio.ReadTransport:
        transport = self.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        assert isinstance(transport, asyncio.ReadTransport)
        return transport

    # ------------------------------------------------------------------------------------------------ messages

    def send_bytes(self, data: bytes) -> None:
        """Write anything."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, message: Mapping[str, Any]) -> None:
        """Write a message."""
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """Send a request; its number, and its whole answer to come."""
        self._number += 1
        future = self.expect(self._number)
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number, future

    def expect(self, number: int) -> asyncio.Future[dict[str, Any]]:
        """The whole answer to a request that is sent as bytes."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        return future

    async def request(self, method: str, params: object, timeout: float = 20) -> Any:  # noqa: ASYNC109 - as users write it
        """Send a request and wait for its result.

        Raises:
            RequestFailed: The answer is an error.
        """
        _, future = self.ask(method, params)
        answer = await asyncio.wait_for(future, timeout)
        if "error" in answer:
            raise RequestFailed(answer["error"])
        return answer["result"]

    def cancel(self, number: int) -> None:
        """Cancel a request."""
        self.notify("$/cancelRequest", {"id": number})

    async def command(self, name: str, *arguments: object, **further: Any) -> Any:
        """Execute a command."""
        return await self.request(
            "workspace/executeCommand", {"command": name, "arguments": list(arguments), **further}
        )

    async def wait_for(
        self,
        method: str,
        wanted: Callable[[Any], bool] = lambda _: True,
        *,
        since: int = 0,
        timeout: float = 30,  # noqa: ASYNC109
    ) -> Any:
        """Wait until a message of a method came whose parameters are wanted; ``since`` is an index of ``received``."""

        def found() -> Received | None:
            return next((one for one in self.received[since:] if one.method == method and wanted(one.params)), None)

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: found() is not None or self._gone), timeout)
        match = found()
        if match is None:
            raise ServerGone(f"the server ended before {method}\n{self.stderr}")
        return match.params

    def all_of(self, method: str) -> list[Any]:
        """Parameters of all messages of a method."""
        return [one.params for one in self.received if one.method == method]

    def progress(self, token: int | str | None = None) -> list[dict[str, Any]]:
        """What was shown of one progress, or of all."""
        return [params["value"] for params in self.all_of("$/progress") if token is None or params["token"] == token]

    async def progress_end(self, *, since: int = 0, timeout: float = 60) -> dict[str, Any]:  # noqa: ASYNC109
        """Wait for the end of a progress."""
        params = await self.wait_for(
            "$/progress", lambda params: params["value"]["kind"] == "end", since=since, timeout=timeout
        )
        value: dict[str, Any] = params["value"]
        return value

    # ------------------------------------------------------------------------------------------------ documents

    def open(self, path: Path, text: str | None = None, language: str = "python") -> Buffer:
        """Open a document, with the disk's text unless another is given."""
        saved = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else None
        buffer = Buffer(text if text is not None else saved or "", saved=saved)
        self.buffers[path.as_uri()] = buffer
        item = {"uri": path.as_uri(), "languageId": language, "version": buffer.version, "text": buffer.text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return buffer

    def change(self, path: Path, text: str, *, whole: bool = False) -> None:
        """Change a document as a user would: the part that differs, or the whole of it."""
        uri = path.as_uri()
        buffer = self.buffers[uri]
        before = buffer.text
        if whole:
            changes: list[dict[str, Any]] = [{"text": text}]
        else:
            start = common_length(before, text)
            tail = common_length(before[start:][::-1], text[start:][::-1])
            end = len(before) - tail
            changes = [
                {
                    "range": {
                        "start": position_of(before, start, self.encoding),
                        "end": position_of(before, end, self.encoding),
                    },
                    "text": text[start : len(text) - tail],
                }
            ]
        buffer.undo.append(before)
        self._told(uri, text, changes)

    def undo(self, path: Path) -> None:
        """Take the last step back."""
        uri = path.as_uri()
        self._told(uri, self.buffers[uri].undo.pop(), None)

    def save(self, path: Path) -> None:
        """Save a document."""
        buffer = self.buffers[path.as_uri()]
        path.write_bytes(buffer.text.encode("utf-8", "surrogateescape"))
        buffer.saved = buffer.text
        self.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})

    def close(self, path: Path) -> None:
        """Close a document."""
        del self.buffers[path.as_uri()]
        self.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})

    def _told(self, uri: str, text: str, changes: list[dict[str, Any]] | None) -> None:
        buffer = self.buffers[uri]
        buffer.text = text
        buffer.version += 1
        self.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": uri, "version": buffer.version},
                "contentChanges": changes if changes is not None else [{"text": text}],
            },
        )

    # ------------------------------------------------------------------------------------------------ what comes in

    async def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        try:
            while True:
                length = 0
                while (line := await stream.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                    elif name.lower() != b"content-type":
                        self.violations.append(f"no header: {line!r}")
                if not line:
                    break
                await self._take(json.loads(await stream.readexactly(length)))
        except asyncio.IncompleteReadError:
            self.violations.append("the output ended in the middle of a message")
        finally:
            self._gone = True
            for future in self._answers.values():
                if not future.done():
                    future.set_exception(ServerGone(self.stderr))
                    future.exception()
            async with self._news:
                self._news.notify_all()

    async def _read_errors(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        while data := await stream.read(65536):
            self.stderr += data.decode("utf-8", "replace")

    async def _take(self, message: dict[str, Any]) -> None:
        if message.get("jsonrpc") != "2.0":
            self.violations.append(f"no JSON-RPC 2.0: {message}")
        async with self._news:
            self.received.append(Received(message, time.monotonic()))
            self._news.notify_all()
        if "method" not in message:
            self._take_answer(message)
        elif "id" in message:
            self._answer(message)
        else:
            self._check_notification(message)

    def _take_answer(self, message: dict[str, Any]) -> None:
        if ("result" in message) == ("error" in message) or "id" not in message:
            self.violations.append(f"an answer must have an id, and a result or an error: {message}")
            return
        future = self._answers.pop(message["id"], None) if message["id"] is not None else None
        if future is not None and not future.done():
            future.set_result(message)
        elif message["id"] is not None:
            self.violations.append(f"an answer to nothing: {message}")

    def _check_notification(self, message: dict[str, Any]) -> None:
        if message["method"] != "$/progress":
            return
        token, kind = message["params"]["token"], message["params"]["value"]["kind"]
        state = self._tokens.get(token)
        allowed = {"created": {"begin"}, "begun": {"report", "end"}}.get(state or "", set())
        if kind not in allowed:
            self.violations.append(f"progress {kind} of {token}, which is {state}")
        self._tokens[token] = {"begin": "begun", "report": "begun", "end": "ended"}[kind]

    def own_token(self, token: int | str) -> int | str:
        """A progress token of the client's own."""
        self._tokens[token] = "created"
        return token

    def _answer(self, message: dict[str, Any]) -> None:
        method: str = message["method"]
        params: Any = message.get("params")
        needs = NEEDS.get(method)
        if method in self.ignores:
            return
        if method in self.refuses:
            self.send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32803, "message": "not now"}})
            return
        if method == "client/registerCapability":
            for registration in params["registrations"]:
                if not self.profile.can_register(registration["method"]):
                    self.violations.append(f"registration of {registration['method']}, which was not announced")
        elif needs is None or not self.profile.has(*needs):
            self.violations.append(f"{method}, which was not announced")
            error = {"code": METHOD_NOT_FOUND, "message": f"{method} is not supported"}
            self.send({"jsonrpc": "2.0", "id": message["id"], "error": error})
            return
        handler = {
            "workspace/configuration": self._configuration,
            "window/workDoneProgress/create": self._create_progress,
            "workspace/applyEdit": self._apply_edit,
            "window/showDocument": self._show_document,
            "window/showMessageRequest": self._choose,
        }.get(method, lambda _: None)
        if method == "workspace/applyEdit" and self.applies is None:
            return
        self.send({"jsonrpc": "2.0", "id": message["id"], "result": handler(params)})

    def _configuration(self, params: Any) -> list[object]:
        return [self.settings.get(item.get("scopeUri"), self.settings.get(None, {})) for item in params["items"]]

    def _create_progress(self, params: Any) -> None:
        if params["token"] in self._tokens:
            self.violations.append(f"the token {params['token']} twice")
        self._tokens[params["token"]] = "created"

    def _choose(self, params: Any) -> dict[str, str] | None:
        titles = [action["title"] for action in params.get("actions") or []]
        answer = self.answer
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        return {"title": answer} if answer is not None and answer in titles else None

    def _show_document(self, params: Any) -> dict[str, bool]:
        self.shown.append(params)
        path = Path(unquote(urlsplit(params["uri"]).path))
        if not path.is_file():
            self.violations.append(f"showDocument of {path}, which is not there")
            return {"success": False}
        if path.as_uri() not in self.buffers:
            self.open(path, language="python" if path.suffix == ".py" else "markdown")
        return {"success": True}

    def _apply_edit(self, params: Any) -> dict[str, object]:
        if isinstance(self.applies, str):
            return {"applied": False, "failureReason": self.applies}
        edit = params["edit"]
        if "metadata" in params and not self.profile.has("workspace", "workspaceEdit", "metadataSupport"):
            self.violations.append("an edit with metadata, which was not announced")
        if edit.get("documentChanges") and not self.profile.has("workspace", "workspaceEdit", "documentChanges"):
            self.violations.append("documentChanges, which was not announced")
        changes: list[tuple[str, int | None, list[dict[str, Any]]]] = []
        for change in edit.get("documentChanges") or []:
            if "kind" in change:
                self.violations.append(f"a resource operation: {change['kind']}")
                continue
            changes.append((change["textDocument"]["uri"], change["textDocument"]["version"], change["edits"]))
        if not edit.get("documentChanges"):
            changes += [(uri, None, edits) for uri, edits in (edit.get("changes") or {}).items()]
        for uri, version, _ in changes:
            buffer = self.buffers.get(uri)
            if buffer is not None and version is not None and version != buffer.version:
                return {"applied": False, "failureReason": f"version {version} is not {buffer.version}"}
        for uri, _, edits in changes:
            self._apply(uri, edits)
        return {"applied": True}

    def _apply(self, uri: str, edits: list[dict[str, Any]]) -> None:
        if uri not in self.buffers:
            self.open(Path(unquote(urlsplit(uri).path)))
        buffer = self.buffers[uri]
        before = buffer.text
        after = edited(before, edits, self.encoding)
        buffer.undo.append(before)
        self._told(uri, after, None)


EditorFactory = Callable[..., EditorClient]
"""Makes an editor with a profile, as a fixture gives it; further arguments are attributes of the editor."""
