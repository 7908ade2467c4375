"""Runs one case in this process and says what it showed."""

from __future__ import annotations

import ast
import builtins
import collections
import collections.abc
import contextlib
import inspect
import io
import itertools
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import types
import warnings
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .cases import Case, local_names
from .names import FIXTURES, Names
from .oracles import MAX_TEXT, Express, described, equality, overrides, public_state
from .tracer import EventLimit, Tracer

NOISE = (
    TypeError,
    AttributeError,
    NameError,
    RecursionError,
    MemoryError,
    ImportError,
    AssertionError,
    NotImplementedError,
)
"""Exceptions that say more of the arguments than of the code, unless a ``raise`` of the project raised them."""


class TimeLimit(BaseException):
    """The case took too much CPU time."""


class Patch:
    """What cases use of pytest's ``monkeypatch``."""

    def __init__(self) -> None:
        self._undo: "list[Any]" = []

    def setattr(self, target: Any, name: str, value: Any, *, raising: bool = True) -> None:
        """Set an attribute until the end of the case."""
        old = getattr(target, name) if raising else getattr(target, name, None)
        inside = vars(target).get(name, _ABSENT) if hasattr(target, "__dict__") else old
        setattr(target, name, value)

        def undo() -> None:
            if inside is _ABSENT:
                delattr(target, name)
            else:
                setattr(target, name, inside)

        self._undo.append(undo)

    def setenv(self, name: str, value: str) -> None:
        """Set an environment variable until the end of the case."""
        os.environ[name] = value

    def delenv(self, name: str, *, raising: bool = True) -> None:
        """Unset an environment variable until the end of the case."""
        if raising or name in os.environ:
            del os.environ[name]

    def chdir(self, path: Any) -> None:
        """Change the folder until the end of the case."""
        before = os.getcwd()
        os.chdir(path)
        self._undo.append(lambda: os.chdir(before))

    def undo(self) -> None:
        """Undo all."""
        while self._undo:
            try:
                self._undo.pop()()
            except Exception:
                continue


_ABSENT = object()


class _Captured(NamedTuple):
    out: str
    err: str


def _buffer(stream: Any) -> io.StringIO:
    """What a case prints to; what it has put in its place holds nothing."""
    return stream if isinstance(stream, io.StringIO) else io.StringIO()


class Capture:
    """What cases use of pytest's ``capsys``."""

    def readouterr(self) -> Any:
        """Text since the last time."""
        out, err = _buffer(sys.stdout), _buffer(sys.stderr)
        taken = _Captured(out.getvalue(), err.getvalue())
        for stream in (out, err):
            stream.seek(0)
            stream.truncate(0)
        return taken


@dataclass
class Seen:
    """What a case showed.

    Attributes:
        status: ``ok``, ``raised`` (on purpose), ``noise`` (an exception that says nothing of the code), ``arrange``
            (failed before the act), ``limit``, ``litter`` (changed the folder it was run in).
        lines, arcs: Of the target.
        kind: Type of the result or of the exception.
        written: Files that the act made or changed, below the scratch.
        digest: A short text that tells results apart.
        wrap: What the act must be wrapped in, empty when nothing.
        asserts: Expressions.
        looked: Whether it was looked for something to assert.
        strength: 0 nothing to assert, 1 weak (``is None`` alone), 2 good.
    """

    status: str
    lines: "list[int]" = field(default_factory=list)
    arcs: "list[tuple[int, int]]" = field(default_factory=list)
    kind: str = ""
    digest: str = ""
    wrap: str = ""
    asserts: "list[str]" = field(default_factory=list)
    strength: int = 0
    exception: str = ""
    match: str = ""
    warns: str = ""
    deliberate: bool = False
    failed: int = -1
    produced: str = ""
    written: "list[str]" = field(default_factory=list)
    looked: bool = False
    imports: "dict[str, Any]" = field(default_factory=dict)
    events: int = 0


