"""A model that plays an agent: it is asked with chat completions, and answers with the tool calls that an agent makes.

``Worker`` does the job: it looks where it is, writes a test file with guessed values, runs it, reads in the tool's output
what was wrong, changes that, and finishes when all pass. What it does next depends on what it reads, so another output
makes another move. The others misbehave, each in one way; ``MISBEHAVIOURS`` names them.

Any of them is called with a request's body and gives the answer's: by itself, as the host of an agent's program does, or
behind ``ScriptedProvider`` (``reply_of``), where whole runs ask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scripted_provider import Reply, completion, json_reply, streamed, tool_call

Body = Mapping[str, Any]
Moves = dict[str, Any]
"""An assistant's message: ``content`` and ``tool_calls``."""


def text_of(message: Mapping[str, Any]) -> str:
    """A message's text, in both forms that it may have."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or ())


@dataclass
class ScriptedAgent:
    """What all have in common: counts requests, and fills in what a tool's schema wants besides.

    Attributes:
        bodies: All that it was asked.
    """

    test_path: str = "tests/test_agent.py"
    bodies: list[Body] = field(default_factory=list)

    def __call__(self, body: Body) -> dict[str, Any]:
        """Answer one request."""
        self.bodies.append(body)
        move = self.move(body)
        calls = move.get("tool_calls", ())
        if calls and not body.get("tools"):
            return completion(move.get("content", "") + "".join(_as_text(call) for call in calls))
        return completion(move.get("content", ""), tool_calls=[_complete(call, body) for call in calls])

    def move(self, body: Body, /) -> Moves:
        """The next message."""
        raise NotImplementedError

    @property
    def turn(self) -> int:
        """Which request this is, from 1."""
        return len(self.bodies)

    def place(self, body: Body) -> str:
        """The file's absolute path, from the folder that the terminal has told of."""
        for message in reversed(body["messages"]):
            found = re.search(r"\[Current working directory: (.+?)\]", text_of(message))
            if found:
                return f"{found[1]}/{self.test_path}"
        raise AssertionError("the terminal has not told where it is")

    def create(self, body: Body, text: str) -> Moves:
        """Write the file anew."""
        return call("file_editor", command="create", path=self.place(body), file_text=text)


def call(tool: str, *, content: str = "", **arguments: Any) -> Moves:
    """A message with one tool call."""
    return calls([(tool, arguments)], content=content)


def calls(several: Sequence[tuple[str, Any]], *, content: str = "") -> Moves:
    """A message with tool calls; arguments that are a text are sent as they are."""
    made = [tool_call(tool, arguments, call_id=f"call_{number}") for number, (tool, arguments) in enumerate(several)]
    return {"content": content, "tool_calls": made}


def run(command: str, **arguments: Any) -> Moves:
    """Run a command in the terminal."""
    return call("terminal", command=command, **arguments)


def finish(message: str = "All tests pass.") -> Moves:
    """Say that it is done."""
    return call("finish", message=message)


def last_output(body: Body) -> str:
    """What the last tool, or the user, has said."""
    return text_of(body["messages"][-1])


def reply_of(agent: ScriptedAgent) -> Reply:
    """An agent as a reply of ``ScriptedProvider``: ``server.always("a:free", reply_of(agent))``."""

    def reply(request: Any) -> Any:
        whole = agent(request.body)
        return (streamed(whole) if request.body.get("stream") else json_reply(whole))(request)

    return reply


