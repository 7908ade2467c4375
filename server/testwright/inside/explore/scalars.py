"""Draws strings and numbers, and whatever has no better kind."""

from __future__ import annotations

import ast
import random
import typing
from typing import TYPE_CHECKING, Any

from . import regexes
from .cases import local_names, rename
from .draft import Draft
from .kinds import INT, NONE, STR, Kind, by_name, list_of
from .vocabulary import NUMBERS, WORDS

if TYPE_CHECKING:
    from .cases import Case
    from .program import Program


MAGNITUDES = (
    0,
    1,
    2,
    6,
    7,
    29,
    30,
    31,
    59,
    60,
    61,
    89,
    90,
    364,
    365,
    366,
    400,
    800,
    1000,
    3599,
    3600,
    3700,
    7200,
    86399,
    86400,
    10**6,
)
"""Amounts at which words for durations and sizes change."""
_REPEATING = frozenset(
    {
        "n",
        "k",
        "count",
        "size",
        "times",
        "repeat",
        "repeats",
        "length",
        "limit",
        "width",
        "num",
        "number",
        "depth",
        "copies",
    }
)
"""Parameters that say how often or how much: large ones make slow tests unless the code itself speaks of them."""
_ANYTHING = ("1", "2", "'a'", "'hello'", "[1, 2, 3]", "None", "{'a': 1}", "3.5", "True", "(1, 2)", "[]", "''", "0")