class Runner:
    """Runs cases in a process that is there for nothing else."""

    def __init__(
        self, names: Names, tracer: Tracer, raises: "set[int]", roots: "tuple[str, ...]", project: str
    ) -> None:
        self.names = names
        self.tracer = tracer
        self.raises = raises
        self.roots = roots
        self.project = project

    def run(self, case: Case, *, observe: bool, seed: int = 0, known: "Any" = None) -> Seen:
        """Run a case.

        Args:
            case: The case.
            observe: Whether to say what can be asserted.
            seed: Seed of ``random`` for the case; different ones show what depends on chance.
            known: Features known already; with ``observe`` False, a case that brings none is not looked at closely.
        """
        scratch: "str | None" = None
        used = case.used
        space: "dict[str, Any]" = self.names.namespace(used)
        space["__name__"] = "test_case"
        patch = Patch()
        needs_folder = "tmp_path" in used
        if needs_folder:
            scratch = os.path.realpath(tempfile.mkdtemp(prefix="case"))
            space["tmp_path"] = pathlib.Path(scratch)
        if "monkeypatch" in used:
            space["monkeypatch"] = patch
        if "capsys" in used:
            space["capsys"] = Capture()
        random.seed(seed)
        environment = dict(os.environ)
        folder = os.getcwd()
        out, err = io.StringIO(), io.StringIO()
        saved = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                return self._run(case, space, scratch, warned, None if observe else known, environment)
        finally:
            self.tracer.stop()
            sys.stdout, sys.stderr = saved
            patch.undo()
            if os.environ != environment:
                os.environ.clear()
                os.environ.update(environment)
            try:
                os.chdir(folder)
            except OSError:
                os.chdir("/")
            if scratch:
                shutil.rmtree(scratch, ignore_errors=True)

    def _run(
        self,
        case: Case,
        space: "dict[str, Any]",
        scratch: "str | None",
        warned: Any,
        known: Any,
        environment: "dict[str, str]",
    ) -> Seen:
        try:
            statements = [compile(source, "<case>", "exec") for source in case.arrange]
            act = compile(case.act, "<case>", "eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return Seen("arrange")
        tracer = self.tracer
        tracer.start()
        for index, code in enumerate(statements):
            try:
                exec(code, space)
            except (EventLimit, TimeLimit):
                return Seen("limit")
            except BaseException:
                tracer.stop()
                return Seen("arrange", failed=index)
        tracer_pause = sys.gettrace()
        express = Express(self.names, scratch, self._places())
        before: "dict[str, Any]" = {}
        files: "dict[str, Any]" = {}
        sys.settrace(None)
        try:
            variables = [name for name in local_names(case.arrange) if name in space]
            before = {name: _state(space[name], express) for name in variables}
            files = _tree(scratch)
            litter = set(os.listdir("."))
        except (EventLimit, TimeLimit):
            return Seen("limit")
        except BaseException:
            before = {}
        sys.settrace(tracer_pause)
        printed_before = len(_buffer(sys.stdout).getvalue())
        del warned[:]
        result: Any = None
        raised: "BaseException | None" = None
        try:
            result = eval(act, space)
        except (EventLimit, TimeLimit):
            return Seen("limit")
        except BaseException as exception:
            raised = exception
        tracer.stop()
        seen = Seen("ok", events=tracer.events)
        seen.lines = sorted(tracer.lines)
        seen.arcs = sorted(tracer.arcs)
        try:
            if raised is not None:
                self._exception(seen, case, raised, express)
            else:
                seen.kind = type(result).__module__ + "." + type(result).__qualname__
                seen.wrap = _wrap_of(result)
                if seen.wrap:
                    if inspect.iscoroutine(result):
                        result.close()
                    return seen
                if type(result).__module__ != "builtins":
                    seen.produced = seen.kind
                seen.digest = _digest(result)
            fresh = (
                known is None
                or any(line not in known for line in seen.lines)
                or any(arc not in known for arc in seen.arcs)
            )
            if fresh:
                if set(os.listdir(".")) - litter:
                    seen.status = "litter"
                    return seen
                self._asserts(
                    seen, case, space, before, files, scratch, express, result, raised, printed_before, environment
                )
                if scratch and raised is None:
                    seen.written = [name for name, text in sorted(_tree(scratch).items()) if files.get(name) != text]
                if warned:
                    self._warning(seen, warned)
                seen.imports = (
                    {n: list(self.names.imports[n]) for n in sorted(self.names.imports)} if known is None else {}
                )
        except (EventLimit, TimeLimit):
            return Seen("limit")
        except RecursionError:
            return Seen("noise")
        return seen

    def _places(self) -> "tuple[str, ...]":
        found = [os.getcwd(), environ_home(), *self.roots]
        return tuple(dict.fromkeys(place for place in found if len(place) > 4))

    def _warning(self, seen: Seen, warned: Any) -> None:
        for message in warned:
            if str(message.filename) == self.tracer.file or message.filename == "<case>":
                named = self.names.of(message.category)
                if named:
                    seen.warns = named
                    return

    def _exception(self, seen: Seen, case: Case, raised: BaseException, express: Express) -> None:
        cls = type(raised)
        seen.kind = cls.__module__ + "." + cls.__qualname__
        frames = []
        entered = ""
        trace = raised.__traceback__
        while trace is not None:
            frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
            if trace.tb_frame.f_code.co_filename == self.tracer.file:
                entered = entered or trace.tb_frame.f_code.co_name
            trace = trace.tb_next
        file, line = frames[-1] if frames else ("", 0)
        in_target = any(name == self.tracer.file for name, _line in frames)
        on_purpose = file == self.tracer.file and line in self.raises
        if not on_purpose and file.startswith(self.roots) and file != self.tracer.file:
            on_purpose = _is_raise(file, line)
        if isinstance(raised, SystemExit):
            on_purpose = in_target
        if file == "<case>" and in_target and str(raised) == "boom":
            on_purpose = True  # what a function given by the case raises comes through
        if isinstance(raised, TypeError) and not in_target and self.tracer.lines and _REFUSED.search(str(raised)):
            on_purpose = True  # the operator's method ran and gave NotImplemented
        seen.deliberate = on_purpose
        seen.digest = str(raised)[:80]
        if raised_by_argument(case.act, entered, case.target):
            seen.status = "noise"  # the call that the case is about was never made
            return
        if not in_target and not on_purpose:
            seen.status = "noise"
            return
        if not on_purpose and (isinstance(raised, NOISE) or not isinstance(raised, Exception)):
            seen.status = "noise"
            return
        named = self.names.of(cls)
        if named is None or cls in (Exception, BaseException):
            seen.status = "noise" if named is None else "raised"
        else:
            seen.status = "raised"
        seen.exception = named or ""
        text = str(raised)
        if express.scratch and express.scratch in text:
            text = text.partition(express.scratch)[0].rstrip("'\" ")
        text = text.split("\n")[0]
        if isinstance(raised, OSError) and raised.errno is not None:
            text = ""  # the operating system's words, which are others elsewhere
        if text and express.portable(text) and not any(0xD800 <= ord(c) <= 0xDFFF for c in text):
            seen.match = text[:120]
        if cls in (Exception, BaseException) and not seen.match:
            seen.status = "noise"
        seen.strength = 2 if on_purpose else 1

    def _asserts(
        self,
        seen: Seen,
        case: Case,
        space: "dict[str, Any]",
        before: "dict[str, Any]",
        files: "dict[str, Any]",
        scratch: "str | None",
        express: Express,
        result: Any,
        raised: "BaseException | None",
        printed_before: int,
        environment: "dict[str, str]",
    ) -> None:
        seen.looked = True
        found: "list[str]" = []
        printed = _buffer(sys.stdout).getvalue()[printed_before:]
        same = None
        if raised is None:
            for name in before:
                if (
                    space.get(name) is result
                    and result is not None
                    and not isinstance(result, (int, str, bytes, float, bool, tuple))
                ):
                    same = name
            if same is not None and same != case.act:
                found.append(f"result is {same}")
            else:
                found.extend(equality("result", result, express))
                if not found or found == [] or _vague(result, found):
                    found.extend(described("result", result, express))
        weak_only = not found or found == ["result is None"]
        changes: "list[str]" = []
        for name, old in before.items():
            if name not in space or (name == same and case.act == name):
                continue
            now = _state(space[name], express)
            if now == old:
                continue
            for template, source in now.items():
                if old.get(template) != source and source is not None:
                    changes.extend(_compare(template.format(name), source))
        if weak_only and not changes and raised is None:
            # That nothing has changed is what can be seen of a call without a result.
            name = case.act.partition(".")[0]
            if name in before and name in space:
                for template, source in _state(space[name], express).items():
                    if source is not None:
                        changes.extend(_compare(template.format(name), source))
        found.extend(change for change in changes[:5] if len(change) <= MAX_TEXT)
        if scratch:
            for name, content in _tree(scratch).items():
                if files.get(name) != content:
                    found.extend(_file_asserts(name, content, express))
            for name in files:
                if name not in _tree(scratch):
                    found.append(f"not (tmp_path / {name!r}).exists()")
        checked = [line for line in found if self._true(line, space, result)]
        if printed and len(printed) < MAX_TEXT:
            source = express.text(printed)
            if source is not None and "capsys" not in case.used:
                checked.append(f"capsys.readouterr().out == {source}")
        current: Any = os.environ
        if type(current) is not dict and dict(current) != environment:
            seen.wrap = "environ"
        elif type(current) is dict:  # what the case itself has put there
            bound = self.names.bind("os")
            source = express(dict(os.environ))
            if bound and source and len(source) <= MAX_TEXT:
                checked.append(f"{bound}.environ == {source}")
        seen.asserts = list(dict.fromkeys(checked))
        if raised is None:
            strong = [line for line in seen.asserts if line != "result is None"]
            seen.strength = 2 if strong else (1 if seen.asserts and weak_only else 0)

    def _true(self, line: str, space: "dict[str, Any]", result: Any) -> bool:
        if "pytest.approx(" in line:
            return True
        try:
            extra = self.names.namespace(
                frozenset(node.id for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name))
            )
            for name in extra:
                if name in space and space[name] is not extra[name]:
                    return False
            return bool(eval(line, {**extra, **space, "result": result}))
        except Exception:
            return False


