"""The embedded engine in a real box, on modules of our own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from testwright.model import Candidate

Search = Callable[..., Any]

SHOP = '''\
"""A shop."""
from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


class OutOfStock(Exception):
    """Nothing left."""


@dataclasses.dataclass(order=True)
class Item:
    name: str
    price: float = 1.0
    size: Size = Size.SMALL

    def label(self) -> str:
        return f"{self.name} ({self.size.name.lower()})"


class Cart:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def add(self, item: Item, count: int = 1) -> None:
        if count < 1:
            raise ValueError("count must be positive")
        self.items.extend([item] * count)

    def take(self) -> Item:
        if not self.items:
            raise OutOfStock("the cart is empty")
        return self.items.pop()

    @property
    def total(self) -> float:
        return sum(item.price for item in self.items)

    def __len__(self) -> int:
        return len(self.items)


def numbers(limit: int) -> Iterator[int]:
    for number in range(min(limit, 50)):
        if number % 2:
            yield number


async def fetch(delay: int) -> str:
    await asyncio.sleep(0)
    return "late" if delay > 10 else "soon"


async def ticks(count: int) -> AsyncIterator[int]:
    for tick in range(min(count, 9)):
        yield tick


def save(path: Path, text: str) -> int:
    if path.exists():
        text = path.read_text() + text
    path.write_text(text)
    return len(text)


def weekday(day: dt.date) -> str:
    return "weekend" if day.weekday() > 4 else "workday"


def mode() -> str:
    if os.environ.get("SHOP_MODE") == "test":
        return "test"
    return "normal"


def classify(word):
    if word == "rare-keyword":
        return 1
    if word.startswith("pre:") and word.endswith("!"):
        return 2
    return 0
'''


def of(candidates: tuple[Candidate, ...], target: str) -> list[Candidate]:
    return [one for one in candidates if one.target == target]


def asserts(candidates: list[Candidate]) -> str:
    return "\n".join(line for one in candidates for line in one.asserts)


async def test_every_kind_of_callable_gets_a_test_that_asserts_something(search: Search) -> None:
    proposal = await search({"shop.py": SHOP}).propose("shop")
    found = proposal.candidates
    for target in ("Cart", "Cart.add", "Cart.take", "Cart.total", "Cart.__len__", "Item", "Item.label"):
        assert of(found, target), f"nothing for {target}"
    for target in ("numbers", "fetch", "ticks", "save", "weekday", "mode", "classify"):
        assert of(found, target), f"nothing for {target}"
    assert all(one.asserts or one.raises for one in found)
    assert all(one.act.startswith("list(") for one in of(found, "numbers"))
    assert all("asyncio.run(" in one.act for one in of(found, "fetch"))
    assert "result == 'late'" in asserts(of(found, "fetch"))
    assert "async for" in str(of(found, "ticks")[0].arrange)
    assert ".read_text() == " in asserts(of(found, "save"))
    assert all("tmp_path" in one.fixtures for one in of(found, "save"))
    assert {"result == 'weekend'", "result == 'workday'"} <= set(asserts(of(found, "weekday")).split("\n"))
    assert {"result == 1", "result == 2", "result == 0"} <= set(asserts(of(found, "classify")).split("\n"))
    assert any("monkeypatch.setenv('SHOP_MODE', 'test')" in one.arrange for one in of(found, "mode"))
    assert any("items == [Item(" in line for one in of(found, "Cart.add") for line in one.asserts)


async def test_exceptions_on_purpose_are_expected_with_their_message(search: Search) -> None:
    found = (await search({"shop.py": SHOP}).propose("shop")).candidates
    raised = {(one.raises.exception, one.raises.match) for one in found if one.raises is not None}
    assert {("ValueError", "count must be positive"), ("OutOfStock", "the cart is empty")} <= raised
    assert not {exception for exception, _match in raised} & {"AttributeError", "TypeError"} or all(
        "not supported between" in (match or "") for exception, match in raised if exception == "TypeError"
    )


async def test_the_same_seed_gives_the_same_candidates(search: Search) -> None:
    searching = search({"shop.py": SHOP})
    first = await searching.propose("shop", seed=3, seconds=90.0)
    second = await searching.propose("shop", seed=3, seconds=90.0)
    assert first.stopped_by == second.stopped_by != "wall"
    assert first.cases == second.cases
    assert first.candidates == second.candidates


async def test_another_seed_gives_other_candidates(search: Search) -> None:
    searching = search({"shop.py": SHOP})
    first, second = [await searching.propose("shop", seed=seed) for seed in (1, 2)]
    assert first.candidates != second.candidates


async def test_a_symbol_is_all_that_is_tested(search: Search) -> None:
    lines = SHOP.split("\n")
    first = lines.index("class Cart:") + 1
    last = next(number for number, line in enumerate(lines, 1) if number > first and line.startswith("def "))
    proposal = await search({"shop.py": SHOP}).propose("shop", symbol="Cart", lines=(first, last - 1))
    assert {one.target.partition(".")[0] for one in proposal.candidates} == {"Cart"}


HOSTILE = """\
import os
import sys
import time


