"""The embedded engine's search, in the box: proposes tests for one module by running it."""

from __future__ import annotations

from typing import Any

from ..channel import Channel
from .supervise import explore


def run(request: "dict[str, Any]", channel: Channel) -> None:
    """Search for cases and send those worth proposing.

    The request holds ``module``, ``file``, ``symbol``, ``first_line``, ``last_line``, ``seed``, ``max_cases``,
    ``wall_seconds``, ``statements``, ``branches``, ``covered_lines``, ``covered_branches`` and
    ``texts`` (files to harvest from, as the box sees them). Messages: ``progress``, ``candidate``, ``explored``.
    """
    explore(request, channel)
