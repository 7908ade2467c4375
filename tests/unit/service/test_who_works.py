"""Who works in a run, and what is told when an agent cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import BoxUnavailable, ConsentMissing, NoModels
from testwright.model import MutantSummary
from testwright.service.agent.plan import Gaps, Obstacle, not_gained, refusal
from testwright.settings import EngineName

KEY = Obstacle("a key", "set OPENROUTER_API_KEY", NoModels("There is no key.", next_step="Set one."))
CONSENT = Obstacle("your consent", "`testwright consent`", ConsentMissing("Nobody has agreed."))
SET_UP = Obstacle("its set-up", "`testwright setup openhands`", BoxUnavailable("It is not set up."))
MUTANT = MutantSummary("ab", 3, "f", "ROR", "< by <=")


@pytest.mark.parametrize("obstacle", [KEY, CONSENT, SET_UP])
def test_an_agent_that_is_named_and_cannot_work_is_an_error(obstacle: Obstacle) -> None:
    assert refusal((obstacle,)) is obstacle.error


def test_the_error_names_all_that_is_missing() -> None:
    error = refusal((KEY, SET_UP))
    assert isinstance(error, NoModels)
    assert str(error) == (
        "There is no key. Set one. The agent lacks besides: its set-up (`testwright setup openhands`)."
    )


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        (Gaps(), "nothing"),
        (Gaps(lines=(3,)), "1 line"),
        (Gaps(lines=(3, 4), mutants=(MUTANT,)), "2 lines and 1 mutant"),
        (Gaps(lines=(3, 4), branches=((3, 4),), mutants=(MUTANT, MUTANT)), "2 lines, 1 branch and 2 mutants"),
        (Gaps(branches=((3, 4), (3, -1))), "2 branches"),
    ],
)
def test_what_is_left_in_words(gaps: Gaps, words: str) -> None:
    assert gaps.words == words
    assert bool(gaps) is (words != "nothing")


def test_one_line_says_what_would_have_been_gained_by_what() -> None:
    assert not_gained("auto", Gaps(lines=(3, 4), mutants=(MUTANT,)), (KEY, SET_UP)) == (
        "2 lines and 1 mutant are left, which an agent would take on. What it lacks: "
        "a key (set OPENROUTER_API_KEY); its set-up (`testwright setup openhands`)."
    )
    assert not_gained("auto", Gaps(lines=(3,)), (CONSENT,)) == (
        "1 line is left, which an agent would take on. What it lacks: your consent (`testwright consent`)."
    )


@given(
    st.sampled_from(["auto", "embedded", "openhands"]),
    st.builds(Gaps, st.lists(st.integers(1, 99), max_size=3).map(tuple)),
    st.lists(st.sampled_from([KEY, CONSENT, SET_UP]), max_size=3).map(tuple),
)
def test_nothing_is_said_when_nothing_was_missed(
    engine: EngineName, gaps: Gaps, obstacles: tuple[Obstacle, ...]
) -> None:
    told = not_gained(engine, gaps, obstacles)
    assert bool(told) is (engine == "auto" and bool(gaps) and bool(obstacles))
    assert "\n" not in told
    for obstacle in obstacles if told else ():
        assert obstacle.step in told
