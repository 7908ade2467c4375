"""What docs/agent.md says of limits, settings and errors is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testwright import errors
from testwright.engines.openhands.engine import LEAST_CONTEXT
from testwright.engines.openhands.link import Patience
from testwright.engines.openhands.messages import FILE_LIMIT
from testwright.engines.openhands.prompt import MOST_SIZE
from testwright.engines.openhands.reading import MOST_CANDIDATES
from testwright.engines.openhands.session import LIMITS, SAME_STEPS, TOOLS_A_REQUEST
from testwright.engines.openhands.values import AgentLimits
from testwright.settings import Settings
from testwright.settings.trust import may_be_of_repository
from testwright.settings.values import MAX_ITERATIONS

TEXT = (Path(__file__).parents[2] / "docs" / "agent.md").read_text(encoding="utf-8")
WORDS = {"four": 4}


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of a section's last table, by what stands in their first cell."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)
    cells = [[cell.strip() for cell in line.split(" | ")] for line in table]
    return {first: others for first, *others in cells}


@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        ("`max-iterations`", [Settings().max_iterations, MAX_ITERATIONS]),
        ("steps", [TOOLS_A_REQUEST, AgentLimits().steps]),
        ("the same step with the same outcome", [SAME_STEPS]),
        ("`max-model-requests`", [Settings().max_model_requests]),
        ("`max-model-tokens`", [Settings().max_model_tokens]),
        ("`max-model-cost`", [int(Settings().max_model_cost)]),
        ("`model-deadline`", [int(Settings().model_deadline)]),
        ("silence", [int(Patience().silence)]),
        ("its start", [int(Patience().start)]),
        ("the file", [FILE_LIMIT // 1024**2, MOST_CANDIDATES]),
    ],
)
def test_limits(row: str, numbers: list[int]) -> None:
    told = re.sub(r"\(.*?\)", "", " ".join(rows("Rounds")[row])).replace(",", "")
    assert [WORDS.get(word) or int(word) for word in re.findall(r"\d+|four", told)] == numbers


def test_limits_in_words() -> None:
    assert f"read at least {LEAST_CONTEXT:,} tokens" in TEXT
    assert f"at most {MOST_SIZE:,} characters" in TEXT
    memory, files = LIMITS.memory // 1024**3, LIMITS.file // 1024**3
    assert f"{memory} GiB of memory, {LIMITS.processes} processes, {files} GiB of files" in TEXT


def test_settings() -> None:
    told = rows("Settings")
    names = [name.strip("`") for name in told if name.startswith("`")]
    assert {"engine", "max-iterations"} <= set(names)
    assert {name for name in names if name.startswith("agent-")} == {
        field.replace("_", "-") for field in Settings.__dataclass_fields__ if field.startswith("agent_")
    }
    for name in names:
        field = name.replace("-", "_")
        variable, default = told[f"`{name}`"]
        assert variable == f"`TESTWRIGHT_{field.upper()}`"
        value = getattr(Settings(), field)
        assert value is None or default.strip("`") == str(value)
        assert may_be_of_repository(field, "auto") is not name.startswith("agent-")


def test_slugs() -> None:
    slugs = {slug for row in rows("When something fails") for slug in re.findall(r"`([a-z-]+)`", row)}
    known = {kind.slug for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "slug")}
    assert slugs - known == set()
    agents = (errors.AgentFailure, errors.AgentMissing, errors.DockerUnavailable, errors.DockerFailure)
    assert {kind.slug for kind in (*agents, errors.SetupFailure, errors.ConsentMissing)} - slugs == set()