def environ_home() -> str:
    """The home folder, empty when there is none."""
    home = os.path.expanduser("~")
    return "" if home == "~" else home


def _vague(result: Any, found: "list[str]") -> bool:
    return len(found) == 1 and found[0].startswith("len(") and not isinstance(result, (str, bytes, list, dict))


def _compare(subject: str, source: str) -> "list[str]":
    if source in ("None", "True", "False"):
        return [f"{subject} is {source}"]
    return [f"{subject} == {source}"]


def _state(value: Any, express: Express) -> "dict[str, str | None]":
    if isinstance(
        value, (int, str, bytes, float, type(None), types.FunctionType, type, types.ModuleType, pathlib.PurePath)
    ):
        return {}
    if isinstance(value, (io.StringIO, io.BytesIO)):
        try:
            return {"{}.getvalue()": express(value.getvalue())}
        except ValueError:
            return {"{}.closed": "True"}
    if isinstance(value, (list, dict, set, bytearray, collections.deque)) and type(value).__module__ in (
        "builtins",
        "collections",
    ):
        return {"{}": express(value)}
    if isinstance(value, collections.abc.Iterator):
        return {}
    return {template: express(part) for template, part in public_state(value).items()}


def _tree(scratch: "str | None") -> "dict[str, Any]":
    found: "dict[str, Any]" = {}
    if scratch is None:
        return found
    for top, folders, files in os.walk(scratch):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(top, name)
            relative = os.path.relpath(path, scratch)
            try:
                if os.path.getsize(path) < 5000:
                    with open(path, "rb") as stream:
                        found[relative] = stream.read()
            except OSError:
                continue
            if len(found) > 30:
                return found
    return found


