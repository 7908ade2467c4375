"""The wire: whatever comes in is answered or told of, and nothing but messages goes out."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lsp_client import FULL, EditorClient, EditorFactory, RequestFailed
from lsp_client.client import SERVER

ODD = (sys.executable, str(Path(__file__).parents[1] / "support" / "odd_server.py"))

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
REQUEST_CANCELLED = -32800
REQUEST_FAILED = -32803

STATUS = "testwright/status"


def body(method: str, params: object = None, number: int | None = None) -> bytes:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(message if number is None else {**message, "id": number}).encode()


def frame(content: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(content), content)


def unasked_errors(editor: EditorClient) -> list[tuple[int, str]]:
    """Answers to messages that had no id, or none that could be read."""
    errors = [one.message["error"] for one in editor.received if "id" in one.message and one.message["id"] is None]
    return [(error["code"], error["message"]) for error in errors]


async def refusal(editor: EditorClient, method: str, params: object = None) -> tuple[int, str]:
    with pytest.raises(RequestFailed) as caught:
        await editor.request(method, params)
    return caught.value.code, str(caught.value)


async def written(editor: EditorClient, text: str, seconds: float = 5) -> None:
    """Wait for a text on standard error."""
    async with asyncio.timeout(seconds):
        while text not in editor.stderr:  # noqa: ASYNC110 - it comes from another process
            await asyncio.sleep(0.02)


async def settled(editor: EditorClient) -> dict[str, Any]:
    """The server's state, some time later."""
    await asyncio.sleep(0.5)
    status: dict[str, Any] = await editor.request(STATUS, None)
    return status


async def ended(editor: EditorClient, seconds: float = 10) -> int:
    """Exit code of the server; ``Process.wait`` would wait for its pipes to be read, too."""
    async with asyncio.timeout(seconds):
        while editor.process.returncode is None:  # noqa: ASYNC110 - asyncio has no other way
            await asyncio.sleep(0.02)
    return editor.process.returncode


# ---------------------------------------------------------------------------------------------------- what comes in


HEADERS = (
    "content-length: {}\r\n\r\n",
    "CONTENT-LENGTH:{}\r\n\r\n",
    "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
    "Content-Length: {}\r\nContent-Type: application/vscode-jsonrpc; charset=utf8\r\n\r\n",
    "X-Other: 1\r\nContent-Length : {}  \r\nX-More: 2\r\n\r\n",
    "Content-Length: {}\n\n",
)


