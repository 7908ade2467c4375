"""Files of an agent from reading to the verified file, in a real box: judged, selected and written as others are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testwright.engines.openhands.reading import Reading, read_tests
from testwright.judge.minimise import Selection, minimise
from testwright.judge.mutation import KillMatrix, kill_matrix
from testwright.judge.placing import placed
from testwright.judge.stability import judge_candidates
from testwright.judge.verify import Verification, verify_file
from testwright.model import Candidate, CoverageSets, Import, Style, Verdict
from testwright.writing.compose import ComposedFile, compose_test_file
from testwright.writing.render import render_candidates

FILES = Path(__file__).parents[1] / "fixtures" / "agent_files"


@dataclass
class Result:
    reading: Reading
    verdicts: dict[str, list[Verdict]]
    matrix: KillMatrix
    selection: Selection
    composed: ComposedFile
    verification: Verification

    @property
    def text(self) -> str:
        return self.composed.data.decode()

    def outcomes(self, name: str) -> set[str]:
        return {verdict.outcome for verdict in self.verdicts[name]}

    def reason(self, name: str) -> str:
        return self.verdicts[name][0].reason


async def all_the_way(
    trial: Any, text: str, *others: Candidate, existing: bytes | None = None, selected: bool = True
) -> Result:
    """Read, judge, run mutants, select, compose and verify."""
    trial.write({"shop.py": (FILES / "shop.py").read_text(encoding="utf-8")})
    target, folder, session = trial.target("shop"), trial.workspace / "tests", trial.session()
    reading = read_tests(text, target, existing=None if existing is None else existing.decode())
    candidates = (*others, *reading.candidates)
    goals: CoverageSets = await trial.goals("shop")
    file = render_candidates(candidates, Style())
    deadline = time.monotonic() + 300
    judgement = await judge_candidates(
        session, target, folder, candidates, file, goals, seed=0, deadline=deadline, test_seconds=20
    )
    matrix = await kill_matrix(
        session, target, folder, file, judgement.verdicts, seed=0, deadline=deadline, import_lines=goals.executed
    )
    selection = minimise(judgement.verdicts, CoverageSets(), kills=matrix.kills)
    passed = [verdict for verdict in judgement.verdicts if verdict.outcome == "passed"]
    kept = [verdict.candidate for verdict in (selection.kept if selected else passed)]
    composed = compose_test_file(kept, target, Style(), existing)
    path = folder / "test_shop.py"
    with placed(session.world, folder, path.name, composed.data):
        verification = await verify_file(session, target, path, goals, deadline=deadline)
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in judgement.verdicts:
        raw = verdict.candidate.source
        verdicts.setdefault(raw.name if raw is not None else verdict.candidate.id, []).append(verdict)
    return Result(reading, verdicts, matrix, selection, composed, verification)


@pytest.mark.parametrize(
    ("name", "failing"),
    [
        ("plain", {"test_wrong"}),
        ("parametrised", {"test_convert_euro"}),
        ("classes", {"test_is_an_error"}),
        ("unittest_style", set()),
        ("doubles", {"test_only_calls"}),
        ("asynchronous", set()),
    ],
)
async def test_what_an_agent_writes_is_proven_test_by_test_and_stands_in_the_file(
    trial: Any, name: str, failing: set[str]
) -> None:
    result = await all_the_way(trial, (FILES / f"{name}.py").read_text(encoding="utf-8"), selected=False)
    outcomes = {test: result.outcomes(test) for test in result.verdicts}
    assert {test for test, found in outcomes.items() if found != {"passed"}} == failing, result.verdicts
    assert result.verification.clean, (result.verification, result.text)
    proven = {one for node in result.verification.passed for one in result.composed.suite.candidates_of(node)}
    assert proven == {
        verdict.candidate.id for found in result.verdicts.values() for verdict in found if verdict.outcome == "passed"
    }
    assert all(
        verdict.evidence is not None and verdict.evidence.runs == 3 and verdict.evidence.lines
        for found in result.verdicts.values()
        for verdict in found
        if verdict.outcome == "passed"
    )
    assert result.matrix.killed > 0
    assert not result.matrix.excluded
    lines = result.composed.lines()
    assert set(lines) == {test.name for test in result.composed.suite.tests}


async def test_of_a_hostile_file_only_the_honest_test_is_left(trial: Any) -> None:
    result = await all_the_way(trial, (FILES / "hostile.py").read_text(encoding="utf-8"))
    assert {name for name in result.verdicts if "passed" in result.outcomes(name)} == {"test_honest"}
    reasons = {name: result.reason(name) for name in result.verdicts if name != "test_honest"}
    for name, words in {
        "test_always": "asserts nothing about",
        "test_swallows": "catches what its own assertions raise",
        "test_waits": "waits for real time",
        "test_patches_the_runner": "testwright_inside",
        "test_looks_for_the_runner": "looks through the loaded modules",
        "test_patches_pytest": "reaches raises by its name",
        "test_ends_the_process": "_exit",
        "test_skips_itself": "pytest.skip",
        "test_nothing_at_all": "asserts nothing",
    }.items():
        assert words in reasons[name], (name, reasons[name])
    assert "os.environ" not in result.text
    assert result.verification.clean


async def test_embedded_tests_and_those_of_an_agent_are_selected_and_written_together(trial: Any) -> None:
    embedded = Candidate(
        "a:1",
        "convert",
        "euro",
        (),
        "convert(2, 'EUR')",
        "result",
        ("result == 2",),
        None,
        None,
        (Import("shop", "convert"),),
        (),
        "embedded:search",
    )
    text = (
        "import shop\nfrom shop import convert\n\nEURO = 'EUR'\n\n\n"
        "def helper(amount):\n    return convert(amount, EURO)\n\n\n"
        "def test_convert():\n    amount = 2\n    result = helper(amount)\n    assert result == 2\n\n\n"
        "def test_usd(monkeypatch):\n    monkeypatch.setattr(shop, 'rate', lambda currency: 3)\n"
        "    assert convert(2, 'USD') == 6\n"
    )
    result = await all_the_way(trial, text, embedded)
    origins = {verdict.candidate.id: verdict.candidate.origin for verdict in result.selection.kept}
    # Both prove the same of the euro; the one without a helper is simpler.
    assert origins == {"a:1": "embedded:search", "openhands:001": "openhands"}
    assert result.verification.clean
    assert "helper" not in result.text


async def test_additions_go_into_a_file_that_is_there_beside_its_own_names(trial: Any) -> None:
    existing = (
        "import pytest\n\nfrom shop import Cart\n\n\n@pytest.fixture(scope='module')\ndef cart():\n    return Cart('Eve')\n\n\n"
        "@pytest.fixture\ndef lamp():\n    return 1\n\n\ndef test_total(cart, lamp):\n    assert cart.total() == 0\n"
    )
    added = existing.replace("return 1", "return ('Lamp', 5)") + (
        "\n\nclass TestMore:\n    def test_total(self, cart, lamp):\n        cart.add(*lamp)\n        assert cart.total() == 5\n"
    )
    result = await all_the_way(trial, added, existing=existing.encode())
    assert result.text.startswith(existing)
    assert 'def cart_2():\n    return Cart("Eve")' in result.text
    assert 'def lamp_2():\n    return ("Lamp", 5)' in result.text
    assert "def test_cart_total_total(cart_2, lamp_2):\n    cart_2.add(*lamp_2)" in result.text
    # The cart that is there is one for all tests of the file, so ours must not fill it.
    assert result.verification.clean
