"""The account of a run, as it is kept and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

AccountKind = Literal["generate", "judge"]


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one run.

    Attributes:
        run: Its id; of an earlier server when it was taken from the store.
        kind: What it did.
        path: The module's file, links resolved.
        root: Root of its project.
        test_file: The test file that it was about; None without one.
        summary: How it ended, as a sentence.
        report: All of it as JSON values.
    """

    run: str
    kind: AccountKind
    path: Path
    root: Path
    test_file: Path | None
    summary: str
    report: Mapping[str, Any]

    def markdown(self) -> str:
        """The account as a document for a person."""
        from testwright.lsp.reports.judge_report import judge_markdown  # noqa: PLC0415 - loaded when it is asked for
        from testwright.lsp.reports.run_report import report_markdown  # noqa: PLC0415

        if self.kind == "judge":
            return judge_markdown(cast("Any", self.report), self.root)
        return report_markdown(cast("Any", self.report), self.root)