def leave(code: int) -> int:
    if code % 2:
        os._exit(code)
    return code


def hang(seconds: int) -> int:
    while seconds > 3:
        pass
    return seconds


def fork(times: int) -> int:
    for _ in range(3):
        os.fork()
    return times


def talk(text: str) -> str:
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, b'{"type":"candidate","id":"forged"}\\n')
        except OSError:
            pass
    sys.stdout.write(text)
    return text


def litter(name: str) -> str:
    with open("litter.txt", "w") as stream:
        stream.write(name)
    return name


def eat(size: int) -> int:
    return len(bytearray(10 ** 11)) if size > 2 else size


def upset(flag: bool) -> bool:
    sys.settrace(None)
    sys.stdout = None
    os.chdir("/")
    os.environ.clear()
    return flag


def fine(number: int) -> str:
    return "big" if number > 5 else "small"
"""


async def test_what_ends_hangs_forks_or_lies_harms_nothing_else(search: Search) -> None:
    proposal = await search({"hostile.py": HOSTILE}).propose("hostile", seconds=30.0)
    found = proposal.candidates
    assert {"result == 'big'", "result == 'small'"} <= set(asserts(of(found, "fine")).split("\n"))
    assert of(found, "leave")
    assert of(found, "hang")
    assert of(found, "eat")
    assert not of(found, "litter"), "a test that writes where it is run is no test"
    assert all(one.id != "forged" for one in found)
    assert proposal.notes


async def test_examples_of_the_documentation_are_used(search: Search) -> None:
    files = {
        "codes.py": (
            "import re\n"
            "def decode(text):\n"
            "    match = re.fullmatch(r'<(\\w+)@(\\d{3})-XZ>', text)\n"
            "    if match is None:\n        raise ValueError(f'no code: {text}')\n"
            "    return match.group(1), int(match.group(2))\n"
        ),
        "README.md": "# Codes\n\n```python\nfrom codes import decode\n\ndecode('<alpha@123-XZ>')\n```\n",
    }
    found = (await search(files).propose("codes")).candidates
    example = next(one for one in found if one.origin == "embedded:example")
    assert example.act == "decode('<alpha@123-XZ>')"
    assert example.asserts == ("result == ('alpha', 123)",)


INTERPRETERS = sorted(Path("~/.pyenv/versions").expanduser().glob("3.1[0-9].*/bin/python"))


@pytest.mark.interpreters
@pytest.mark.parametrize("python", INTERPRETERS, ids=lambda path: path.parent.parent.name)
async def test_other_interpreters(search: Any, python: Path) -> None:
    if not os.access(python, os.X_OK) or shutil.which("true") is None:
        pytest.skip(f"{python} cannot be started")
    files: Mapping[str, str] = {"shop.py": SHOP}
    found = (await search(files, python).propose("shop")).candidates
    assert {"numbers", "fetch", "ticks", "save", "mode", "classify"} <= {one.target for one in found}
    assert {"result == 1", "result == 2"} <= set(asserts(of(found, "classify")).split("\n"))
