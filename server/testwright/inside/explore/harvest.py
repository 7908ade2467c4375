"""Cases that people wrote: doctests, examples in documents, call sites in the package and its tests."""

from __future__ import annotations

import ast
import doctest
import pathlib
import re
import sys
from typing import Any

from .cases import Case, pruned
from .names import BUILTINS, free_names
from .program import Program

MAX_FILES = 60
MAX_BYTES = 400_000
MAX_CASES = 400


class Harvest:
    """Collects cases for one program; nothing is run here."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names = program.names
        self.cases: "list[Case]" = []
        self.aliases = _public_aliases(program)
        self._worked_on = _classes_worked_on(program)
        self._seen: "set[Any]" = set()

    def collect(self, paths: "list[str]") -> "list[Case]":
        """All cases: first those of the module's own documentation, then of the given files."""
        self._docstrings()
        self._own_calls()
        for path in paths[:MAX_FILES]:
            file = pathlib.Path(path)
            try:
                if file.stat().st_size > MAX_BYTES:
                    continue
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            if file.suffix == ".py":
                if str(file) != self.program.file:
                    self._source(text)
            else:
                self._document(text)
            if len(self.cases) > MAX_CASES:
                break
        return self.cases

    # -- documents -------------------------------------------------------------------------------------------------

    def _docstrings(self) -> None:
        for node in ast.walk(self.program.tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node)
                if text:
                    target = "" if isinstance(node, ast.Module) else node.name
                    self._examples(text, target)
                    self._code_blocks(text)

    def _document(self, text: str) -> None:
        self._examples(text, "")
        self._code_blocks(text)

    def _examples(self, text: str, target: str) -> None:
        if ">>>" not in text:
            return
        try:
            examples = doctest.DocTestParser().get_examples(text)
        except ValueError:
            examples = []
            for block in re.split(r"\n\s*\n", text):
                try:
                    examples.extend(doctest.DocTestParser().get_examples(block))
                except ValueError:
                    continue
        statements: "list[ast.stmt]" = []
        for example in examples:
            try:
                body = ast.parse(example.source).body
            except (SyntaxError, ValueError):
                continue
            for statement in body:
                self._statement(statement, statements, target, "doctest")
                statements.append(statement)

    def _statement(self, statement: ast.stmt, before: "list[ast.stmt]", target: str, origin: str) -> None:
        """A statement of an example becomes an act, with what came before it as its arrangement."""
        if isinstance(statement, ast.Expr):
            act = statement.value
            if (
                isinstance(act, ast.Call)
                and isinstance(act.func, ast.Name)
                and act.func.id == "print"
                and len(act.args) == 1
            ):
                act = act.args[0]
            self._case(before, act, target, origin)
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.Call, ast.BinOp, ast.Subscript)):
            self._case(before, statement.value, target, origin)
        elif isinstance(statement, ast.Assert):
            self._assertion(before, statement.test, target, origin)

    def _assertion(self, before: "list[ast.stmt]", test: ast.expr, target: str, origin: str) -> None:
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Eq, ast.Is)):
            for side in (test.left, test.comparators[0]):
                if not isinstance(side, (ast.Constant, ast.Name)):
                    self._case(before, side, target, origin)
        else:
            inner = test.operand if isinstance(test, ast.UnaryOp) else test
            self._case(before, inner, target, origin)

    def _case(self, before: "list[ast.stmt]", act: ast.expr, target: str, origin: str) -> None:
        if len(self.cases) > MAX_CASES * 2:
            return
        arrange: "list[str]" = []
        for statement in before:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                self._import(statement)
            else:
                arrange.append(ast.unparse(statement))
        source = ast.unparse(act)
        needed = _needed(arrange, source)
        case = Case(self._target_of(act, target), pruned(tuple(needed), source), source, origin)
        if self._add(case):
            self._note_arguments(act)

    def _add(self, case: Case) -> bool:
        if case.key in self._seen or len(case.source) > 1200:
            return False
        for name in sorted(case.used):
            if name in self.names.objects or name in BUILTINS:
                continue
            if name in self.program.own and hasattr(self.program.module, name):
                self.names.own_name(name)
                continue
            if not self._known(name):
                return False
        if not self._concerns(case):
            return False
        self._seen.add(case.key)
        self.cases.append(case)
        return True

    def _known(self, name: str) -> bool:
        if name in self.names.objects:
            return True
        alias = self.aliases.get(name)
        if alias is not None:
            return self.names.bind(alias) == name
        if name in sys.stdlib_module_names and name in _SAFE_MODULES:
            return self.names.bind(name) == name
        return False

    def _concerns(self, case: Case) -> bool:
        """Whether it touches the module at all."""
        tree = ast.parse(case.source)
        own = self.program.own
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and (
                node.id in own or self.names.imports.get(node.id, ("",))[0] == self.program.module.__name__
            ):
                return True
            if isinstance(node, ast.Attribute) and node.attr in own:
                return True
            if isinstance(node, ast.Name) and node.id in self.names.objects:
                value = self.names.objects[node.id]
                home = getattr(value, "__module__", "")
                if home == self.program.module.__name__:
                    return True
                # How people make an object that the module works on: nobody else may know what its constructor takes.
                if isinstance(value, type) and value in self._worked_on:
                    return True
        return False

    def _import(self, node: "ast.Import | ast.ImportFrom") -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                if alias.asname is None:
                    self.names.bind(alias.name)
                continue
            if node.level or not node.module or alias.asname is not None:
                continue
            value = getattr(sys.modules.get(node.module), alias.name, None)
            if value is None:
                if node.module.partition(".")[0] in _SAFE_MODULES:
                    self.names.bind(node.module, alias.name)
                continue
            if alias.name in self.program.own and vars(self.program.module).get(alias.name) is value:
                self.names.own_name(alias.name)
            else:
                self.names.bind(node.module, alias.name)

    def _target_of(self, act: ast.expr, fallback: str) -> str:
        known = {subject.qualname: subject for subject in self.program.subjects}
        by_last: "dict[str, str]" = {}
        for subject in self.program.subjects:
            by_last.setdefault(subject.name, subject.qualname)
        for node in ast.walk(act):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                last = name.rpartition(".")[2]
                if name in known:
                    return name
                if last in by_last:
                    return by_last[last]
            elif isinstance(node, ast.Attribute) and node.attr in by_last:
                return by_last[node.attr]
        return by_last.get(fallback, fallback)

    def _note_arguments(self, act: ast.expr) -> None:
        by_last = {subject.name: subject for subject in self.program.subjects}
        for node in ast.walk(act):
            if not isinstance(node, ast.Call):
                continue
            subject = by_last.get(ast.unparse(node.func).rpartition(".")[2])
            if subject is None:
                continue
            plain = [p for p in subject.parameters if p.style in ("positional", "normal")]
            for index, argument in enumerate(node.args):
                if index < len(plain) and _is_literal(argument):
                    self.program.vocabulary.note(plain[index].name, ast.unparse(argument))
            for keyword in node.keywords:
                if keyword.arg and _is_literal(keyword.value):
                    self.program.vocabulary.note(keyword.arg, ast.unparse(keyword.value))

    def _code_blocks(self, text: str) -> None:
        blocks = re.findall(r"```(?:python|py|pycon)?\s*\n(.*?)```", text, re.DOTALL)
        blocks += [
            _dedent(block)
            for block in re.findall(
                r"(?:::|code-block:: python|Examples?:)\s*\n\n?((?:[ \t]+\S.*\n|\s*\n)+)", text + "\n"
            )
        ]
        for block in blocks:
            if ">>>" in block:
                continue
            try:
                body = ast.parse(block).body
            except (SyntaxError, ValueError):
                continue
            statements: "list[ast.stmt]" = []
            for statement in body:
                self._statement(statement, statements, "", "example")
                statements.append(statement)
        for call in re.findall(r"`([A-Za-z_][\w.]*\([^`\n]{0,80}\))`", text):
            try:
                act = ast.parse(call.strip("`"), mode="eval").body
            except (SyntaxError, ValueError):
                continue
            self._case([], act, "", "example")

    # -- source ----------------------------------------------------------------------------------------------------

    def _own_calls(self) -> None:
        self._calls(self.program.tree)

    def _source(self, text: str) -> None:
        if not any(name in text for name in self.program.own if len(name) > 2):
            return
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            return
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and self._touches(node):
                self._import(node)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                rows = _parametrized(node)
                statements: "list[ast.stmt]" = []
                for statement in node.body:
                    for row in rows or [[]]:
                        self._statement(statement, [*row, *statements], "", "example")
                    statements.append(statement)
            text_of = ast.get_docstring(node) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) else None
            if text_of:
                self._examples(text_of, "")
        self._calls(tree)

    def _touches(self, node: "ast.Import | ast.ImportFrom") -> bool:
        top = self.program.module.__name__.partition(".")[0]
        if isinstance(node, ast.ImportFrom):
            return node.level == 0 and node.module is not None and (
                node.module.partition(".")[0] == top or node.module.partition(".")[0] in _SAFE_MODULES
            )  # fmt: skip
        return any(alias.name.partition(".")[0] == top or alias.name in _SAFE_MODULES for alias in node.names)

    def _calls(self, tree: ast.AST) -> None:
        """Calls of the module's names with arguments that can be written down."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                last = name.rpartition(".")[2]
                if last in self.program.own and all(
                    _is_literal(a) for a in (*node.args, *(k.value for k in node.keywords))
                ):
                    self._note_arguments(node)
                    if node.args or node.keywords:
                        called = ast.Call(ast.Name(last, ast.Load()), node.args, node.keywords)
                        self._case([], ast.fix_missing_locations(called), "", "example")


_SAFE_MODULES = frozenset(
    {
        "datetime",
        "decimal",
        "math",
        "re",
        "itertools",
        "collections",
        "functools",
        "operator",
        "string",
        "io",
        "pathlib",
        "enum",
        "fractions",
        "uuid",
        "json",
        "time",
        "typing",
        "random",
        "textwrap",
        "os",
        "sys",
        "copy",
        "contextlib",
        "asyncio",
        "types",
        "dataclasses",
    }
)


def _classes_worked_on(program: Program) -> "frozenset[type]":
    """Classes of the same project that the module imports from elsewhere."""
    top = program.module.__name__.partition(".")[0]
    return frozenset(
        value
        for value in vars(program.module).values()
        if isinstance(value, type)
        and value.__module__ != program.module.__name__
        and value.__module__.partition(".")[0] == top
    )


def _public_aliases(program: Program) -> "dict[str, str]":
    """Modules by the name that examples use for them: the package of the target."""
    parts = program.module.__name__.split(".")
    return {parts[0]: parts[0]} if parts[0] in sys.modules else {}


def _is_literal(node: ast.AST) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _needed(arrange: "list[str]", act: str) -> "list[str]":
    """The statements that the act needs: those that bind or call on what it reads, transitively, in order."""
    wanted = set(free_names(act)) | {n.id for n in ast.walk(ast.parse(act)) if isinstance(n, ast.Name)}
    kept: "list[str]" = []
    for source in reversed(arrange):
        tree = ast.parse(source)
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound |= {
            n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
        }
        receivers = {
            n.func.value.id
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and isinstance(n.func.value, ast.Name)
        }
        changed = {
            n.value.id
            for n in ast.walk(tree)
            if isinstance(n, (ast.Subscript, ast.Attribute))
            and isinstance(n.value, ast.Name)
            and not isinstance(n.ctx, ast.Load)
        }
        changes = bound | receivers | changed
        if changes & wanted:
            kept.append(source)
            wanted |= names
    kept.reverse()
    return kept


def _parametrized(node: "ast.FunctionDef | ast.AsyncFunctionDef") -> "list[list[ast.stmt]]":
    """Rows of ``@pytest.mark.parametrize`` as assignments."""
    rows: "list[list[ast.stmt]]" = []
    for decorator in node.decorator_list:
        if not (
            isinstance(decorator, ast.Call)
            and ast.unparse(decorator.func).endswith("parametrize")
            and len(decorator.args) >= 2
        ):
            continue
        names_node, values = decorator.args[0], decorator.args[1]
        if isinstance(names_node, ast.Constant) and isinstance(names_node.value, str):
            names = [name.strip() for name in names_node.value.split(",")]
        elif isinstance(names_node, (ast.List, ast.Tuple)):
            names = [str(e.value) for e in names_node.elts if isinstance(e, ast.Constant)]
        else:
            continue
        if not isinstance(values, (ast.List, ast.Tuple)):
            continue
        for value in values.elts[:12]:
            parts = value.elts if len(names) > 1 and isinstance(value, (ast.Tuple, ast.List)) else [value]
            if len(parts) == len(names):
                rows.append(
                    [
                        ast.fix_missing_locations(ast.Assign([ast.Name(n, ast.Store())], p, lineno=0))
                        for n, p in zip(names, parts, strict=False)
                    ]
                )
    return rows[:12]


def _dedent(text: str) -> str:
    lines = text.split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    cut = min(indents, default=0)
    return "\n".join(line[cut:] for line in lines)
