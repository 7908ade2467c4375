"""What a run has measured is kept for editors, whose language server shows it."""

from __future__ import annotations

import time

from testwright.analysis.digests import digest_of_data
from testwright.errors import TestwrightError
from testwright.housekeeping import state_dir
from testwright.service.result import RunResult
from testwright.store import CoverageRecord, Store


def keep_measurement(result: RunResult) -> str | None:
    """Keep the coverage of the module as the run has left it, in place of what was known of it.

    Args:
        result: Of the run; one that has not come to measure anything leaves what was known.

    Returns:
        Why it could not be kept, as a sentence; None when there was no need, or no difficulty.
    """
    coverage = result.coverage
    if coverage is None or coverage.sets is None:
        return None
    tests = result.tests if result.delivered is None else result.delivered.data
    record = CoverageRecord(
        path=coverage.path,
        source=coverage.source,
        sets=coverage.sets,
        tests=coverage.tests,
        failed=coverage.failed,
        when=time.time(),
        test_digest="" if tests is None else digest_of_data(tests),
    )
    try:
        with Store.open(state_dir()) as store:
            store.save_coverage(record)
    except TestwrightError as error:
        return f"What was measured is not kept for editors: {error.message}"
    return None