def _file_asserts(name: str, content: bytes, express: Express) -> "list[str]":
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return [f"(tmp_path / {name!r}).read_bytes() == {content!r}"] if len(content) < 200 else []
    source = express.text(text.replace("\r\n", "\n"))
    if source is None or len(source) > MAX_TEXT:
        return [f"(tmp_path / {name!r}).exists()"]
    if not text.isascii():
        return [f"(tmp_path / {name!r}).read_text(encoding='utf-8') == {source}"]
    return [f"(tmp_path / {name!r}).read_text() == {source}"]


def _wrap_of(result: Any) -> str:
    if inspect.iscoroutine(result):
        return "run"
    if isinstance(result, collections.abc.AsyncIterator):
        return "collect"
    if isinstance(result, collections.abc.Awaitable):
        return ""
    if isinstance(result, io.IOBase):
        return ""
    if isinstance(result, contextlib.AbstractContextManager) and type(result).__module__ == "contextlib":
        return "enter"
    if isinstance(result, (types.GeneratorType, collections.abc.Iterator)):
        return "list" if _ends(result) else "take"
    if type(result) in (tuple, list) and result and not isinstance(result[0], io.IOBase):
        if all(isinstance(part, collections.abc.Iterator) for part in result):
            return "list-each"
        if all(isinstance(part, collections.abc.AsyncIterator) for part in result):
            return "collect-each"
        if type(result) is tuple and len(result) == 2 and isinstance(result[1], collections.abc.Iterator):
            return "list-rest" if _ends(result[1]) else ""
    if type(result).__name__ in ("dict_keys", "dict_values", "dict_items", "odict_keys"):
        return "list"
    return ""


