"""Tests go out of a test file again: those that are named, with what only they used of what came with them (pure)."""

from __future__ import annotations

import ast
import bisect
import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from testwright.errors import TargetError, UsageError, WriteFailure
from testwright.model import Import
from testwright.writing.encoding import SourceFile
from testwright.writing.existing import logical_line_ends, parsed
from testwright.writing.unused_imports import unused_imports, without_names
from testwright.writing.unused_support import bound_names, unused_support

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BETWEEN = 2  # blank lines between functions: what stands below them belongs to another


def withdraw_tests(
    data: bytes, names: Collection[str], imports: Collection[Import], support: Collection[str] = ()
) -> bytes:
    """Take test functions out of a test file, and the imports and helpers that nothing in it uses any more.

    What was merged into a file comes out so that the file is what it was, byte for byte, where it had the usual blank
    lines: two around functions, one below imports. Where it had fewer, the merge has put in what was missing, and what
    stays is two and one.

    Args:
        data: The test file.
        names: Names of functions at its top level; the last one where there are several of a name.
        imports: Imports that were added for tests. One stays while its name stands anywhere else in the file, in a
            string that may be an annotation too, and where it shares its line with other statements.
        support: Names of helpers, fixtures and constants that were added for tests. One stays under the same
            conditions, and where the file defines it a second time.

    Returns:
        The file; empty, or with imports or a docstring alone, when no test is left.

    Raises:
        UsageError: A function is not in the file.
        TargetError: The file cannot be decoded, or has a syntax error.
        WriteFailure: The file is laid out so that what is left would not be the rest of it.
    """
    file = SourceFile.of(data)
    tree = parsed(file.text)
    layout = _Layout(file, tree)
    functions = _functions(tree)
    for name in names:
        if name not in functions:
            raise _unknown(name, functions)
    gone: set[ast.stmt] = {functions[name] for name in names}
    rest = [node for node in tree.body if node not in gone]

    def text_without(others: Iterable[ast.stmt]) -> str:
        return layout.text_without([_Taken(*layout.definition(node)) for node in (*gone, *others)])

    alone = [node for node in rest if layout.is_alone(node)]
    shared = [name for node in rest if node not in alone for name in bound_names(node)]
    gone.update(unused_support([name for name in support if name not in shared], rest, text_without))
    taken = [_Taken(*layout.definition(node)) for node in gone]
    rest = [node for node in rest if node not in gone]
    for statement, aliases in unused_imports(imports, rest, layout.text_without(taken)):
        if not layout.is_alone(statement):
            continue
        first, end = layout.statement(statement)
        if len(aliases) == len(statement.names):
            gone.add(statement)
            taken.append(_Taken(first, end))
        else:
            indexes = [index for index, alias in enumerate(statement.names) if alias in aliases]
            lines = without_names("\n".join(layout.lines[first:end]), indexes).split("\n")
            taken.append(_Taken(first, end, tuple(lines)))
            statement.names = [alias for alias in statement.names if alias not in aliases]
    result = layout.without(sorted(taken))
    _check(result, [node for node in tree.body if node not in gone])
    return result


def same_definition(one: bytes, other: bytes, name: str) -> bool:
    """Whether a function, a class or a constant has the same text in two files, decorators and comments in it included.

    Args:
        one: A test file.
        other: Another, or a later state of it; line ends and encoding make no difference.
        name: Its name at the top level; the last one where there are several of a name.

    Returns:
        False too when one of them does not have it.

    Raises:
        TargetError: A file cannot be decoded, or has a syntax error.
    """
    texts = [_text_of(data, name) for data in (one, other)]
    return texts[0] is not None and texts[0] == texts[1]


def _text_of(data: bytes, name: str) -> list[str] | None:
    file = SourceFile.of(data)
    tree = parsed(file.text)
    node = next((node for node in reversed(tree.body) if name in bound_names(node)), None)
    if node is None:
        return None
    layout = _Layout(file, tree)
    first, end = layout.definition(node)
    return layout.lines[first:end]


def _functions(tree: ast.Module) -> dict[str, _Function]:
    return {node.name: node for node in tree.body if isinstance(node, _Function)}


def _unknown(name: str, functions: Collection[str]) -> UsageError:
    near = difflib.get_close_matches(name, functions, n=1)
    known = ", ".join(functions) or "none"
    return UsageError(
        f"There is no function {name} at the top level of the test file.",
        next_step=f"Did you mean {near[0]}?" if near else f"Its functions: {known}.",
    )


@dataclass(frozen=True, slots=True, order=True)
class _Taken:
    """Lines that go, from 0 and without the last: whole, or for others in their place."""

    first: int
    end: int
    instead: tuple[str, ...] = ()


