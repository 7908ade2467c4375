"""Tests go into an existing file: every byte of it stays, text is only put between its lines (pure)."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, replace

from testwright.errors import TargetError, WriteFailure
from testwright.writing.encoding import SourceFile
from testwright.writing.existing import is_test, logical_line_ends, parsed

_BETWEEN = 2  # blank lines between functions


@dataclass(frozen=True, slots=True)
class _Insertion:
    """Text after a number of lines."""

    after: int
    text: str


def merge_tests(original: SourceFile, imports: str, tests: str, *, first_party: str = "") -> bytes:
    """Put imports after the last top-level import, and tests after the last test.

    Args:
        original: The file that is there.
        imports: Import statements that it lacks, formatted; may be empty.
        tests: Test functions, formatted, whose names are free in the file.
        first_party: Top package of the module under test, to tell the sections of imports apart.

    Raises:
        TargetError: The file has a syntax error.
        WriteFailure: The file is laid out so that the result would not be the sum of both.
    """
    if not tests.strip() and not imports.strip():
        return _joined(original, [])
    tree = parsed(original.text)
    layout = _Layout(original, tree)
    insertions: list[_Insertion] = []
    place = layout.after_last_test()
    if imports.strip():
        insertion = layout.imports(imports.strip("\n") + "\n", place, first_party)
        if tests.strip() and insertion.after == place:  # the tests bring their own gap
            insertion = replace(insertion, text=insertion.text.rstrip("\n") + "\n")
        insertions.append(insertion)
    if tests.strip():
        insertions.append(
            layout.tests(tests.strip("\n") + "\n", place, after_imports=any(one.after == place for one in insertions))
        )
    data = _joined(original, insertions)
    _check(data, tree, imports, tests)
    return data


class _Layout:
    """Where things stand in a file."""

    def __init__(self, file: SourceFile, tree: ast.Module) -> None:
        self.file = file
        self.body = tree.body
        self.lines = file.text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self._logical_ends = logical_line_ends(file.text)

    def after_last_test(self) -> int:
        """After how many lines tests go."""
        tests = [node for node in self.body if _holds_tests(node)]
        if tests:
            return self._past_own_comments(self._end(tests[-1]))
        if self.body and _is_main_guard(self.body[-1]):
            return self._before_own_comments(self.body[-1])
        return len(self.lines)

    def imports(self, text: str, limit: int, first_party: str) -> _Insertion:
        known = [node for node in self.body if isinstance(node, ast.Import | ast.ImportFrom)]
        known = [node for node in known if self._end(node) <= limit]
        if known:
            place = self._end(known[-1])
            if _section(known[-1], first_party) != _section(ast.parse(text).body[0], first_party):
                text = "\n" + text
            return _Insertion(place, text + self._gap_after(place, 1))
        if not self.body:
            return _Insertion(len(self.lines), ("\n" if self.lines and self.lines[-1].strip() else "") + text)
        first = self.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            place = min(self._end(first), limit)
            return _Insertion(place, "\n" + text + self._gap_after(place, 1))
        place = min(self._before_own_comments(first), limit)
        before = "\n" if place and self.lines[place - 1].strip() else ""
        return _Insertion(place, before + text + self._gap_after(place, _BETWEEN))

    def tests(self, text: str, place: int, *, after_imports: bool) -> _Insertion:
        blank = 0
        while blank < place and not self.lines[place - blank - 1].strip():
            blank += 1
        if after_imports:
            blank = 0
        before = "\n" * max(0, _BETWEEN - blank) if place or after_imports else ""
        return _Insertion(place, before + text + self._gap_after(place, _BETWEEN))

    def _gap_after(self, place: int, wanted: int) -> str:
        """Blank lines that are missing before what follows, which may be another import."""
        blank = 0
        while place + blank < len(self.lines) and not self.lines[place + blank].strip():
            blank += 1
        if place + blank >= len(self.lines):
            return ""
        return "\n" * max(0, wanted - blank)

    def _end(self, node: ast.stmt) -> int:
        """The last line of the logical line on which a statement ends."""
        end = node.end_lineno or node.lineno
        return next((line for line in self._logical_ends if line >= end), len(self.lines))

    def _past_own_comments(self, end: int) -> int:
        """Comments that belong to what ends here: indented ones, and those right below with a gap after them."""
        line = end
        while line < len(self.lines):
            text = self.lines[line]
            if text.strip() and not (text[0] in " \t" and text.lstrip().startswith("#")):
                break
            line += 1
            if text.strip():
                end = line
        line = end
        while line < len(self.lines) and self.lines[line].startswith("#"):
            line += 1
        return line if line == len(self.lines) or not self.lines[line].strip() else end

    def _before_own_comments(self, node: ast.stmt) -> int:
        """Lines before a statement, its decorators and the comments right above it; a file's header stays first."""
        decorators = getattr(node, "decorator_list", [])
        first: int = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        line = first
        while line > 0 and self.lines[line - 1].startswith("#"):
            line -= 1
        return line if line > 0 else first


def _holds_tests(node: ast.stmt) -> bool:
    if isinstance(node, ast.If | ast.Try | ast.With) and not _is_main_guard(node):
        return any(_holds_tests(inner) for inner in node.body)
    return is_test(node)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and "__main__" in ast.unparse(node.test)


def _section(node: ast.stmt, first_party: str) -> int:
    """Standard library, other packages, the project's own: the sections of an import block."""
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level or module.partition(".")[0] == first_party:
            return 3
        if module == "__future__":
            return 0
    else:
        module = node.names[0].name if isinstance(node, ast.Import) else ""
    top = module.partition(".")[0]
    return 3 if top == first_party else 1 if top in sys.stdlib_module_names else 2


def _joined(original: SourceFile, insertions: list[_Insertion]) -> bytes:
    """The bytes with insertions; a file without a final newline stays one."""
    pieces: list[bytes] = [original.bom]
    unended = bool(original.lines) and not original.lines[-1].endswith((b"\n", b"\r"))
    done = 0
    for insertion in insertions:
        pieces.extend(original.lines[done : insertion.after])
        done = insertion.after
        text = insertion.text
        if unended and done == len(original.lines):
            text = "\n" + text.removesuffix("\n")
        pieces.append(original.encode(text))
    pieces.extend(original.lines[done:])
    return b"".join(pieces)


def _check(data: bytes, before: ast.Module, imports: str, tests: str) -> None:
    """The result must be the old statements and the new ones, no more and no less."""
    inserted = [ast.dump(node) for node in [*ast.parse(imports).body, *ast.parse(tests).body]]
    expected = sorted([*(ast.dump(node) for node in before.body), *inserted])
    try:
        after = sorted(ast.dump(node) for node in ast.parse(SourceFile.of(data).text).body)
    except (SyntaxError, ValueError, TargetError):
        after = []
    if len(after) != len(expected):
        raise WriteFailure(
            "The tests cannot be put into the existing test file without changing what is there.",
            next_step="Name another file with --output; the existing one was not touched.",
        )
