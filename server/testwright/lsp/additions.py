"""Tests that a run has put into a file, and which of them the user wants out again (pure)."""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import UsageError, WriteConflict
from testwright.lsp.contents import is_same, text_of, with_ends_of
from testwright.writing.encoding import SourceFile
from testwright.writing.existing import parsed
from testwright.writing.withdraw import same_test, withdraw_tests

if TYPE_CHECKING:
    from testwright.service.result import Delivered


@dataclass(slots=True)
class Addition:
    """What one run has added to a test file, and what has become of it.

    Attributes:
        run: The run's id.
        subject: What the tests are for, in words.
        delivered: What the run has delivered.
        rejected: Tests of it that are out again.
        current: What was last put into the file; None when it was removed.
    """

    run: str
    subject: str
    delivered: Delivered
    rejected: frozenset[str] = frozenset()
    current: bytes | None = field(init=False)
    _written: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.current = self.delivered.data
        self._written = {_digest(self.delivered.data)}

    @property
    def path(self) -> Path:
        """The test file."""
        return self.delivered.place.path

    @property
    def is_new(self) -> bool:
        """Whether the run has made the file."""
        return not self.delivered.place.exists

    @property
    def tests(self) -> tuple[str, ...]:
        """Names of the tests that are not rejected, in the order of the file."""
        return tuple(name for name in self.delivered.tests if name not in self.rejected)

    def is_untouched(self, existing: bytes | None) -> bool:
        """Whether a file has what was last put into it, line ends aside.

        Args:
            existing: What the file has; None when there is none.
        """
        if existing is None or self.current is None:
            return existing is None and self.current is None
        return is_same(existing, self.current)

    def was_ours(self, existing: bytes) -> bool:
        """Whether a file has what was put into it at any time."""
        return _digest(existing) in self._written

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that are not of the tests that were added.

        Raises:
            UsageError: One is not.
        """
        for name in names:
            if name not in self.delivered.tests:
                near = difflib.get_close_matches(name, self.delivered.tests, n=1)
                known = ", ".join(self.delivered.tests)
                raise UsageError(
                    f"{self.run} has not added a test {name[:80]!r}.",
                    next_step=f"Did you mean {near[0]}?" if near else f"It has added {known}.",
                )

    def content(self, existing: bytes | None, rejected: Collection[str]) -> bytes | None:
        """What the file is to hold.

        Args:
            existing: What it holds now; None when it is not there.
            rejected: Which of the tests are to be out.

        Returns:
            The whole file; None when it is to be removed, since all that was in it is rejected.

        Raises:
            WriteConflict: The user has changed what would have to be changed.
            TargetError: The file cannot be read as Python.
        """
        if self.is_untouched(existing):
            wanted = self._made(rejected)
            same_bytes = wanted is None or existing is None or existing == self.current
            return wanted if same_bytes else with_ends_of(wanted or b"", existing or b"")
        name = self.path.name
        if existing is None:
            raise WriteConflict(f"{name} is not there any more, so nothing was changed.", next_step="Generate again.")
        if back := [test for test in self.delivered.tests if test in self.rejected and test not in rejected]:
            raise WriteConflict(
                f"{name} was changed since, so {', '.join(back)} cannot be put back.",
                next_step="Undo what was changed there, or generate again.",
            )
        functions = _functions(existing)
        out = [test for test in self.delivered.tests if test in rejected and test in functions]
        if changed := [test for test in out if not same_test(self.delivered.data, existing, test)]:
            raise WriteConflict(
                f"{', '.join(changed)} in {name} {'was' if len(changed) == 1 else 'were'} changed since, "
                "so nothing was taken out.",
                next_step="Remove it by hand if it is not wanted.",
            )
        return withdraw_tests(existing, out, self.delivered.imports)

    def _made(self, rejected: Collection[str]) -> bytes | None:
        """The file as it was delivered, without some of its tests."""
        out = [test for test in self.delivered.tests if test in rejected]
        if not out:
            return self.delivered.data
        if len(out) == len(self.delivered.tests):
            return self.delivered.place.original
        return withdraw_tests(self.delivered.data, out, self.delivered.imports)

    def take(self, existing: bytes | None, put: bytes | None, rejected: Collection[str]) -> None:
        """Take note of what was done.

        Args:
            existing: What the file held before.
            put: What it holds now; None when it was removed.
            rejected: Which tests are out.
        """
        if self.is_untouched(existing):
            self.current = put
            if put is not None:
                self._written.add(_digest(put))
        self.rejected = frozenset(rejected)


def _functions(data: bytes) -> set[str]:
    tree = parsed(SourceFile.of(data).text)
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _digest(data: bytes) -> str:
    text = text_of(data).replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
