from __future__ import annotations

from pathlib import Path

import mutants
from mutants import sample_mutants, signature
from unseen import unseen

import testwright
from testwright.inside.mutants import apply, enumerate_mutants, held_out

SOURCE = Path(testwright.__file__).with_name("rendering.py").read_text(encoding="utf-8")


def test_a_part_of_the_sample_coincides_with_what_selection_sees() -> None:
    flags = unseen(SOURCE, sample_mutants(SOURCE, "rendering"))
    assert len(flags) == mutants.SAMPLE_SIZE
    assert 0.2 < sum(flags) / len(flags) < 0.9


def test_mutants_that_selection_never_sees_are_told_as_such() -> None:
    held = {signature(apply(SOURCE, mutant)) for mutant in held_out(enumerate_mutants(SOURCE))}
    taken = sample_mutants(SOURCE, "rendering", limit=10_000)
    flags = unseen(SOURCE, taken)
    common = [flag for mutant, flag in zip(taken, flags, strict=True) if signature(mutant.source) in held]
    assert len(common) > 20
    assert all(common)
