"""Whether a whole test function asserts something, can fail at all, and waits for nothing outside of it (pure)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from testwright.judge.raw_places import changes_files
from testwright.model import Candidate, RawTest

_BROAD = frozenset({"Exception", "BaseException"})
_CATCHING_ASSERTIONS = _BROAD | {"AssertionError"}
_EXPECTING = frozenset({"raises", "warns", "deprecated_call"})

_OF_DOUBLES = frozenset(
    {"assert_called", "assert_called_once", "assert_called_with", "assert_called_once_with", "assert_not_called"}
    | {"assert_any_call", "assert_has_calls", "assert_awaited", "assert_awaited_once", "assert_not_awaited"}
    | {"assert_awaited_with", "assert_awaited_once_with"}
)

_OUTSIDE: Mapping[str, str] = {
    "time.sleep": "waits for real time",
    "asyncio.sleep": "waits for real time",
    "socket.socket": "opens a socket",
    "socket.create_connection": "opens a socket",
    "socket.create_server": "opens a socket",
    "urllib.request.urlopen": "needs the network",
    "http.client.HTTPConnection": "needs the network",
    "http.client.HTTPSConnection": "needs the network",
    **{
        f"{library}.{verb}": "needs the network" for library in ("requests", "httpx") for verb in ("get", "post", "put")
    },
    **{f"{library}.{verb}": "needs the network" for library in ("requests", "httpx") for verb in ("delete", "request")},
    **{f"subprocess.{name}": "starts a program" for name in ("run", "Popen", "call", "check_call", "check_output")},
    **{f"subprocess.{name}": "starts a program" for name in ("getoutput", "getstatusoutput")},
    **{f"os.{name}": "starts a program" for name in ("system", "popen", "startfile", "spawnl", "spawnv", "spawnvp")},
    **{f"asyncio.create_subprocess_{name}": "starts a program" for name in ("exec", "shell")},
    "pty.spawn": "starts a program",
    "webbrowser.open": "starts a program",
}
"""What a test calls by itself and no unit test needs; to replace it by a double is another thing."""


def parsed_raw(raw: RawTest) -> list[ast.Module]:
    """Its parts as trees, the function last.

    Raises:
        SyntaxError: A part is no Python.
        ValueError: A part is no text that Python reads.
    """
    return [ast.parse(part) for part in (*raw.support, *raw.row, raw.function)]


def cannot_fail(trees: Iterable[ast.AST]) -> str | None:
    """Why a failing assertion would not make the test fail, as a part of a sentence; None when it would."""
    for node in _walk(trees):
        match node:
            case ast.Try(body=body, handlers=handlers, finalbody=final):
                if any(isinstance(part, ast.Return | ast.Break | ast.Continue) for part in _walk(final)):
                    return "it leaves a finally block in the middle, which hides that an assertion failed"
                if _asserts(body) and any(_hides(handler) for handler in handlers):
                    return "it catches what its own assertions raise"
            case ast.With(items=items, body=body) if _asserts(body) and any(_suppresses(item) for item in items):
                return "it suppresses what its own assertions raise"
    return None


def reaches_outside(trees: list[ast.Module], candidate: Candidate) -> str | None:
    """What the test waits for, needs or changes outside of itself, as a part of a sentence; None when nothing."""
    names = _imported(trees, candidate)
    for node in _walk(trees):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            head, dot, rest = called.partition(".")
            found = f"{names.get(head, '')}{dot}{rest}"
            if found in _OUTSIDE and not _is_no_time(node):
                return f"it {_OUTSIDE[found]} ({found})"
    return changes_files(trees, candidate, names)


def _imported(trees: list[ast.Module], candidate: Candidate) -> dict[str, str]:
    """What each imported name stands for, in full."""
    names = {one.bound: _full(one.module, one.name, one.alias) for one in candidate.imports}
    for node in _walk(trees):
        if isinstance(node, ast.Import):
            names |= {
                alias.asname or alias.name.partition(".")[0]: _full(alias.name, None, alias.asname)
                for alias in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def expectations(trees: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Calls of ``pytest.raises`` and ``pytest.warns``."""
    for node in _walk(trees):
        if isinstance(node, ast.Call) and _last_name(node.func) in _EXPECTING:
            yield node


def is_narrow(call: ast.Call) -> bool:
    """Whether an expectation is met only by what the code means to do."""
    if any(word.arg == "match" for word in call.keywords):
        return True
    kinds = call.args[:1]
    if kinds and isinstance(kinds[0], ast.Tuple):
        kinds = kinds[0].elts
    names = {_last_name(kind) for kind in kinds}
    return bool(names) and not names & (_BROAD | {"Warning"})


def asserts_by_itself(trees: Iterable[ast.AST]) -> bool:
    """Whether it calls what asserts: of a double (``mock.assert_called_once_with``), of a library, or ``pytest.fail``.

    A function of this kind that comes with the test does not count by its name: its own assertions do.
    """
    trees = list(trees)
    own = {node.name for node in _walk(trees) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in _walk(trees):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in _OF_DOUBLES:
                return True
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[_, *_]) if (
                name.startswith("assert_") and name not in own
            ):
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id="pytest"), attr="fail")):
                return True
    return False


def _full(module: str, name: str | None, alias: str | None) -> str:
    return f"{module}.{name}" if name else module if alias else module.partition(".")[0]


def _asserts(body: Iterable[ast.AST]) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and _last_name(node.func).startswith(("assert", "fail", "raises")))
        for node in _walk(body)
    )


def _hides(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes an assertion's error and does not fail in its turn."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    if not any(kind is None or _last_name(kind) in _CATCHING_ASSERTIONS for kind in kinds):
        return False
    return not (_asserts(handler.body) or any(isinstance(node, ast.Raise) for node in _walk(handler.body)))


def _suppresses(item: ast.withitem) -> bool:
    match item.context_expr:
        case ast.Call(func=function, args=kinds) if _last_name(function) == "suppress":
            return any(_last_name(kind) in _CATCHING_ASSERTIONS for kind in kinds)
    return False


def _is_no_time(call: ast.Call) -> bool:
    """``asyncio.sleep(0)``, which only lets others run."""
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _walk(roots: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for root in roots:
        yield from ast.walk(root)
