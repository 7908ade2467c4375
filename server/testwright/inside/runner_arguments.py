"""How pytest is called: with the project's settings, and nothing that writes, stops early, or measures by itself."""

import importlib.util
import os
import tempfile
from typing import Any, Dict, List


def arguments(request: Dict[str, Any], paths: List[str]) -> List[str]:
    """Arguments for ``pytest.main``; later ones win over the project's ``addopts``."""
    scratch = tempfile.mkdtemp(prefix="pytest-cache-")
    found = [
        *paths,
        "-q",
        "--maxfail=0",
        "--continue-on-collection-errors",
        # Not "-p no:cacheprovider": addopts such as --lf would then be unknown.
        "-o",
        f"cache_dir={scratch}/cache",
        *request["pytest_arguments"],
    ]
    if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ:
        if importlib.util.find_spec("pytest_cov") is not None:
            found.append("--no-cov")
        if importlib.util.find_spec("xdist") is not None:
            found.append("-n0")
    return found


def explain(report: Any) -> str:
    """Why a test or a collection did not pass, in at most 600 characters."""
    longrepr = getattr(report, "longrepr", None)
    if longrepr is None:
        return ""
    if isinstance(longrepr, tuple):  # a skip: path, line, reason
        return str(longrepr[-1])[:600]
    crash = getattr(longrepr, "reprcrash", None)
    text = getattr(crash, "message", None)
    if not isinstance(text, str):
        text = str(longrepr)[-2000:]
        errors = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
        text = errors[-1] if errors else text.strip()
    return text[:600]
