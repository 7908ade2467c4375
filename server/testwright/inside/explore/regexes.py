"""Strings that match a regular expression, and strings that nearly do."""

from __future__ import annotations

import random
import re
from typing import Any

try:
    from re import _constants, _parser  # type: ignore[attr-defined]
except ImportError:  # Python 3.10
    import sre_constants as _constants
    import sre_parse as _parser

_CATEGORIES: "dict[Any, str]" = {
    _constants.CATEGORY_DIGIT: "0123456789",
    _constants.CATEGORY_NOT_DIGIT: "abcxyz-",
    _constants.CATEGORY_SPACE: " \t\n",
    _constants.CATEGORY_NOT_SPACE: "abcXYZ019-",
    _constants.CATEGORY_WORD: "abcdexyzABZ0129_",
    _constants.CATEGORY_NOT_WORD: " -.,!",
}
_PLAIN = "abcdefgxyzABC0123456789 -_.,"
MAX_LENGTH = 120


class _TooLong(Exception):
    pass


class _Writer:
    def __init__(self, rng: random.Random, flags: int) -> None:
        self.rng = rng
        self.flags = flags
        self.groups: "dict[int, str]" = {}
        self.spent = 0

    def sequence(self, items: Any) -> str:
        return "".join(self.item(operation, argument) for operation, argument in items)

    def item(self, operation: Any, argument: Any) -> str:
        self.spent += 1
        if self.spent > 4000:
            raise _TooLong
        rng = self.rng
        if operation is _constants.LITERAL:
            character = chr(argument)
            if self.flags & re.IGNORECASE and rng.random() < 0.2:
                return character.swapcase()
            return character
        if operation is _constants.NOT_LITERAL:
            return rng.choice([c for c in _PLAIN if ord(c) != argument])
        if operation is _constants.ANY:
            return rng.choice(_PLAIN)
        if operation is _constants.IN:
            return self.one_of(argument)
        if operation is _constants.BRANCH:
            return self.sequence(rng.choice(argument[1]))
        if operation is _constants.SUBPATTERN:
            number, add_flags, _remove_flags, inner = argument
            before = self.flags
            self.flags |= add_flags
            text = self.sequence(inner)
            self.flags = before
            if number is not None:
                self.groups[number] = text
            return text
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) or str(operation) == "POSSESSIVE_REPEAT":
            low, high, inner = argument
            high = min(int(high), int(low) + rng.choice((0, 0, 1, 1, 1, 2, 2, 4, 12)))
            return "".join(self.sequence(inner) for _ in range(rng.randint(int(low), max(int(low), high))))
        if operation is _constants.GROUPREF:
            return self.groups.get(argument, "")
        if operation is _constants.GROUPREF_EXISTS:
            number, yes, no = argument
            chosen = yes if number in self.groups else no
            return self.sequence(chosen) if chosen else ""
        if str(operation) == "ATOMIC_GROUP":
            return self.sequence(argument)
        if operation is _constants.CATEGORY:
            return rng.choice(_CATEGORIES.get(argument, _PLAIN))
        return ""  # anchors and assertions take no characters

    def one_of(self, choices: Any) -> str:
        rng = self.rng
        if choices and choices[0][0] is _constants.NEGATE:
            banned = {chr(argument) for operation, argument in choices[1:] if operation is _constants.LITERAL}
            for operation, argument in choices[1:]:
                if operation is _constants.RANGE:
                    banned.update(c for c in _PLAIN if argument[0] <= ord(c) <= argument[1])
                elif operation is _constants.CATEGORY:
                    banned.update(_CATEGORIES.get(argument, ""))
            return rng.choice([c for c in _PLAIN if c not in banned] or ["~"])
        operation, argument = rng.choice(choices)
        if operation is _constants.LITERAL:
            return chr(argument)
        if operation is _constants.RANGE:
            low, high = argument
            return chr(rng.randint(low, min(high, low + 60)))
        if operation is _constants.CATEGORY:
            return rng.choice(_CATEGORIES.get(argument, _PLAIN))
        return rng.choice(_PLAIN)


def matching(pattern: "re.Pattern[str]", rng: random.Random) -> "str | None":
    """A string that the pattern is likely to match; None when it cannot be made.

    Args:
        pattern: Compiled, of text.
        rng: Source of choices.
    """
    writer = _Writer(rng, pattern.flags)
    try:
        tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        text = writer.sequence(tree)
    except (_TooLong, RecursionError, ValueError, OverflowError, re.error):
        return None
    if len(text) > MAX_LENGTH or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return None
    return text


def samples(pattern: "re.Pattern[str]", rng: random.Random, count: int = 12) -> "list[str]":
    """Different strings for a pattern; those that it really matches come first."""
    found: "dict[str, bool]" = {}
    for _ in range(count * 2):
        text = matching(pattern, rng)
        if text is not None and text not in found:
            try:
                found[text] = pattern.search(text) is not None
            except (RecursionError, MemoryError):
                continue
        if len(found) >= count:
            break
    return sorted(found, key=lambda text: (not found[text], len(text), text))


def constant_patterns(values: "list[Any]") -> "list[re.Pattern[str]]":
    """The compiled patterns of text among some values, also inside tuples, lists and dicts."""
    found: "list[re.Pattern[str]]" = []

    def look(value: Any, depth: int) -> None:
        if isinstance(value, re.Pattern):
            if isinstance(value.pattern, str) and value not in found:
                found.append(value)
        elif depth < 3 and isinstance(value, (tuple, list)):
            for element in value[:200]:
                look(element, depth + 1)
        elif depth < 3 and isinstance(value, dict):
            for element in list(value.values())[:200]:
                look(element, depth + 1)

    for value in values:
        look(value, 0)
    return found
