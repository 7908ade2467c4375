"""For all tests: what may be skipped here must not be skipped in ``make e2e``."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from testwright.boxes.overlay import make_overlay

# A developer's own keys change no test, and no test uses them.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

NOTHING_MAY_BE_SKIPPED = os.environ.get("TESTWRIGHT_E2E") == "1"

# How long an example takes says how busy the machine is; what takes how long is measured in tests/bench.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# Needs Python versions that a machine made for the tests has and a fresh one has not.
MAY_BE_SKIPPED = "interpreters"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker(MAY_BE_SKIPPED) is None:
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where everything must run."""
    if not NOTHING_MAY_BE_SKIPPED:
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"Nothing may be skipped with TESTWRIGHT_E2E=1, but: {reason}"


@pytest.fixture(scope="session")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pytest and coverage to lend, made once, where a box of another user can read them."""
    cache = tmp_path_factory.mktemp("cache")
    for folder in (cache, cache.parent):
        folder.chmod(0o755)
    return make_overlay(cache)