class _Layout:
    """Where things stand in a file, in lines from 0; an end is the line after the last."""

    def __init__(self, file: SourceFile, tree: ast.Module) -> None:
        self.file = file
        self.lines = file.text.split("\n")[: len(file.lines)]
        self._logical_ends = logical_line_ends(file.text)
        self._ends = [self._end(node) for node in tree.body]
        self._first_code = min((self._first(node) for node in tree.body), default=len(self.lines))

    def definition(self, node: ast.stmt) -> tuple[int, int]:
        """A function or class with its decorators and the indented comments below it; another statement as it is."""
        if not isinstance(node, _Function | ast.ClassDef):
            return self.statement(node)
        end = line = self._end(node)
        while line < min(end + _BETWEEN, len(self.lines)):
            text = self.lines[line]
            if text.strip() and not (text[0] in " \t" and text.lstrip().startswith("#")):
                break
            line += 1
            if text.strip():
                end = line
        return self._first(node), end

    def statement(self, node: ast.stmt) -> tuple[int, int]:
        """A statement with what else stands on its last line."""
        return self._first(node), self._end(node)

    def is_alone(self, node: ast.stmt) -> bool:
        """Whether no other statement shares its logical line."""
        return self._ends.count(self._end(node)) == 1

    def text_without(self, taken: Iterable[_Taken]) -> str:
        """The text without what is taken out, blank lines aside."""
        gone = {line for one in taken for line in range(one.first, one.end)}
        return "".join(line + "\n" for at, line in enumerate(self.lines) if at not in gone)

    def without(self, taken: Sequence[_Taken]) -> bytes:
        """The bytes without what is taken out; a file without a final newline stays one."""
        pieces: list[bytes] = [self.file.bom]
        done = 0
        for run in self._runs(taken):
            pieces += self.file.lines[done : run.first]
            if run.instead:
                pieces += self._rewritten(run)
                done = run.end
                continue
            above, below = self._blank_above(run.first), self._blank_below(run.end)
            if run.end + below == len(self.lines):
                kept_above, kept_below = (above if run.first == above else 0), below
            elif run.first == self._first_code and (above or run.first == 0):
                kept_above, kept_below = above, 0
            else:
                kept_above, kept_below = (above, 0) if above > below else (0, below)
            del pieces[len(pieces) - (above - kept_above) :]
            done = run.end + below - kept_below
        pieces += self.file.lines[done:]
        if self.file.lines and not self.file.lines[-1].endswith((b"\n", b"\r")):
            pieces[-1] = pieces[-1].rstrip(b"\r\n")
        return b"".join(pieces)

    def _runs(self, taken: Iterable[_Taken]) -> Iterator[_Taken]:
        """What is taken out, joined where only blank lines stand between."""
        last: _Taken | None = None
        for one in taken:
            if last is not None and not last.instead and not one.instead and self._are_blank(last.end, one.first):
                last = _Taken(last.first, one.end)
                continue
            if last is not None:
                yield last
            last = one
        if last is not None:
            yield last

    def _rewritten(self, run: _Taken) -> Iterator[bytes]:
        """Lines that stand in place of others; of the bytes of those that are the same none is changed."""
        old, new = self.lines[run.first : run.end], list(run.instead)
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        yield from self.file.lines[run.first : run.first + head]
        for line in new[head : len(new) - tail]:
            yield self.file.encode(line + "\n")
        yield from self.file.lines[run.end - tail : run.end]

    def _blank_above(self, line: int) -> int:
        """How many blank lines stand right above one, those not counted with which a statement ends."""
        index = bisect.bisect_right(self._logical_ends, line)
        last = self._logical_ends[index - 1] if index else 0
        first = line
        while first > last and not self.lines[first - 1].strip():
            first -= 1
        return line - first

    def _blank_below(self, end: int) -> int:
        line = end
        while line < len(self.lines) and not self.lines[line].strip():
            line += 1
        return line - end

    def _are_blank(self, start: int, end: int) -> bool:
        return self._blank_below(start) >= end - start

    @staticmethod
    def _first(node: ast.stmt) -> int:
        decorators = node.decorator_list if isinstance(node, _Function | ast.ClassDef) else []
        return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1

    def _end(self, node: ast.stmt) -> int:
        """The end of the logical line on which a statement ends."""
        index = bisect.bisect_left(self._logical_ends, node.end_lineno or node.lineno)
        return self._logical_ends[index] if index < len(self._logical_ends) else len(self.lines)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _check(data: bytes, expected: Sequence[ast.stmt]) -> None:
    """The result must be the statements that were not taken out, no more and no less."""
    try:
        left = [ast.dump(node) for node in parsed(SourceFile.of(data).text).body]
    except TargetError:
        left = [""]
    if left != [ast.dump(node) for node in expected]:
        raise WriteFailure(
            "The tests cannot be taken out of the test file without changing what else is there.",
            next_step="Remove them by hand; the file was not touched.",
        )