def _ends(result: Any) -> bool:
    """Whether an iterator ends within reach."""
    try:
        return sum(1 for _ in itertools.islice(result, 300)) < 300
    except (EventLimit, TimeLimit):
        raise
    except BaseException:
        return True


def _digest(result: Any) -> str:
    try:
        if isinstance(result, (str, int, float, bytes, bool, type(None), list, tuple, dict, set)):
            return repr(result)[:120]
        if overrides(type(result), "__repr__"):
            return repr(result)[:120]
    except BaseException:
        return "?"
    return type(result).__qualname__


_REFUSED = re.compile(r"not supported between instances of|unsupported operand type")
_RAISES: "dict[str, set[int]]" = {}


def _is_raise(file: str, line: int) -> bool:
    lines = _RAISES.get(file)
    if lines is None:
        lines = set()
        try:
            tree = ast.parse(pathlib.Path(file).read_bytes())
        except (OSError, SyntaxError, ValueError):
            tree = ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise):
                lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        _RAISES[file] = lines
    return line in lines


__all__ = ["FIXTURES", "Runner", "Seen", "TimeLimit", "builtins"]


def raised_by_argument(act: str, entered: str, target: str) -> bool:
    """Whether an exception comes from a call that only makes an argument: ``load`` in ``total(load("a"))``.

    Args:
        act: Source of the expression.
        entered: Name of the module's function through which the exception came first; empty when there was none.
        target: Qualified name of what the case is about.
    """
    if entered and entered == target.rpartition(".")[2]:
        return False
    outer = ast.parse(act, mode="eval").body
    while isinstance(outer, (ast.Await, ast.Attribute, ast.Subscript)):
        outer = outer.value
    if not isinstance(outer, ast.Call) or _called(outer) == entered:
        return False
    given = [*outer.args, *(keyword.value for keyword in outer.keywords)]
    inner = [node for value in given for node in ast.walk(value) if isinstance(node, ast.Call)]
    if not entered:
        return bool(inner)
    own = {"__init__", "__new__", "__post_init__"} if _called(outer)[:1].isupper() else set()
    return entered not in own and entered in {_called(call) for call in inner}


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]