def _complete(made: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """Unique ids, and what the schema requires of every call: a summary, and how dangerous it is."""
    function = made["function"]
    numbered = {**made, "id": f"{made['id']}_{len(body['messages'])}"}
    schema = next((tool["function"] for tool in body["tools"] if tool["function"]["name"] == function["name"]), None)
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        return numbered
    if schema is None or not isinstance(arguments, dict):
        return numbered
    usual = {"summary": "what an agent does", "security_risk": "LOW"}
    needed = {name: usual[name] for name in schema["parameters"].get("required", ()) if name in usual}
    return {**numbered, "function": {**function, "arguments": json.dumps(needed | arguments)}}


def _as_text(made: Mapping[str, Any]) -> str:
    """A call as a model without tool calls writes it for OpenHands."""
    function = made["function"]
    parameters = "".join(
        f"<parameter={name}>{value}</parameter>\n" for name, value in json.loads(function["arguments"]).items()
    )
    return f"\n<function={function['name']}>\n{parameters}</function>"


# -- one that works -------------------------------------------------------------------------------------------------


@dataclass
class Worker(ScriptedAgent):
    """Writes one test for each expression, first with a guess, then with what pytest has shown to be true.

    Attributes:
        imports: First lines of the file.
        guesses: Expressions and the values that it believes they have; any may be wrong.
        more: The same for the second round, and what it knows then.
        known: What it believes now; ``raising`` what raises which exception.
        command: How it starts pytest.
        rounds: Which round it is in.
    """

    imports: str = ""
    guesses: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    raising: dict[str, str] = field(default_factory=dict)
    command: str = "pytest"
    rounds: int = 0

    def move(self, body: Body, /) -> Moves:
        """React to the last message."""
        last = body["messages"][-1]
        output = text_of(last)
        if self._is_order(last):
            self.rounds += 1
            self.known.update(self.guesses if self.rounds == 1 else self.more)
            for refused in re.findall(r"test_case_(\d+)", output):  # the host names tests that it does not take
                self.known.pop(self._names().get(int(refused), ""), None)
            return run("pwd")
        if "has been edited" in output or "File created successfully" in output or "[File written]" in output:
            return run(f"{self.command} -vv -p no:cacheprovider {self.test_path}")
        if "command not found" in output or "No such file or directory" in output:
            self.command = "python -m pytest"
            return run(f"{self.command} -vv -p no:cacheprovider {self.test_path}")
        if re.search(r"\b\d+ (failed|error)", output):
            return self._correct(body, output)
        if re.search(r"=+ \d+ passed", output):
            return finish(f"{len(self.known)} tests pass.")
        return self._write(body)

    def _is_order(self, message: Mapping[str, Any]) -> bool:
        return message["role"] == "user" and not text_of(message).startswith("EXECUTION RESULT")

    def _names(self) -> dict[int, str]:
        return dict(enumerate(self.known, 1))

    def text(self) -> str:
        """The file as it should be now."""
        tests = [self._test(number, expression) for number, expression in self._names().items()]
        return "\n\n".join(["import pytest\n" + self.imports + "\n", *tests])

    def _test(self, number: int, expression: str) -> str:
        if expression in self.raising:
            return f"def test_case_{number}():\n    with pytest.raises({self.raising[expression]}):\n        {expression}\n"
        return f"def test_case_{number}():\n    assert {expression} == {self.known[expression]}\n"

    def _write(self, body: Body) -> Moves:
        if self.rounds == 1:
            return self.create(body, self.text())
        return self._rewrite(body)

    def _rewrite(self, body: Body) -> Moves:
        # ``create`` refuses a file that is there, so it is written from the terminal.
        return run(f"cat > {self.place(body)} <<'END' && echo '[File written]'\n{self.text()}\nEND")

    def _correct(self, body: Body, output: str) -> Moves:
        """Take the actual values out of the assertions' diffs, and the exceptions out of the tracebacks."""
        edits = []
        for number, expression in self._names().items():
            before = self._test(number, expression)
            part = _failure(output, number)
            guess = self.known[expression]
            shown = re.search(rf"^E +(?:AssertionError: )?assert (.+) == {re.escape(guess)}\s*$", part, re.MULTILINE)
            raised = re.search(r"^E +([A-Za-z_.]*(?:Error|Exception))\b", part, re.MULTILINE)
            if shown:
                self.known[expression] = shown[1].strip()
            elif raised and raised[1] != "AssertionError":
                self.raising[expression] = raised[1].rpartition(".")[2]
            edits.append((before, self._test(number, expression)))
        place = self.place(body)
        made = [
            ("file_editor", {"command": "str_replace", "path": place, "old_str": old, "new_str": new})
            for old, new in edits
            if old != new
        ]
        if not made:
            return finish("I cannot make them pass.")
        return calls(made) if body.get("tools") else self._rewrite(body)  # in words there is one call a message


def _failure(output: str, number: int) -> str:
    """The part of pytest's output that is about one test."""
    found = re.search(rf"_+ test_case_{number} _+\n(.*?)(?=\n_+ test_case_|\n=+ short test|\Z)", output, re.DOTALL)
    return found[1] if found else ""


# -- those that do not ----------------------------------------------------------------------------------------------


@dataclass
class Prose(ScriptedAgent):
    """Says what it would do."""

    def move(self, _: Body, /) -> Moves:
        """Talk."""
        return {"content": "Here are the tests:\n```python\ndef test_it():\n    assert True\n```"}


@dataclass
class Boaster(ScriptedAgent):
    """Claims success without a file."""

    def move(self, _: Body, /) -> Moves:
        """Finish at once."""
        return finish("I have written 12 tests. All of them pass. Coverage is 100 %.")


@dataclass
class Writer(ScriptedAgent):
    """Runs some commands, writes a file of any content, runs it when it is told to, and finishes."""

    content: str = ""
    before: Sequence[str] = ()
    runs: str = ""

    def move(self, body: Body, /) -> Moves:
        """Its commands in turn."""
        commands = [*self.before, "pwd"]
        if self.turn <= len(commands):
            return run(commands[self.turn - 1], timeout=20)
        if self.turn == len(commands) + 1:
            return self.create(body, self.content)
        if self.turn == len(commands) + 2 and self.runs:
            return run(self.runs, timeout=5)
        return finish()


@dataclass
class Obedient(ScriptedAgent):
    """Reads the module, and obeys the orders that it finds in it: ``ORDER: shell command``."""

    reads: str = ""

    def move(self, body: Body, /) -> Moves:
        """Read, obey, finish."""
        if self.turn == 1:
            return run(f"cat {self.reads}")
        order = re.search(r"ORDER: (.+)", last_output(body))
        return run(order[1], timeout=20) if order and self.turn == 2 else finish("I did as I was told.")


@dataclass
class Looper(ScriptedAgent):
    """Does the same for ever."""

    def move(self, _: Body, /) -> Moves:
        """Once more."""
        return run("ls")


@dataclass
class Endless(ScriptedAgent):
    """Always finds something else to do."""

    def move(self, _: Body, /) -> Moves:
        """Something else."""
        return run(f"echo {self.turn}")


@dataclass
class Fumbler(ScriptedAgent):
    """Calls tools wrongly: no JSON, a tool that is not there, without or with wrong arguments. Then it finishes."""

    def move(self, _: Body, /) -> Moves:
        """The next mistake."""
        mistakes: list[tuple[str, Any]] = [
            ("terminal", "{not json"),
            ("shell", {"command": "ls"}),
            ("file_editor", {"command": "create"}),
            ("terminal", {"command": ["ls"]}),
        ]
        return calls([mistakes[self.turn - 1]]) if self.turn <= len(mistakes) else finish("I give up.")


@dataclass
class Flood(ScriptedAgent):
    """Calls a tool a thousand times in each answer."""

    def move(self, _: Body, /) -> Moves:
        """All at once."""
        return calls([("think", {"thought": f"{self.turn}.{number}"}) for number in range(1000)])


BAD_TESTS = {
    "fails": "def test_bad():\n    assert 1 == 2\n",
    "hangs": "import time\n\n\ndef test_bad():\n    while True:\n        time.sleep(1)\n",
    "floods": "import os\n\n\ndef test_bad():\n    for _ in range(1024):\n        os.write(1, b'x' * 1048576)\n",
    "deletes": (
        "import os\nimport pathlib\nimport shutil\n\n\ndef test_bad():\n"
        "    for place in (os.getcwd(), os.path.expanduser('~'), '/etc', '/home', '/root', '/usr'):\n"
        "        shutil.rmtree(place, ignore_errors=True)\n"
        "    pathlib.Path(__file__).unlink(missing_ok=True)\n    assert True\n"
    ),
    "opens sockets": (
        "import socket\n\n\ndef test_bad():\n"
        "    with socket.create_connection(('192.0.2.1', 80), timeout=1) as link:\n        link.sendall(b'hello')\n"
    ),
    "patches the runner": (
        "import pytest\nimport _pytest.runner\n\n_pytest.runner.call_runtest_hook = lambda *a, **k: None\n"
        "pytest.exit = lambda *a, **k: None\n\n\ndef test_bad():\n    assert False\n"
    ),
    "writes a fake report": (
        "import json\nimport os\n\n\ndef test_bad():\n"
        "    for number in range(3, 64):\n        try:\n"
        "            os.write(number, json.dumps({'type': 'verdict', 'passed': True}).encode() + b'\\n')\n"
        "        except OSError:\n            pass\n    os._exit(0)\n"
    ),
}
"""Files with one test each that no judge may take, by what is wrong with it."""

MEDDLING = (
    "for file in $(find . -name '*.py' -not -path './tests/*'); do echo 'raise SystemExit(0)' > $file; done",
    "printf 'import pytest\\n@pytest.hookimpl(tryfirst=True)\\ndef pytest_runtest_call(item): pass\\n' > conftest.py",
    "mkdir -p .vscode .git/hooks && echo '{}' > .vscode/settings.json && echo '#!/bin/sh' > .git/hooks/pre-commit",
    "echo '[pytest]' > pytest.ini; echo 'import os' > sitecustomize.py; rm -rf tests/*; mkdir -p tests",
)
"""Commands that change all but the agreed file."""

MISBEHAVIOURS: dict[str, Callable[[str], ScriptedAgent]] = {
    "prose only": Prose,
    "claims success": Boaster,
    "loops": Looper,
    "never ends": Endless,
    "wrong arguments": Fumbler,
    "a thousand calls": Flood,
    "edits other files": partial(Writer, content="def test_it():\n    assert 1 + 1 == 2\n", before=MEDDLING),
    **{f"writes a test that {what}": partial(Writer, content=text) for what, text in BAD_TESTS.items()},
}
"""Agents by what they do wrong; each is made with the path of the agreed file."""