async def test_headers_in_any_case_and_order(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        for number, headers in enumerate(HEADERS, start=100):
            content = body("odd/unknown", number=number)
            answer = editor.expect(number)
            editor.send_bytes(headers.format(len(content)).encode() + content)
            assert (await asyncio.wait_for(answer, 10))["error"]["code"] == METHOD_NOT_FOUND, headers
        assert unasked_errors(editor) == []


GARBAGE: Mapping[str, tuple[bytes, int, str]] = {
    "lines": (b"hello\r\nis anyone there?\r\n", PARSE_ERROR, "25 bytes that are no message were passed over"),
    "http": (
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        PARSE_ERROR,
        "bytes that are no message were passed over",
    ),
    "binary": (bytes(range(256)) + b"\n", PARSE_ERROR, "257 bytes that are no message were passed over"),
    "no JSON": (frame(b"{'method': 1}"), PARSE_ERROR, "The message is no JSON: Expecting property name"),
    "empty": (frame(b""), PARSE_ERROR, "The message is no JSON: Expecting value"),
    "no text": (frame(b"\xff\xfe\xfd\xfc"), PARSE_ERROR, "The message is no JSON"),
    "deep": (frame(b"[" * 100_000), PARSE_ERROR, "The message is no JSON"),
    "a number that is too long": (frame(b"1" * 100_000), PARSE_ERROR, "The message is no JSON"),
    "a list": (frame(b"[]"), INVALID_REQUEST, "The message is no JSON-RPC 2.0 object"),
    "a batch": (frame(b"[" + body(STATUS, number=7) + b"]"), INVALID_REQUEST, "The message is no JSON-RPC 2.0 object"),
    "another version": (frame(b'{"jsonrpc": "1.0", "method": "x"}'), INVALID_REQUEST, "no JSON-RPC 2.0 object"),
    "an odd id": (frame(b'{"jsonrpc": "2.0", "id": [1], "method": "x"}'), INVALID_REQUEST, "number or text as id"),
    "an odd method": (frame(b'{"jsonrpc": "2.0", "method": {}}'), INVALID_REQUEST, "The method is no text."),
    "longer than told": (frame(body(STATUS))[:-1] + b"   garbage}\r\n", PARSE_ERROR, "no JSON"),
    "a long header": (
        b"X-Long: " + b"a" * 200_000 + b"\r\n",
        PARSE_ERROR,
        "bytes that are no message were passed over",
    ),
    "a long line": (b"a" * 200_000 + b"\r\n", PARSE_ERROR, "200002 bytes that are no message were passed over"),
    "a length that is none": (b"Content-Length: -5\r\n\r\n", PARSE_ERROR, "bytes that are no message were passed over"),
}


async def test_garbage_is_told_and_the_next_message_is_read(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        for name, (garbage, code, reason) in GARBAGE.items():
            before = len(unasked_errors(editor))
            editor.send_bytes(garbage)
            assert (await editor.request(STATUS, None))["documents"] == 0, name
            errors = unasked_errors(editor)[before:]
            assert errors, name
            assert errors[0][0] == code, name
            assert reason in errors[0][1], name
            assert len(errors[0][1]) < 400, name
            if code == PARSE_ERROR:
                await written(editor, reason.removeprefix("The message is "))
        assert "Traceback" not in editor.stderr


async def test_what_is_longer_than_told_costs_no_later_message(editor_for: EditorFactory) -> None:
    """The rest of a body stands in the same line as the next header."""
    async with editor_for(FULL) as editor:
        content = body("odd/unknown")
        editor.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(content) - 4, content))
        assert (await editor.request(STATUS, None))["documents"] == 0
        assert [code for code, _ in unasked_errors(editor)] == [PARSE_ERROR, PARSE_ERROR]


async def test_a_message_can_come_in_pieces(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        await settled(editor)  # the client's own answers would get between
        answer = editor.expect(100)
        for byte in frame(body(STATUS, number=100)):
            editor.send_bytes(bytes([byte]))
            await asyncio.sleep(0.001)
        assert "result" in await asyncio.wait_for(answer, 10)
        assert unasked_errors(editor) == []


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"Content-Length: 999999999999\r\n\r\n", "a message of 999999999999 bytes was announced"),
        (b"Content-Length: 100\r\n\r\n{}", "the stream ended after 2 of 100 bytes of a message"),
        (b"hello", "the stream ended after 5 bytes that are no message"),
    ],
)
async def test_what_cannot_be_read_on_from_is_an_end(editor_for: EditorFactory, sent: bytes, reason: str) -> None:
    editor = editor_for(FULL, clean_end=False)
    async with editor:
        editor.send_bytes(sent)
        assert editor.process.stdin is not None
        editor.process.stdin.close()
        assert await asyncio.wait_for(editor.process.wait(), 10) == 1
        await written(editor, reason)
    assert [code for code, _ in unasked_errors(editor)] == [PARSE_ERROR]
    assert "Traceback" not in editor.stderr


async def test_a_length_beyond_all_reason_is_not_waited_for(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, clean_end=False) as editor:
        editor.send_bytes(b"Content-Length: %d\r\n\r\n" % (257 * 1024 * 1024))
        assert await asyncio.wait_for(editor.process.wait(), 10) == 1


