"""Tests that a run has put into a file, and which of them the user wants out again (pure)."""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import TargetError, UsageError, WriteConflict
from testwright.lsp.testfile.contents import text_of, with_ends_of, with_line_feeds
from testwright.writing.encoding import SourceFile

if TYPE_CHECKING:
    from testwright.service.result import Delivered


@dataclass(frozen=True, slots=True)
class Plan:
    """What a test file is to become.

    Attributes:
        data: Its whole content; None when it is to be removed, since nothing else was in it.
        rejected: The tests of the run that are then out.
    """

    data: bytes | None
    rejected: frozenset[str]


class Addition:
    """What one run has added to a test file, and what has become of it.

    Each content that was put into the file is known again, however it came back: an undo in the editor takes a
    rejection back, too.

    Args:
        run: The run's id.
        subject: What the tests are for, in words.
        delivered: What the run has delivered.

    Attributes:
        rejected: Tests of it that are out, as far as is known.
    """

    def __init__(self, run: str, subject: str, delivered: Delivered) -> None:
        self.run = run
        self.subject = subject
        self.delivered = delivered
        self.rejected: frozenset[str] = frozenset()
        self._states = {_digest(delivered.data): self.rejected}
        if delivered.place.original is not None:
            self._states.setdefault(_digest(delivered.place.original), frozenset(delivered.tests))

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

    def is_known(self, existing: bytes | None) -> bool:
        """Whether a file has what was put into it at any time, line ends aside.

        Args:
            existing: What the file has; None when there is none.
        """
        return self._rejected_in(existing) is not None

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

    def plan(self, existing: bytes | None, *, out: Collection[str] = (), back: Collection[str] = ()) -> Plan:
        """What becomes of the file when tests go out, or come back.

        Args:
            existing: What it holds now; None when it is not there.
            out: Names of tests that go out; those that are out already stay so.
            back: Names of tests that come back; those that are there stay so.

        Raises:
            WriteConflict: The user has changed what would have to be changed.
            TargetError: The file cannot be read as Python.
        """
        before = self._rejected_in(existing)
        if before is None:
            return self._plan_for_changed(existing, out, back)
        rejected = before.union(out).difference(back)
        if rejected == before:
            return Plan(existing, rejected)
        data = self._made(rejected)
        if data is None or existing is None or existing == self._made(before):
            return Plan(data, rejected)
        return Plan(with_ends_of(data, existing), rejected)

    def _plan_for_changed(self, existing: bytes | None, out: Collection[str], back: Collection[str]) -> Plan:
        """The same for a file that the user has changed: only tests that are as they were go out."""
        from testwright.writing.withdraw import (  # noqa: PLC0415 - nothing at the start needs it
            same_definition,
            withdraw_tests,
        )

        name = self.path.name
        if existing is None:
            raise WriteConflict(f"{name} is not there any more, so nothing was changed.", next_step="Generate again.")
        functions = _functions(existing)
        if lost := [test for test in back if test not in functions]:
            raise WriteConflict(
                f"{name} was changed since, so {', '.join(lost)} cannot be put back.",
                next_step="Undo what was changed there, or generate again.",
            )
        going = [test for test in out if test in functions]
        delivered = self.delivered
        if changed := [test for test in going if not same_definition(delivered.data, existing, test)]:
            raise WriteConflict(
                f"{', '.join(changed)} in {name} {'was' if len(changed) == 1 else 'were'} changed since, "
                "so nothing was taken out.",
                next_step="Remove it by hand if it is not wanted.",
            )
        # A helper that the user has changed is theirs.
        support = [one for one in delivered.support if same_definition(delivered.data, existing, one)]
        data = withdraw_tests(existing, going, delivered.imports, support) if going else existing
        return Plan(data, frozenset(delivered.tests) - functions.difference(going))

    def take(self, existing: bytes | None, plan: Plan) -> None:
        """Take note of what was done.

        Args:
            existing: What the file held before.
            plan: What it holds now.
        """
        if self.is_known(existing):
            self._states[_digest(plan.data)] = plan.rejected
        self.rejected = plan.rejected

    def _rejected_in(self, existing: bytes | None) -> frozenset[str] | None:
        """Which tests are out in a file; None when it has what was never put into it."""
        try:
            return self._states.get(_digest(existing))
        except TargetError:
            return None

    def _made(self, rejected: Collection[str]) -> bytes | None:
        """The file as it was delivered, without some of its tests."""
        out = [test for test in self.delivered.tests if test in rejected]
        if not out:
            return self.delivered.data
        if len(out) == len(self.delivered.tests):
            return self.delivered.place.original
        from testwright.writing.withdraw import withdraw_tests  # noqa: PLC0415 - as above

        delivered = self.delivered
        return withdraw_tests(delivered.data, out, delivered.imports, delivered.support)


def _functions(data: bytes) -> set[str]:
    from testwright.writing.existing import parsed  # noqa: PLC0415 - as above

    tree = parsed(SourceFile.of(data).text)
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _digest(data: bytes | None) -> str:
    """Names a content, line ends and byte order mark aside; the absence of a file has a name of its own.

    Raises:
        TargetError: The bytes are no text.
    """
    if data is None:
        return ""
    return hashlib.sha256(with_line_feeds(text_of(data)).encode("utf-8", "surrogatepass")).hexdigest()