class Scalars:
    """Draws values for one program from one source of choices."""

    def __init__(self, program: Program, rng: random.Random) -> None:
        self.program = program
        self.names = program.names
        self.rng = rng
        self.vocabulary = program.vocabulary
        self.producers: "dict[str, list[Case]]" = {}
        self.writers: "list[tuple[Case, str]]" = []
        self.ranges: "tuple[tuple[int, int], ...]" = ()

    def draft(self, taken: "tuple[str, ...] | list[str]" = ()) -> Draft:
        """An empty draft."""
        return Draft(taken=set(taken), reserved=self.program.own)

    def draw(self, kind: Kind, draft: Draft, role: str = "", depth: int = 0) -> str:
        """Source of a value of this kind; may add statements to the draft."""
        seen = self.vocabulary.seen.get(role)
        if seen and depth <= 1 and self.rng.random() < 0.3:
            source = self.rng.choice(seen)
            if self._fits(kind, source):
                return source
        method = getattr(self, "_" + kind.name.replace("-", "_"), None)
        if method is None or depth > 5:
            return self._any(kind, draft, role, depth)
        return typing.cast("str", method(kind, draft, role, depth))

    def _fits(self, kind: Kind, source: str) -> bool:
        if kind.name in ("any", "union", "object-like"):
            return True
        try:
            value = ast.literal_eval(source)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return kind.name in ("object", "callable", "iterable", "list", "enum") and not source.startswith(("'", '"'))
        expected = {
            "str": str, "int": int, "float": (int, float), "bool": bool, "bytes": bytes, "list": (list, tuple),
            "dict": dict, "tuple": tuple, "iterable": (list, tuple, set, dict, str), "none": type(None), "set": set,
            "record": dict, "fixed-tuple": tuple,
        }.get(kind.name)  # fmt: skip
        return expected is not None and isinstance(value, expected)  # type: ignore[arg-type]

    def produced(self, cls_name: str, draft: Draft) -> "str | None":
        """The act of an earlier case that gave an object of a class; only who knows of objects has some."""
        raise NotImplementedError

    def replayed(self, case: Case, draft: Draft) -> str:
        """Put the statements of an earlier case into the draft, under names that are free; returns its act."""
        mapping = {}
        for name in local_names(case.arrange):
            fresh = draft.fresh(name)
            if fresh != name:
                mapping[name] = fresh
        draft.statements.extend(rename(statement, mapping) for statement in case.arrange)
        return rename(case.act, mapping)

    def text(self, role: str = "") -> str:
        """A string, drawn from what the module itself speaks of."""
        rng = self.rng
        vocabulary = self.vocabulary
        roll = rng.random()
        if roll < 0.28:
            near = vocabulary.near_strings(self.ranges)
            if near:
                return rng.choice(near)
        if roll < 0.45 and vocabulary.compiled:
            text = regexes.matching(rng.choice(vocabulary.compiled), rng)
            if text is not None:
                return text
        if roll < 0.55 and vocabulary.strings:
            return rng.choice(vocabulary.strings)[1]
        if roll < 0.72 and vocabulary.tokens:
            # What is asked of one string is mostly said in one place: "begins with this and ends with that".
            near = [text for text in vocabulary.near_strings(self.ranges) if 0 < len(text) <= 12]
            draw = self.token if not near or rng.random() < 0.5 else lambda: rng.choice(near)
            parts = [draw() for _ in range(rng.choice((1, 2, 2, 3, 4)))]
            if rng.random() < 0.6:
                parts.insert(rng.randrange(len(parts) + 1), rng.choice(("a", "1", "x", "key", "abc", "42")))
            return rng.choice(("", "", " ", "\n")).join(parts)
        if roll < 0.78 and vocabulary.documents:
            return rng.choice(vocabulary.documents)
        words = vocabulary.words_for(role)
        if words and rng.random() < 0.7:
            return rng.choice(words)
        if roll < 0.9:
            return rng.choice(WORDS)
        return self._varied(rng.choice((*WORDS, *vocabulary.samples[:50])))

    def token(self) -> str:
        """A short literal of the module, or what one of its regular expressions matches."""
        if self.vocabulary.samples and (not self.vocabulary.tokens or self.rng.random() < 0.2):
            return self.rng.choice(self.vocabulary.samples)
        return self.rng.choice(self.vocabulary.tokens or WORDS)

    def _varied(self, text: str) -> str:
        rng = self.rng
        return rng.choice(
            (
                text.upper(),
                text.title(),
                f" {text} ",
                text + text,
                text[::-1],
                text + "é",
                text.replace(" ", "_"),
                text + "\n",
                text * 3,
                str(rng.choice(NUMBERS)),
                "ñandú " + text,
                text + "'s",
                text[: len(text) // 2],
            )
        )

    def _str(self, kind: Kind, _draft: Draft, role: str, _depth: int) -> str:
        return repr(self.text(role or kind.role))

    def number(self) -> int:
        """An integer, often at the edge of a number in the code."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.35:
            near = [int(value) for value in self.vocabulary.near_numbers(self.ranges) if abs(value) < 10**15]
            if near:
                return int(rng.choice(near)) + rng.choice((0, 0, 1, -1))
        if roll < 0.75:
            return rng.choice(NUMBERS)
        if roll < 0.85:
            return rng.randint(-20, 120)
        if roll < 0.93:
            return rng.choice(MAGNITUDES)
        return rng.choice((int(10 ** rng.randint(2, 9)), int(2 ** rng.randint(3, 20)), -int(10 ** rng.randint(1, 6))))

    def _int(self, kind: Kind, _draft: Draft, role: str, _depth: int) -> str:
        plain = role.lower()
        if plain in ("year", "years") and self.rng.random() < 0.6:
            return str(self.rng.choice((2024, 2023, 2000, 1999, 1)))
        if plain in ("month", "months") and self.rng.random() < 0.6:
            return str(self.rng.randint(1, 12))
        value = self.number()
        if plain in _REPEATING and abs(value) > 1000 and value not in self.vocabulary.near_numbers(self.ranges):
            value = self.rng.choice(NUMBERS)
        return str(value)

    def _float(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.3:
            near = self.vocabulary.near_numbers(self.ranges)
            if near:
                return repr(float(rng.choice(near)))
        if roll < 0.6:
            return repr(rng.choice((0.0, 0.5, 1.0, 1.5, 2.5, -1.5, 3.25, 10.0, 100.75, 0.001)))
        return repr(float(self.number()))

    def _bool(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        return self.rng.choice(("True", "False"))

    def _none(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        return "None"

    def _bytes(self, _kind: Kind, _draft: Draft, role: str, _depth: int) -> str:
        text = self.text(role)
        try:
            return repr(text.encode("latin-1"))
        except UnicodeEncodeError:
            return repr(text.encode("utf-8"))

    def _bytearray(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"bytearray({self._bytes(kind, draft, role, depth)})"

    def _complex(self, *_: Any) -> str:
        return self.rng.choice(("1 + 2j", "0j", "3j"))

    def _literal(self, kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        source = self.rng.choice(kind.values)
        head = source.partition(".")[0]
        if head.isidentifier() and head not in ("True", "False", "None"):
            self.names.own_name(head)
        return source

    def _union(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        chosen = self.rng.choice(kind.args)
        if chosen == NONE and self.rng.random() < 0.5:
            chosen = self.rng.choice(kind.args)
        return self.draw(chosen, draft, role, depth)

    def _any(self, _kind: Kind, draft: Draft, role: str, depth: int) -> str:
        rng = self.rng
        if depth == 0 and role:
            suggested = by_name(role)
            if suggested is not None and rng.random() < 0.5:
                return self.draw(suggested, draft, role, depth + 1)
        roll = rng.random()
        if roll < 0.3:
            return str(self.number())
        if roll < 0.55:
            return repr(self.text(role))
        if roll < 0.7 and depth < 2:
            return self.draw(list_of(rng.choice((INT, STR))), draft, "", depth + 1)
        if roll < 0.8 and depth == 0 and self.producers:
            cls = rng.choice(sorted(self.producers))
            found = self.produced(cls, draft)
            if found is not None:
                return found
        return rng.choice(_ANYTHING)

    def _object_like(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._any(kind, draft, role, depth)
