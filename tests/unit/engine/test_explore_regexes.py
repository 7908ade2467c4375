from __future__ import annotations

import random
import re

import pytest

from testwright.inside.explore.regexes import MAX_LENGTH, constant_patterns, matching, samples

PATTERNS = [
    r"^\d{4}-\d{2}-\d{2}$",
    r"(?P<major>0|[1-9]\d*)\.(?P<minor>\d+)(?:-(?P<pre>[a-z]+))?",
    r"[^abc]x+?y*",
    r"(a|b)\1",
    r"\bword\b\s*=\s*(['\"]).*?\1",
    r"(?i)hello",
    r"[\w.+-]+@[\w-]+\.[a-z]{2,}",
    r"(?:ab){2,3}(?=c)c",
    r"[A-F0-9]{8}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_most_strings_made_for_a_pattern_match_it(pattern: str) -> None:
    compiled = re.compile(pattern)
    rng = random.Random(1)
    made = [matching(compiled, rng) for _ in range(40)]
    assert sum(text is not None and compiled.search(text) is not None for text in made) >= 30


def test_samples_differ_and_those_that_match_come_first() -> None:
    compiled = re.compile(r"[ab]{1,3}(?<!b)")
    found = samples(compiled, random.Random(0))
    assert len(set(found)) == len(found) > 2
    fits = [compiled.search(text) is not None for text in found]
    assert fits == sorted(fits, reverse=True)


def test_the_same_seed_gives_the_same_samples() -> None:
    compiled = re.compile(r"\w+\s\d*")
    assert samples(compiled, random.Random(3)) == samples(compiled, random.Random(3))


def test_an_explosive_pattern_gives_nothing_or_something_short() -> None:
    text = matching(re.compile(r"(?:(?:a{50}){50}){50}"), random.Random(0))
    assert text is None or len(text) <= MAX_LENGTH


def test_patterns_are_found_in_tables() -> None:
    a, b, c = re.compile("a"), re.compile("b"), re.compile(b"c")
    assert constant_patterns([a, [("x", b)], {"k": a}, c, 5]) == [a, b]
