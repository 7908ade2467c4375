"""``testwright doctor``: print what was found."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

from testwright.cli.output import console, print_json, print_view
from testwright.cli.views import findings_view
from testwright.doctor.examining import examine


def check(workspace: Path | None, *, python: Path | None, as_json: bool) -> int:
    """Examine the host and the project and print it; 0 when tests can be generated here, else 1."""
    findings = asyncio.run(examine(workspace, python=python))
    healthy = all(finding.state != "missing" for finding in findings)
    if as_json:
        print_json({"ok": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        print_view(console(), findings_view(findings))
    return 0 if healthy else 1