# ---------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("textDocument/codeAction", {}, "params.textDocument: required field missing."),
        ("textDocument/codeAction", None, "params: invalid value for type, expected CodeActionParams."),
        (
            "textDocument/codeAction",
            [1, 2],
            "params.textDocument: invalid value for type, expected TextDocumentIdentifier.",
        ),
        (
            "textDocument/codeAction",
            {
                "textDocument": {"uri": "file:///x.py"},
                "range": {"start": {"line": "one", "character": 0}, "end": {"line": 0, "character": 0}},
                "context": {"diagnostics": []},
            },
            "params.range.start.line: invalid value for type, expected int.",
        ),
        ("workspace/executeCommand", {"arguments": []}, "params.command: required field missing."),
    ],
)
async def test_wrong_parameters_are_answered(
    editor_for: EditorFactory, method: str, params: object, reason: str
) -> None:
    async with editor_for(FULL) as editor:
        code, message = await refusal(editor, method, params)
        assert code == INVALID_PARAMS
        assert message == f"The parameters of {method} are wrong: {reason}"
        assert editor.all_of("window/showMessage") == []


async def test_wrong_parameters_of_a_notification_are_logged(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        editor.notify("textDocument/didOpen", {"textDocument": 5})
        told = await editor.wait_for("window/logMessage")
        assert "The parameters of the notification textDocument/didOpen cannot be read" in told["message"]
        assert (await editor.request(STATUS, None))["documents"] == 0


async def test_what_is_not_known_is_said_so_once(editor_for: EditorFactory) -> None:
    async with editor_for(FULL) as editor:
        code, message = await refusal(editor, "odd/unknown", {"x": 1})
        assert (code, message) == (METHOD_NOT_FOUND, "The server has no request odd/unknown.")
        editor.notify("$/odd", {"x": 1})
        editor.notify("odd/unknown", {"x": 1})
        await editor.request(STATUS, None)
        assert editor.all_of("window/showMessage") == []
        assert editor.all_of("window/logMessage") == []


@pytest.mark.parametrize("method", ["odd/raise", "odd/raiseLater"])
async def test_an_error_of_ours_is_a_sentence_to_the_client_and_a_traceback_in_the_log(
    editor_for: EditorFactory, method: str
) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        code, message = await refusal(editor, method)
        assert code == INTERNAL_ERROR
        assert message == "An error of Testwright's own: LookupError. The server's log says more."
        await written(editor, "LookupError: the secret reason")
        assert "Traceback (most recent call last)" in editor.stderr
        assert editor.all_of("window/showMessage") == []
        assert (await settled(editor))["requests"] == 0


async def test_an_error_in_a_notification_is_logged(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        editor.notify("odd/raiseOnNotification", None)
        told = await editor.wait_for("window/logMessage")
        assert "LookupError: the secret reason" in told["message"]
        assert editor.all_of("window/showMessage") == []


async def test_a_refusal_has_a_next_step(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        with pytest.raises(RequestFailed) as caught:
            await editor.request("odd/refuse", None)
        assert caught.value.code == REQUEST_FAILED
        assert str(caught.value) == "This cannot be. Let it be."
        assert caught.value.data == {"slug": "settings", "nextStep": "Let it be."}


async def test_an_answer_that_is_no_json_is_an_error(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        code, message = await refusal(editor, "odd/noJson")
        assert code == INTERNAL_ERROR
        assert message == "The answer could not be made; the server's log says why."
        await written(editor, "A message could not be made")


async def test_requests_out_of_order_are_refused(editor_for: EditorFactory, pricing: Path) -> None:
    editor = editor_for(FULL)
    await editor.start()
    try:
        assert await refusal(editor, STATUS) == (NOT_INITIALIZED, f"{STATUS} came before initialize.")
        assert (await refusal(editor, "shutdown"))[0] == NOT_INITIALIZED
        editor.open(pricing)  # passed over
        await editor.initialize()
        assert (await editor.request(STATUS, None))["documents"] == 0
        again: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}
        assert await refusal(editor, "initialize", again) == (
            INVALID_REQUEST,
            "The server has been initialized already.",
        )
        await editor.request("shutdown", None)
        assert await refusal(editor, STATUS) == (INVALID_REQUEST, f"{STATUS} came after shutdown; only exit may.")
        assert (await refusal(editor, "shutdown"))[0] == INVALID_REQUEST
        editor.notify("exit", None)
        assert await asyncio.wait_for(editor.process.wait(), 10) == 0
    finally:
        await editor.kill()
    assert editor.violations == []


async def test_an_initialize_that_cannot_be_read_can_be_sent_again(editor_for: EditorFactory) -> None:
    editor = editor_for(FULL)
    await editor.start()
    try:
        assert (await refusal(editor, "initialize", {"capabilities": 3}))[0] == INVALID_PARAMS
        assert (await editor.initialize())["serverInfo"]["name"] == "testwright"
    finally:
        await editor.kill()


async def test_a_cancelled_request_is_answered_once(editor_for: EditorFactory, tmp_path: Path) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        number, answer = editor.ask("odd/sleep", None)
        await editor.request(STATUS, None)
        for _ in range(3):
            editor.cancel(number)
        assert (await asyncio.wait_for(answer, 5))["error"]["code"] == REQUEST_CANCELLED
        done, _ = editor.ask(STATUS, None)
        await editor.request(STATUS, None)
        editor.cancel(done)  # has been answered
        editor.cancel(12345)  # never was
        assert (await settled(editor))["requests"] == 0
        answers = [one.message for one in editor.received if one.message.get("id") == number]
        assert len(answers) == 1
        assert (tmp_path / "woken").exists()
        assert editor.all_of("window/logMessage") == []


async def test_nothing_is_kept_of_what_has_been_answered_or_never_will_be(
    editor_for: EditorFactory, pricing: Path
) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        editor.open(pricing)
        before = await settled(editor)
        for _ in range(20):
            with pytest.raises(RequestFailed):
                await editor.command("testwright.generateTests", {"uri": 5})
            await editor.command("testwright.cancelRun", {})
            await editor.request("odd/ask", {"seconds": 5})
            editor.change(pricing, editor.buffers[pricing.as_uri()].text + "# more\n")
            number, answer = editor.ask("odd/sleep", None)
            editor.cancel(number)
            await answer
        after = await settled(editor)
        assert {name: after[name] for name in ("requests", "tasks", "progressTokens")} == {
            name: before[name] for name in ("requests", "tasks", "progressTokens")
        }


async def test_a_client_that_never_answers_costs_a_time_limit_and_nothing_else(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await settled(editor)
        editor.ignores = ("workspace/configuration",)
        assert await editor.request("odd/ask", {"seconds": 0.2}) is None
        editor.ignores = ()
        assert (await settled(editor))["requests"] == 0
        await written(editor, "The client did not answer workspace/configuration within 0.2 seconds")
        # An answer that comes too late, twice, or to nothing, is passed over.
        for number in ("never-asked", 17, None):
            editor.send({"jsonrpc": "2.0", "id": number, "result": []})
            editor.send({"jsonrpc": "2.0", "id": number, "error": {"code": 1, "message": "no"}})
            editor.send({"jsonrpc": "2.0", "id": number})
        assert (await settled(editor))["requests"] == 0
        assert "Traceback" not in editor.stderr


async def test_an_answer_with_the_id_of_a_request_that_is_being_handled_does_no_harm(
    editor_for: EditorFactory,
) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        number, answer = editor.ask("odd/sleep", None)
        editor.send({"jsonrpc": "2.0", "id": number, "result": "mine"})
        editor.send({"jsonrpc": "2.0", "id": number, "error": {"code": 1, "message": "mine"}})
        editor.cancel(number)
        assert (await asyncio.wait_for(answer, 5))["error"]["code"] == REQUEST_CANCELLED
        assert (await settled(editor))["requests"] == 0


ODDITIES: tuple[Any, ...] = (
    None, True, -1, 0, 2**40, 1.5, "", "x", "file:///", "file:///%FF", "file:///%00", "file://host/x", "file:///\ud800", "http://[", "\ud800", "\0", [], [[]], {}, {"a": 1},
)  # fmt: skip


def spoiled(value: Any, source: Random) -> Any:
    """The value with something in it missing, odd, or too much."""
    if isinstance(value, dict) and value and source.random() < 0.85:
        name = source.choice(list(value))
        if source.random() < 0.2:
            return {other: one for other, one in value.items() if other != name}
        return {**value, name: spoiled(value[name], source)}
    if isinstance(value, list) and value and source.random() < 0.85:
        return [spoiled(value[0], source), *value[1:]]
    return source.choice(ODDITIES)


async def test_every_request_is_answered_once_whatever_is_wrong_with_it(
    editor_for: EditorFactory, pricing: Path
) -> None:
    source = Random(11)
    uri = pricing.as_uri()
    place = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}
    valid: tuple[tuple[str, Any], ...] = (
        ("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": place, "context": {"diagnostics": []}}),
        ("workspace/executeCommand", {"command": "testwright.cancelRun", "arguments": [{"run": "generate-1"}]}),
        ("workspace/executeCommand", {"command": "testwright.restartBoxes", "arguments": [{}]}),
        ("workspace/executeCommand", {"command": "testwright.showReport", "arguments": [{"uri": uri, "show": False}]}),
        ("workspace/executeCommand", {"command": "testwright.discardTests", "arguments": [{"run": "generate-1"}]}),
        (
            "workspace/executeCommand",
            {"command": "testwright.rejectTests", "arguments": [{"run": "x", "tests": ["y"]}]},
        ),
        ("textDocument/codeLens", {"textDocument": {"uri": uri}}),
        ("codeLens/resolve", {"range": place, "data": {"uri": uri, "name": "x", "line": 1}}),
        ("textDocument/diagnostic", {"textDocument": {"uri": uri}, "previousResultId": "1"}),
        ("testwright/coverage", {"uri": uri}),
        (STATUS, {"a": [1]}),
    )
    notifications: tuple[tuple[str, Any], ...] = (
        ("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"range": place, "text": "x"}]}),
        ("textDocument/didClose", {"textDocument": {"uri": uri}}),
        ("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": "x = 1"}}),
        ("workspace/didChangeConfiguration", {"settings": {"testwright": {"budget": 1}}}),
        ("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 1}]}),
        ("workspace/didChangeWorkspaceFolders", {"event": {"added": [{"uri": uri, "name": "x"}], "removed": []}}),
        ("window/workDoneProgress/cancel", {"token": "x"}),
        ("$/cancelRequest", {"id": 1}),
        ("testwright/didChangeInterpreter", {"folderUri": uri, "python": "x"}),
    )  # fmt: skip
    async with editor_for(FULL, settings={None: {"diagnostics": True}}) as editor:
        editor.open(pricing)
        asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        for _ in range(400):
            method, params = source.choice(notifications)
            editor.notify(method, spoiled(params, source))
            method, params = source.choice(valid)
            number, answer = editor.ask(method, spoiled(params, source))
            asked[number] = answer
        await asyncio.wait_for(asyncio.gather(*asked.values()), 60)
        assert (await editor.request(STATUS, None))["version"]
        numbers = [one.message["id"] for one in editor.received if not one.method]
        assert all(numbers.count(number) == 1 for number in asked)
        crashes = [answer.result()["error"] for answer in asked.values() if "error" in answer.result()]
        assert [error for error in crashes if error["code"] == INTERNAL_ERROR] == []
    assert "Traceback" not in editor.stderr


# ---------------------------------------------------------------------------------------------------- what goes out


async def test_what_is_printed_does_not_get_between_the_messages(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD) as editor:
        await editor.request("odd/print", None)
        for source in ("print", "write", "echo"):
            await written(editor, f"printed by {source}\n")
        await written(editor, "standard input holds b''")


async def test_a_client_that_reads_slowly_gets_all_and_others_do_not_wait_for_it(
    editor_for: EditorFactory, environment: dict[str, str]
) -> None:
    """The loop goes on while 20 MiB wait."""
    async with editor_for(FULL, argv=ODD) as editor:
        editor.stop_reading()
        _, flood = editor.ask("odd/flood", {"megabytes": 20})
        editor.notify("odd/log", {"level": 30, "text": "still here"})
        await written(editor, "still here")
        assert not flood.done()
        editor.go_on_reading()
        await asyncio.wait_for(flood, 20)
        assert len(editor.all_of("odd/water")) == 20


async def test_a_client_that_does_not_read_is_given_up(editor_for: EditorFactory) -> None:
    async with editor_for(FULL, argv=ODD, clean_end=False) as editor:
        editor.stop_reading()
        editor.ask("odd/flood", {"megabytes": 80})
        await written(editor, "the client has not read the last 67108864 bytes", seconds=15)
        assert await ended(editor) == 1


# ---------------------------------------------------------------------------------------------------- connections


@pytest.mark.parametrize("descriptor", ["stdin", "stdout"])
@pytest.mark.parametrize("kind", ["file", "null"])
def test_only_over_pipes(environment: dict[str, str], tmp_path: Path, descriptor: str, kind: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" if kind == "file" else Path("/dev/null")
    with path.open("r+b") as other:
        read, write = (other if descriptor == end else subprocess.PIPE for end in ("stdin", "stdout"))
        server = subprocess.Popen(SERVER, stdin=read, stdout=write, stderr=subprocess.PIPE, env=environment)
        _, errors = server.communicate(timeout=10)
    assert server.returncode == 2
    assert errors.decode() == (
        "testwright: The language server speaks over pipes, and its standard input or output is none. Let an editor "
        "start `testwright lsp`, or give --tcp 127.0.0.1:0 to connect to it by hand.\n"
    )


INITIALIZE = frame(body("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1))
FAREWELL = frame(body("shutdown", number=2)) + frame(body("exit"))


def test_over_a_socket(environment: dict[str, str]) -> None:
    """As Node gives to the processes that it starts."""
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        SERVER, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE, env=environment
    ) as server:
        theirs.close()
        ours.settimeout(10)
        ours.sendall(INITIALIZE + FAREWELL)
        with ours, ours.makefile("rb") as answers:
            everything = answers.read()
        assert server.wait(10) == 0
        assert server.stderr is not None
        assert b"Traceback" not in server.stderr.read()
    assert re.findall(rb'"id": (\d)', everything) == [b"1", b"2"]


def test_with_standard_error_closed(environment: dict[str, str]) -> None:
    """What would have its number must not be what is written to."""
    command = ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(INITIALIZE)
        server.stdin.flush()
        first = server.stdout.readline()
        assert Path(f"/proc/{server.pid}/fd/2").readlink() == Path("/dev/null")
        server.stdin.write(frame(body("odd/unknown", number=7)) + FAREWELL)
        server.stdin.flush()
        rest = server.stdout.read()
        assert server.wait(10) == 0
    assert re.findall(rb'"id": (\d)', first + rest) == [b"1", b"7", b"2"]


def test_over_a_port(environment: dict[str, str]) -> None:
    command = [*SERVER, "--tcp", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as server:
        assert server.stderr is not None
        assert server.stdout is not None
        match = re.fullmatch(rb"testwright: listening on 127\.0\.0\.1:(\d+)\n", server.stderr.readline())
        assert match is not None
        port = int(match[1])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(INITIALIZE)
            with client.makefile("rb") as answers:
                assert answers.readline().startswith(b"Content-Length: ")
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port), timeout=10)
                client.sendall(FAREWELL)
                assert b'"id": 2' in answers.read()
        assert server.wait(10) == 0
        assert server.stdout.read() == b""


def test_the_end_of_a_connection_is_the_end(environment: dict[str, str]) -> None:
    with subprocess.Popen([*SERVER, "--tcp", "0"], stderr=subprocess.PIPE, env=environment) as server:
        assert server.stderr is not None
        port = int(server.stderr.readline().rpartition(b":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        assert server.wait(10) == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [("nonsense", "is no address"), ("127.0.0.1:99999", "is no address"), ("192.0.2.1:7000", "cannot listen on")],
)
def test_a_port_that_cannot_be_had(environment: dict[str, str], address: str, said: str) -> None:
    server = subprocess.run([*SERVER, "--tcp", address], capture_output=True, env=environment, timeout=15, check=False)
    assert server.returncode == 2
    assert said in server.stderr.decode()
    assert b"Traceback" not in server.stderr
