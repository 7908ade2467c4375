"""Which of the tests that a run has added are to be out again, and when the user's work forbids it."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import TestwrightError, UsageError, WriteConflict
from testwright.lsp.testfile.additions import Addition, Plan
from testwright.model import Import, TestPlace
from testwright.service.result import Delivered

ROOT = Path("/w")
PATH = ROOT / "tests" / "test_shop.py"
ORIGINAL = b"from shop import Cart\n\n\ndef test_mine():\n    assert Cart()\n"
NAMES = ("test_a", "test_b", "test_c")
TESTS = "".join(f"\n\ndef {name}():\n    assert tax({number})\n" for number, name in enumerate(NAMES)).encode()
IMPORTS = (Import("shop", "tax"),)
NEW = b"from shop import tax\n" + TESTS
MERGED = b"from shop import Cart\nfrom shop import tax\n\n\ndef test_mine():\n    assert Cart()\n" + TESTS


def addition(original: bytes | None = None) -> Addition:
    digest = "" if original is None else hashlib.sha256(original).hexdigest()
    place = TestPlace(PATH, original is not None, digest, original)
    data = NEW if original is None else MERGED
    return Addition("generate-1", "tax", Delivered(place, data, ROOT, NAMES, IMPORTS))


def carried_out(tests: Addition, existing: bytes | None, plan: Plan) -> bytes | None:
    tests.take(existing, plan)
    return plan.data


@pytest.mark.parametrize("original", [None, ORIGINAL], ids=["new", "merged"])
@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from(NAMES), min_size=1)), max_size=8))
def test_the_file_follows_from_what_is_rejected_and_not_from_how_it_came(
    original: bytes | None, steps: list[tuple[bool, set[str]]]
) -> None:
    tests = addition(original)
    existing: bytes | None = tests.delivered.data
    rejected: set[str] = set()
    for out, names in steps:
        plan = tests.plan(existing, out=names) if out else tests.plan(existing, back=names)
        rejected = rejected | names if out else rejected - names
        existing = carried_out(tests, existing, plan)
        assert tests.rejected == rejected
        assert tests.tests == tuple(name for name in NAMES if name not in rejected)
        if rejected == set(NAMES):
            assert existing == original
        else:
            assert existing is not None
            assert all((f"def {name}()".encode() in existing) == (name not in rejected) for name in NAMES)
    assert carried_out(tests, existing, tests.plan(existing, back=NAMES)) == tests.delivered.data


def test_an_undo_of_a_rejection_is_noticed() -> None:
    tests = addition()
    one = carried_out(tests, NEW, tests.plan(NEW, out=["test_a"]))
    two = carried_out(tests, one, tests.plan(one, out=["test_b"]))
    assert tests.plan(two, out=["test_c"]).rejected == set(NAMES)
    assert tests.plan(one, out=["test_c"]).rejected == {"test_a", "test_c"}
    assert tests.plan(NEW, out=["test_c"]).rejected == {"test_c"}


def test_an_undo_of_the_whole_run_is_noticed() -> None:
    tests = addition(ORIGINAL)
    assert tests.plan(ORIGINAL, out=["test_a"]) == Plan(ORIGINAL, frozenset(NAMES))
    assert tests.plan(ORIGINAL, back=NAMES) == Plan(MERGED, frozenset())


def test_a_file_with_other_line_ends_is_known_and_keeps_them() -> None:
    tests = addition(ORIGINAL)
    existing = MERGED.replace(b"\n", b"\r\n")
    plan = tests.plan(existing, out=["test_a"])
    assert plan.data is not None
    assert b"test_a" not in plan.data
    assert b"\n" not in plan.data.replace(b"\r\n", b"")
    assert tests.plan(existing, out=NAMES).data == ORIGINAL.replace(b"\n", b"\r\n")


CHANGED = NEW.replace(b"tax(1)", b"tax(100)") + b"\n\nMINE = 1\n"


@pytest.mark.parametrize(
    ("out", "back", "sentence"),
    [
        (["test_b"], (), "test_b in test_shop.py was changed since, so nothing was taken out."),
        (["test_a", "test_b"], (), "test_b in test_shop.py was changed since, so nothing was taken out."),
    ],
)
def test_a_test_that_the_user_has_changed_is_kept(out: list[str], back: list[str], sentence: str) -> None:
    with pytest.raises(WriteConflict, match=sentence):
        addition().plan(CHANGED, out=out, back=back)


def test_the_others_go_out_of_a_file_that_the_user_has_changed() -> None:
    tests = addition()
    left = carried_out(tests, CHANGED, tests.plan(CHANGED, out=["test_a", "test_c"]))
    assert left == b"from shop import tax\n\n\ndef test_b():\n    assert tax(100)\n\n\nMINE = 1\n"
    assert tests.rejected == {"test_a", "test_c"}
    with pytest.raises(WriteConflict, match=r"test_shop\.py was changed since, so test_a cannot be put back"):
        tests.plan(left, back=["test_a", "test_b"])
    assert tests.plan(left, back=["test_b"]).data == left  # it is there


HELPER = b"\n\ndef priced(rate):\n    return tax(rate)\n"
HELPED = b"from shop import tax\n" + HELPER + TESTS.replace(b"tax(", b"priced(")


def helped() -> Addition:
    place = TestPlace(PATH, exists=False, digest="", original=None)
    return Addition("generate-1", "tax", Delivered(place, HELPED, ROOT, NAMES, IMPORTS, ("priced",)))


def test_a_helper_goes_with_the_last_test_that_uses_it_and_comes_back_with_the_first() -> None:
    tests = helped()
    mine = b"\n\nMINE = 1\n"
    one = tests.plan(HELPED, out=["test_a"]).data
    assert one is not None
    assert HELPER in one
    left = tests.plan(HELPED + mine, out=NAMES).data
    assert left == mine.lstrip()
    assert carried_out(tests, HELPED, tests.plan(HELPED, out=["test_a", "test_b"])) is not None
    assert tests.plan(carried_out(tests, HELPED, tests.plan(HELPED, out=NAMES)), back=NAMES).data == HELPED


def test_a_helper_that_the_user_has_changed_is_kept() -> None:
    changed = HELPED.replace(b"return tax(rate)", b"return tax(rate) + 1")
    left = helped().plan(changed, out=NAMES).data
    assert left == b"from shop import tax\n" + HELPER.replace(b"tax(rate)", b"tax(rate) + 1")


def test_two_tests_that_were_changed_are_named() -> None:
    with pytest.raises(WriteConflict, match=r"test_a, test_b in test_shop\.py were changed since"):
        addition().plan(CHANGED.replace(b"tax(0)", b"tax(9)"), out=NAMES)


def test_a_file_that_was_never_removed_here_is_not_made_up() -> None:
    tests = addition()
    with pytest.raises(WriteConflict, match="is not there any more"):
        tests.plan(None, back=["test_a"])
    assert carried_out(tests, NEW, tests.plan(NEW, out=NAMES)) is None
    assert tests.plan(None, back=["test_a"]).data is not None


def test_what_is_no_python_gets_a_sentence() -> None:
    for data in (b"def (:\n", b"\xff\n"):
        with pytest.raises(TestwrightError):
            addition().plan(data, out=["test_a"])
        assert not addition().is_known(data)


def test_only_tests_of_the_run_can_be_named() -> None:
    tests = addition(ORIGINAL)
    tests.check(NAMES)
    with pytest.raises(UsageError, match="generate-1 has not added a test 'test_mine'"):
        tests.check(["test_mine"])


def test_each_combination_is_written_as_it_was_before() -> None:
    """The same tests give the same file, whichever way was taken."""
    for order in itertools.permutations(NAMES):
        tests = addition(ORIGINAL)
        existing: bytes | None = MERGED
        for name in order[:2]:
            existing = carried_out(tests, existing, tests.plan(existing, out=[name]))
        assert existing == addition(ORIGINAL).plan(MERGED, out=order[:2]).data
