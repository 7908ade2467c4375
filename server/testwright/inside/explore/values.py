"""Draws a value of a kind, as source."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import keyword
import random
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import regexes
from .cases import Case, local_names, rename
from .kinds import ANY, BOOL, FLOAT, INT, NONE, PATH, STR, Kind, by_name, list_of, union
from .names import BUILTINS, FIXTURES
from .vocabulary import NUMBERS, WORDS

if TYPE_CHECKING:
    from .program import Program, Subject

_MAGNITUDES = (0, 1, 2, 6, 7, 29, 30, 31, 59, 60, 61, 89, 90, 364, 365, 366, 400, 800, 1000, 3599, 3600, 3700, 7200, 86399, 86400, 10**6)
_ANYTHING = ("1", "2", "'a'", "'hello'", "[1, 2, 3]", "None", "{'a': 1}", "3.5", "True", "(1, 2)", "[]", "''", "0")


@dataclass
class Draft:
    """A case in the making.

    Attributes:
        statements: Arrange statements so far.
        taken: Variables in use.
        reserved: Names of the module under test, which no variable may hide.
        picks: Which kind was picked for which parameter.
    """

    statements: "list[str]" = field(default_factory=list)
    taken: "set[str]" = field(default_factory=set)
    picks: "list[tuple[str, str, int]]" = field(default_factory=list)
    reserved: "frozenset[str]" = frozenset()

    def fresh(self, name: str) -> str:
        """A variable that is free and hides nothing."""
        base = name.strip("_") or "value"
        if not base.isidentifier() or keyword.iskeyword(base) or base in self.reserved or base in BUILTINS or base in FIXTURES:
            base = "instance" if base in self.reserved else "value"
        candidate = base
        number = 2
        while candidate in self.taken or candidate in self.reserved:
            candidate = f"{base}_{number}"
            number += 1
        self.taken.add(candidate)
        return candidate

    def assign(self, name: str, source: str) -> str:
        """Bind a variable to an expression and return it."""
        variable = self.fresh(name)
        self.statements.append(f"{variable} = {source}")
        return variable


class Values:
    """Draws values for one program from one source of choices."""

    def __init__(self, program: Program, rng: random.Random) -> None:
        self.program = program
        self.names = program.names
        self.rng = rng
        self.vocabulary = program.vocabulary
        self.producers: "dict[str, list[Case]]" = {}
        self.ranges: "tuple[tuple[int, int], ...]" = ()

    def draft(self, taken: "tuple[str, ...] | list[str]" = ()) -> Draft:
        """An empty draft."""
        return Draft(taken=set(taken), reserved=self.program.own)

    # -- entry points -------------------------------------------------------------------------------------------

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
        return typing.cast(str, method(kind, draft, role, depth))

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

    # -- scalars ------------------------------------------------------------------------------------------------

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
            parts = [rng.choice(vocabulary.tokens) for _ in range(rng.choice((1, 2, 2, 3, 4)))]
            if rng.random() < 0.6:
                parts.insert(rng.randrange(len(parts) + 1), rng.choice(("a", "1", "x", "key", "abc", "42")))
            return rng.choice(("", "", " ", "\n")).join(parts)
        words = vocabulary.words_for(role)
        if words and rng.random() < 0.7:
            return rng.choice(words)
        if roll < 0.9:
            return rng.choice(WORDS)
        return self._varied(rng.choice((*WORDS, *vocabulary.samples[:50])))

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
                return rng.choice(near) + rng.choice((0, 0, 1, -1))
        if roll < 0.75:
            return rng.choice(NUMBERS)
        if roll < 0.85:
            return rng.randint(-20, 120)
        if roll < 0.93:
            return rng.choice(_MAGNITUDES)
        return rng.choice((10 ** rng.randint(2, 9), 2 ** rng.randint(3, 20), -(10 ** rng.randint(1, 6))))

    def _int(self, kind: Kind, _draft: Draft, role: str, _depth: int) -> str:
        plain = role.lower()
        if plain in ("year", "years") and self.rng.random() < 0.6:
            return str(self.rng.choice((2024, 2023, 2000, 1999, 1)))
        if plain in ("month", "months") and self.rng.random() < 0.6:
            return str(self.rng.randint(1, 12))
        return str(self.number())

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
            found = self._produced(cls, draft)
            if found is not None:
                return found
        return rng.choice(_ANYTHING)

    def _object_like(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._any(kind, draft, role, depth)

    # -- containers ---------------------------------------------------------------------------------------------

    def _elements(self, kind: Kind, draft: Draft, role: str, depth: int) -> "list[str]":
        element = kind.args[0] if kind.args else ANY
        if element == ANY:
            element = self.rng.choice((INT, INT, STR, STR, Kind("fixed-tuple", (STR, INT)), list_of(INT)))
        count = self.rng.choice((0, 1, 2, 2, 3, 3, 4, 5) if depth == 0 else (0, 1, 2, 2, 3))
        if element == INT and self.rng.random() < 0.5:
            return [str(self.rng.randint(0, 9)) for _ in range(count)]
        singular = role[:-1] if role.endswith("s") else ""
        return [self.draw(element, draft, singular, depth + 1) for _ in range(count)]

    def _list(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"[{', '.join(self._elements(kind, draft, role, depth))}]"

    def _tuple(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        elements = self._elements(kind, draft, role, depth)
        return f"({', '.join(elements)}{',' if len(elements) == 1 else ''})"

    def _fixed_tuple(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        elements = [self.draw(part, draft, "", depth + 1) for part in kind.args]
        return f"({', '.join(elements)}{',' if len(elements) == 1 else ''})"

    def _set(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        if not kind.args or kind.args[0] == ANY:
            kind = Kind("set", (self.rng.choice((INT, STR)),))
        elements = list(dict.fromkeys(self._elements(kind, draft, role, depth)))
        return f"{{{', '.join(elements)}}}" if elements else "set()"

    def _frozenset(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"frozenset({self._set(kind, draft, role, depth)})"

    def _iterable(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        roll = self.rng.random()
        if roll < 0.1 and kind.args and kind.args[0] in (ANY, STR):
            return repr(self.text(role))
        if roll < 0.18 and kind.args and kind.args[0] in (ANY, INT):
            return f"range({self.rng.randint(0, 6)})"
        if roll < 0.3:
            return f"iter({self._list(kind, draft, role, depth)})"
        return self._list(kind, draft, role, depth)

    def _iterator(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"iter({self._list(kind, draft, role, depth)})"

    def _async_iterator(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        elements = self._list(Kind("list", kind.args[:1] or (INT,)), draft, "", depth + 1)
        name = draft.fresh("produce")
        draft.statements.append(f"async def {name}():\n    for item in {elements}:\n        yield item")
        return f"{name}()"

    def _awaitable(self, kind: Kind, draft: Draft, _role: str, depth: int) -> str:
        value = self.draw(kind.args[-1] if kind.args else INT, draft, "", depth + 1)
        name = draft.fresh("compute")
        draft.statements.append(f"async def {name}():\n    return {value}")
        return f"{name}()"

    def _dict(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        keys, items = (*kind.args, ANY, ANY)[:2] if kind.args else (STR, ANY)
        pairs = {}
        for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3))):
            key = self.draw(STR if keys == ANY else keys, draft, "key", depth + 1)
            pairs[key] = self.draw(items, draft, "", depth + 1)
        return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"

    def _record(self, kind: Kind, draft: Draft, _role: str, depth: int) -> str:
        parts = []
        for index, key in enumerate(kind.values):
            if self.rng.random() < 0.75:
                element = kind.args[index] if index < len(kind.args) else ANY
                if element == ANY:
                    element = by_name(key) or ANY
                parts.append(f"{key!r}: {self.draw(element, draft, key, depth + 1)}")
        return "{" + ", ".join(parts) + "}"

    def _from_collections(self, name: str, inner: str) -> str:
        bound = self.names.bind("collections", name)
        return f"{bound}({inner})" if bound else inner

    def _ordered_dict(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("OrderedDict", self._dict(kind, draft, role, depth))

    def _counter(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("Counter", self._list(Kind("list", kind.args[:1]), draft, role, depth))

    def _deque(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("deque", self._list(kind, draft, role, depth))

    def _default_dict(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("defaultdict", f"list, {self._dict(kind, draft, role, depth)}")

    def _range(self, *_: Any) -> str:
        return f"range({self.rng.randint(0, 8)})"

    def _slice(self, *_: Any) -> str:
        return self.rng.choice(("slice(1, 3)", "slice(None)", "slice(None, None, -1)", "slice(0, 10, 2)", "slice(2, None)"))

    # -- callables, types, exceptions ------------------------------------------------------------------------------

    def _callable(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        rng = self.rng
        count = rng.choice((1, 1, 2, 0))
        result: "Kind | None" = None
        if "typed" in kind.values and kind.args:
            count = len(kind.args) - 1
            result = kind.args[-1]
        elif kind.values and kind.values[0].isdigit():
            count = int(kind.values[0])
        if result is not None and result.name == "awaitable":
            return self._async_function(count, result, draft, depth)
        if result is not None and result not in (ANY,) and rng.random() < 0.75:
            if result == BOOL and count == 1:
                return rng.choice(("bool", "lambda value: value > 1", "lambda value: False", "lambda value: True", "lambda value: value == 2"))
            if result == NONE:
                return f"lambda {_parameters(count)}: None".replace("lambda :", "lambda:")
            inner = self.draw(result, draft, "", depth + 2)
            return f"lambda {_parameters(count)}: {inner}".replace("lambda :", "lambda:")
        plain: "dict[int, tuple[str, ...]]" = {
            0: ("lambda: 1", "list", "dict", "lambda: 'value'", "lambda: None"),
            1: (
                "lambda x: x", "lambda x: x * 2", "lambda x: x % 2 == 0", "str", "bool", "len", "lambda x: x > 2",
                "lambda x: -x", "lambda x: x[0]", "abs", "lambda x: None",
            ),
            2: ("lambda a, b: a + b", "max", "lambda a, b: a * b", "lambda a, b: a > b", "lambda a, b: b", "lambda a, b: a - b"),
            3: ("lambda a, b, c: a", "lambda a, b, c: (a, b, c)"),
        }  # fmt: skip
        if count in plain:
            if rng.random() < 0.06 and self.program.raisable:
                return self._raiser(count, draft)
            return rng.choice(plain[count])
        return f"lambda {_parameters(count)}: a"

    def _raiser(self, count: int, draft: Draft) -> str:
        name = draft.fresh("fail")
        draft.statements.append(f"def {name}({_parameters(count)}):\n    raise ValueError('boom')")
        return name

    def _async_function(self, count: int, result: Kind, draft: Draft, depth: int) -> str:
        inner = self.draw(result.args[-1] if result.args else INT, draft, "", depth + 2)
        name = draft.fresh("compute")
        draft.statements.append(f"async def {name}({_parameters(count)}):\n    return {inner}")
        return name

    def _type(self, kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        if isinstance(kind.cls, type):
            named = self.names.of(kind.cls)
            if named:
                options = [named]
                for sub in kind.cls.__subclasses__()[:6]:
                    other = self.names.of(sub)
                    if other:
                        options.append(other)
                return self.rng.choice(options)
        return self.rng.choice(("int", "str", "list", "dict", "float"))

    def _exception(self, *_: Any) -> str:
        return self.rng.choice(("ValueError('boom')", "KeyError('key')", "RuntimeError('failed')"))

    # -- times, numbers with a type, identifiers ---------------------------------------------------------------------

    def _of_module(self, module: str, name: str, inner: str) -> str:
        bound = self.names.bind(module, name)
        return f"{bound}({inner})" if bound else "None"

    def _datetime(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        rng = self.rng
        if self.program.reads_clock and rng.random() < 0.4:
            bound = self.names.bind("datetime", "datetime")
            return f"{bound}.now() {rng.choice('+-')} {self._timedelta()}"
        inner = rng.choice(("2024, 1, 15, 10, 30", "2023, 12, 31, 23, 59, 59", "2020, 2, 29", "2024, 1, 15", "2000, 1, 1"))
        if rng.random() < 0.5:
            inner = f"{rng.choice((2024, 2023, 2020, 1999))}, {rng.randint(1, 12)}, {rng.randint(1, 28)}, {rng.randint(0, 23)}, {rng.randint(0, 59)}"
        if rng.random() < 0.3:
            zone = self.names.bind("datetime", "timezone")
            if zone:
                inner += f", tzinfo={zone}.utc"
        return self._of_module("datetime", "datetime", inner)

    def _date(self, *_: Any) -> str:
        rng = self.rng
        if self.program.reads_clock and rng.random() < 0.5:
            bound, delta = self.names.bind("datetime", "date"), self.names.bind("datetime", "timedelta")
            days = rng.choice((0, 1, -1, 2, -7, 31, -31, 365, 200, -200))
            return f"{bound}.today()" if not days else f"{bound}.today() {'+' if days > 0 else '-'} {delta}(days={abs(days)})"
        inner = f"{rng.choice((2024, 2023, 2020, 1999))}, {rng.randint(1, 12)}, {rng.randint(1, 28)}"
        return self._of_module("datetime", "date", rng.choice((inner, "2024, 2, 29", "2024, 12, 31", "2024, 1, 1")))

    def _time(self, *_: Any) -> str:
        return self._of_module("datetime", "time", self.rng.choice(("10, 30", "0, 0", "23, 59, 59")))

    def _timedelta(self, *_: Any) -> str:
        rng = self.rng
        unit = rng.choice(("seconds", "seconds", "days", "days", "minutes", "hours", "weeks", "microseconds", "milliseconds"))
        value = self.number() if rng.random() < 0.4 else rng.choice(_MAGNITUDES)
        if unit in ("days", "weeks") and abs(value) > 10**6:
            value = 400
        inner = f"{unit}={value}"
        if rng.random() < 0.2:
            inner = f"days={rng.choice((1, 2, 40, 366, 500))}, seconds={rng.choice((1, 59, 3600, 7300))}"
        return self._of_module("datetime", "timedelta", inner)

    def _tzinfo(self, *_: Any) -> str:
        zone = self.names.bind("datetime", "timezone")
        return f"{zone}.utc" if zone else "None"

    def _decimal(self, *_: Any) -> str:
        return self._of_module("decimal", "Decimal", repr(self.rng.choice(("1.5", "0", "10", "-2.25", "100.00", "3"))))

    def _fraction(self, *_: Any) -> str:
        return self._of_module("fractions", "Fraction", self.rng.choice(("1, 2", "3, 4", "5")))

    def _uuid(self, *_: Any) -> str:
        return self._of_module("uuid", "UUID", "'12345678-1234-5678-1234-567812345678'")

    def _regex(self, *_: Any) -> str:
        bound = self.names.bind("re")
        return f"{bound}.compile({self.rng.choice((repr('[a-z]+'), repr('a'), repr('[0-9]+')))})"

    # -- files ---------------------------------------------------------------------------------------------------

    def _path(self, _kind: Kind, draft: Draft, role: str, _depth: int) -> str:
        rng = self.rng
        plain = role.lower()
        wants_folder = any(word in plain for word in ("dir", "folder", "root"))
        suffix = self.program.file_suffix
        variable = draft.fresh(role if role.isidentifier() and len(role) > 1 else "path")
        roll = rng.random()
        if wants_folder and roll < 0.7:
            draft.statements.append(f"{variable} = tmp_path")
            if rng.random() < 0.6:
                draft.statements.append(f"(tmp_path / {'notes' + suffix!r}).write_text({self.file_text()!r})")
        elif roll < 0.12:
            draft.statements.append(f"{variable} = tmp_path / {'missing' + suffix!r}")
        else:
            draft.statements.append(f"{variable} = tmp_path / {'sample' + suffix!r}")
            draft.statements.append(f"{variable}.write_text({self.file_text()!r})")
        return variable if rng.random() < 0.6 else f"str({variable})"

    def file_text(self) -> str:
        """Content for a file."""
        rng = self.rng
        texts = self.program.file_texts
        if texts and rng.random() < 0.5:
            return rng.choice(texts)
        if rng.random() < 0.6:
            return "".join(self.text("content") + "\n" for _ in range(rng.choice((1, 1, 2, 3))))
        return rng.choice(("hello\nworld\n", "a=1\nb=2\n", "", "# comment\n\nkey = value\n", '{"a": 1}\n', "a,b\n1,2\n"))

    def _stream(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        return self._of_module("io", "StringIO", repr(self.file_text()) if self.rng.random() < 0.85 else "")

    def _binary_stream(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        return self._of_module("io", "BytesIO", repr(self.file_text().encode()))

    # -- objects -------------------------------------------------------------------------------------------------

    def _enum(self, kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        named = self.names.of(kind.cls)
        members = list(kind.cls.__members__)
        return f"{named}.{self.rng.choice(members)}" if named and members else "None"

    def _object(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self.instance(kind.cls, draft, role, depth)

    def _produced(self, cls_name: str, draft: Draft) -> "str | None":
        """The act of an earlier case that gave such an object, with its statements."""
        cases = self.producers.get(cls_name)
        if not cases:
            return None
        case = self.rng.choice(cases[-40:])
        mapping = {}
        for name in local_names(case.arrange):
            fresh = draft.fresh(name)
            if fresh != name:
                mapping[name] = fresh
        for statement in case.arrange:
            draft.statements.append(rename(statement, mapping))
        return rename(case.act, mapping)

    def instance(self, cls: Any, draft: Draft, role: str = "", depth: int = 0) -> str:
        """An expression that makes an instance of a class."""
        rng = self.rng
        if not isinstance(cls, type):
            return "None"
        key = f"{cls.__module__}.{cls.__qualname__}"
        if key in self.producers and rng.random() < (0.5 if depth == 0 else 0.8):
            found = self._produced(key, draft)
            if found is not None:
                return found
        subject = self.program.class_subject(cls)
        concrete = self._concrete(cls, draft)
        if concrete is None:
            return self._stub(cls, draft, depth)
        if subject is not None:
            factories = self.program.factories.get(cls, ())
            if factories and rng.random() < 0.3 and depth < 3:
                factory = rng.choice(factories)
                return self.call(factory, draft, depth + 1)
            return f"{concrete}({self.arguments(subject, draft, depth + 1)})"
        return f"{concrete}()"

    def _concrete(self, cls: type, draft: Draft) -> "str | None":
        lacking = self.program.lacking(cls)
        if lacking and not inspect.isabstract(cls):
            heirs = [sub for sub in self.program.subclasses(cls) if not self.program.lacking(sub)]
            if heirs and self.rng.random() < 0.3:
                return self.names.of(self.rng.choice(heirs))
            return self._completed(cls, lacking, draft)
        if inspect.isabstract(cls):
            options = [sub for sub in self.program.subclasses(cls) if not inspect.isabstract(sub)]
            if options and self.rng.random() < 0.7:
                return self.names.of(self.rng.choice(options))
            return self._subclass(cls, draft)
        return self.names.of(cls)

    def _completed(self, cls: type, lacking: "tuple[str, ...]", draft: Draft) -> "str | None":
        """A subclass that provides what the class wishes for."""
        base = self.names.of(cls)
        if base is None:
            return None
        name = draft.fresh("Sample" + cls.__name__.strip("_"))
        lines = [f"class {name}({base}):"]
        for attribute in lacking:
            kind = by_name(attribute) or self.rng.choice((INT, STR))
            value = self.draw(kind, draft, attribute, 3)
            if attribute in self.program.called_attributes:
                lines.append(f"    def {attribute}(self, *args, **kwargs):\n        return {value}")
            else:
                lines.append(f"    {attribute} = {value}")
        draft.statements.append("\n".join(lines))
        return name

    def _subclass(self, cls: type, draft: Draft) -> "str | None":
        base = self.names.of(cls)
        if base is None:
            return None
        name = draft.fresh("Concrete" + cls.__name__.strip("_"))
        lines = [f"class {name}({base}):"]
        for method in sorted(cls.__abstractmethods__):  # type: ignore[attr-defined]
            attribute = inspect.getattr_static(cls, method, None)
            function = attribute
            decorator = ""
            if isinstance(attribute, property):
                decorator, function = "    @property\n", attribute.fget
            elif isinstance(attribute, classmethod):
                decorator, function = "    @classmethod\n", attribute.__func__
            elif isinstance(attribute, staticmethod):
                decorator, function = "    @staticmethod\n", attribute.__func__
            try:
                parameters = ", ".join(
                    ("*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else "") + p.name
                    + ("=None" if p.default is not p.empty else "")
                    for p in inspect.signature(function).parameters.values()  # type: ignore[arg-type]
                    if True
                )  # fmt: skip
            except (TypeError, ValueError):
                parameters = "self, *args"
            kind = self.program.hints.kind(getattr(function, "__annotations__", {}).get("return", inspect.Parameter.empty), cls)
            value = self.draw(kind or self.rng.choice((INT, STR)), self.draft(), "", 3)
            if any(not name.isidentifier() or name in self.names.imports for name in ()):  # pragma: no cover
                value = "None"
            prefix = "async " if inspect.iscoroutinefunction(function) else ""
            lines.append(f"{decorator}    {prefix}def {method}({parameters}):\n        return {value}")
        if len(lines) == 1:
            lines.append("    pass")
        draft.statements.append("\n".join(lines))
        return name

    def _stub(self, cls: type, draft: Draft, depth: int) -> str:
        attributes = [
            name for name, value in vars(cls).items() if not name.startswith("_") and not callable(value)
        ]
        return self._duck(Kind("duck", values=tuple(attributes[:6])), draft, "", depth)

    def _duck(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        fitting = self.program.classes_with(kind.values)
        if fitting and self.rng.random() < 0.75 and depth < 4:
            return self.instance(self.rng.choice(fitting), draft, role, depth + 1)
        if role and role in self.vocabulary.seen:
            pass
        bound = self.names.bind("types", "SimpleNamespace")
        parts = []
        for attribute in kind.values:
            if attribute.startswith("__"):
                continue
            suggested = by_name(attribute) or ANY
            if attribute in self.program.called_attributes:
                value = f"lambda *args, **kwargs: {self.draw(suggested if suggested.name != 'callable' else ANY, draft, attribute, depth + 2)}"
            else:
                value = self.draw(suggested, draft, attribute, depth + 2)
            parts.append(f"{attribute}={value}")
        return f"{bound}({', '.join(parts)})"

    # -- calls ---------------------------------------------------------------------------------------------------

    def arguments(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """Source of the arguments for a call of a subject."""
        rng = self.rng
        parts: "list[str]" = []
        positional_open = True
        optional = [p for p in subject.parameters if not p.required]
        chance = 0.45 if len(optional) <= 3 else 0.25
        if rng.random() < 0.15:
            chance = 0.0
        if depth >= 3:
            chance = 0.05
        before, self.ranges = self.ranges, subject.ranges or self.ranges
        for parameter in subject.parameters:
            if parameter.style == "varargs":
                if positional_open:
                    count = rng.choice((0, 1, 2, 2, 3))
                    kind = parameter.pick(rng, draft, subject.qualname)
                    parts.extend(self.draw(kind, draft, parameter.name, depth) for _ in range(count))
                continue
            if parameter.style == "varkw":
                parts.extend(self._keywords(parameter, draft, depth))
                continue
            if not parameter.required and rng.random() >= chance:
                positional_open = False
                continue
            kind = parameter.pick(rng, draft, subject.qualname)
            value = self.draw(kind, draft, parameter.name, depth)
            by_keyword = parameter.style == "keyword" or (
                parameter.style != "positional" and (not positional_open or not parameter.required)
            )
            if parameter.style == "positional" and not positional_open:
                continue
            if by_keyword:
                positional_open = False
                parts.append(f"{parameter.name}={value}")
            else:
                parts.append(value)
        self.ranges = before
        return ", ".join(parts)

    def _keywords(self, parameter: Any, draft: Draft, depth: int) -> "list[str]":
        keys = [key for key in parameter.keys if key.isidentifier()]
        if not keys:
            if self.rng.random() < 0.3:
                return [f"name={self._any(ANY, draft, 'name', depth + 1)}"]
            return []
        chosen = [key for key in keys if self.rng.random() < min(0.5, 2.0 / len(keys))]
        return [
            f"{key}={self.draw(parameter.key_kinds.get(key) or by_name(key) or ANY, draft, key, depth + 1)}" for key in chosen
        ]

    def call(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """An expression that calls a subject, and the function that it returns."""
        made = self._call(subject, draft, depth)
        if subject.inner is None or depth or self.rng.random() < 0.2:
            return made
        if any(parameter.style == "varargs" for parameter in subject.inner):
            # A decorator's wrapper takes what the decorated function takes.
            count = _lambda_arity(made)
            return f"{made}({', '.join(self._any(ANY, draft, '', 1) for _ in range(count))})"
        wrapper = dataclasses.replace(subject, parameters=subject.inner)
        return f"{made}({self.arguments(wrapper, draft, 1)})"

    def _call(self, subject: Subject, draft: Draft, depth: int) -> str:
        owner = subject.owner
        if subject.style in ("class", "function"):
            head = self.names.of(subject.function if subject.style == "function" else owner)
            if subject.style == "class" and owner is not None and inspect.isabstract(owner):
                head = self._concrete(owner, draft)
            if head is None:
                head = self.names.own_name(subject.qualname) or subject.qualname
            return f"{head}({self.arguments(subject, draft, depth)})"
        if subject.style in ("classmethod", "staticmethod"):
            head = self._concrete(owner, draft) or "None"
            return f"{head}.{subject.name}({self.arguments(subject, draft, depth)})"
        receiver = self.receiver(subject, draft, depth)
        if subject.style == "property":
            return f"{receiver}.{subject.name}"
        if subject.style == "setter":
            value = self.draw(subject.parameters[0].pick(self.rng, draft, subject.qualname), draft, subject.name, depth + 1) if subject.parameters else "1"
            return f"setattr({receiver}, {subject.name!r}, {value})"
        return self._method(subject, receiver, draft, depth)

    def receiver(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """A variable that holds an instance to call a method on, with a few calls before now and then."""
        owner = subject.concrete_owner(self.rng)
        made = self.instance(owner, draft, "", depth + 1 if depth else 0)
        variable = draft.assign(_snake(owner.__name__), made) if not made.isidentifier() else made
        rng = self.rng
        if rng.random() < 0.35:
            methods = self.program.state_methods(owner)
            for _ in range(rng.choice((1, 1, 2, 3))):
                if not methods:
                    break
                method = rng.choice(methods)
                draft.statements.append(self._method(method, variable, draft, depth + 1))
        return variable

    def _method(self, subject: Subject, receiver: str, draft: Draft, depth: int) -> str:
        name = subject.name
        rng = self.rng
        operator = _BINARY.get(name)
        if operator is not None:
            other = self._other(subject, receiver, draft, depth)
            return f"{receiver} {operator} {other}"
        reflected = _REFLECTED.get(name)
        if reflected is not None:
            other = self._any(ANY, draft, "", depth + 1)
            if subject.parameters and rng.random() < 0.4:
                other = self.draw(subject.parameters[0].pick(rng, draft, subject.qualname), draft, "", depth + 1)
            return f"{other} {reflected} {receiver}"
        if name == "__hash__":
            # A hash is no value to compare with; that equal objects have equal hashes is.
            made = next((s.partition(" = ")[2] for s in draft.statements if s.startswith(f"{receiver} = ")), None)
            return f"hash({receiver}) == hash({made})" if made else f"len({{{receiver}, {receiver}}})"
        if name in _UNARY:
            return _UNARY[name].format(receiver)
        if name == "__getitem__" and subject.parameters:
            return f"{receiver}[{self._index(subject, draft, depth)}]"
        if name in ("__reduce__", "__reduce_ex__", "__getstate__", "__copy__", "__deepcopy__"):
            bound = self.names.bind("copy")
            return f"{bound}.{'deepcopy' if name == '__deepcopy__' else 'copy'}({receiver})"
        if name == "__aiter__":
            return receiver
        if name in ("__enter__", "__aenter__"):
            helper = draft.fresh("enter")
            word = "async " if name == "__aenter__" else ""
            draft.statements.append(f"{word}def {helper}():\n    {word}with {receiver} as value:\n        return value")
            return f"{helper}()"
        if name == "__contains__" and subject.parameters:
            return f"{self.draw(subject.parameters[0].pick(rng, draft, subject.qualname), draft, '', depth + 1)} in {receiver}"
        if name == "__format__":
            return f"format({receiver}, {rng.choice((repr(''), repr('>10'), repr('d'), repr('s')))})"
        if name == "__call__":
            return f"{receiver}({self.arguments(subject, draft, depth)})"
        return f"{receiver}.{name}({self.arguments(subject, draft, depth)})"

    def _index(self, subject: Subject, draft: Draft, depth: int) -> str:
        roll = self.rng.random()
        if roll < 0.25:
            return self.rng.choice(("1:3", ":", "::-1", ":2", "1:", "-2:", "::2", "5:1", "3:1:-1"))
        if roll < 0.5:
            return self.rng.choice(("0", "-1", "1", "2", "10", "-3"))
        return self.draw(subject.parameters[0].pick(self.rng, draft, subject.qualname), draft, subject.parameters[0].name, depth + 1)

    def _other(self, subject: Subject, receiver: str, draft: Draft, depth: int) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.08:
            return receiver
        if roll < 0.2:
            return self._any(ANY, draft, "", depth + 1)
        if roll < 0.55 and subject.owner is not None and depth < 3:
            made = self.instance(subject.owner, draft, "", depth + 1)
            return draft.assign("other", made) if not made.isidentifier() else made
        if subject.parameters:
            return self.draw(subject.parameters[0].pick(rng, draft, subject.qualname), draft, subject.parameters[0].name, depth + 1)
        return "None"


def _lambda_arity(source: str) -> int:
    """How many arguments the first function written in a call takes."""
    for node in ast.walk(ast.parse(source, mode="eval")):
        if isinstance(node, ast.Lambda):
            return len(node.args.args)
    return 1


def _parameters(count: int) -> str:
    return ", ".join("abcdefgh"[:count])


def _snake(name: str) -> str:
    text = ""
    plain = name.strip("_")
    for index, character in enumerate(plain):
        if character.isupper() and index and (not plain[index - 1].isupper()):
            text += "_"
        text += character.lower()
    return text or "value"


_BINARY = {
    "__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/", "__floordiv__": "//", "__mod__": "%",
    "__pow__": "**", "__and__": "&", "__or__": "|", "__xor__": "^", "__lshift__": "<<", "__rshift__": ">>",
    "__eq__": "==", "__ne__": "!=", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">=", "__matmul__": "@",
}  # fmt: skip
_REFLECTED = {
    "__radd__": "+", "__rsub__": "-", "__rmul__": "*", "__rtruediv__": "/", "__rfloordiv__": "//", "__rmod__": "%",
    "__rpow__": "**", "__rand__": "&", "__ror__": "|", "__rxor__": "^",
}  # fmt: skip
_UNARY = {
    "__len__": "len({})", "__str__": "str({})", "__repr__": "repr({})", "__bool__": "bool({})",
    "__iter__": "list({})", "__reversed__": "list(reversed({}))", "__int__": "int({})", "__float__": "float({})",
    "__abs__": "abs({})", "__neg__": "-{}", "__pos__": "+{}", "__invert__": "~{}", "__next__": "next({})",
    "__bytes__": "bytes({})", "__index__": "__import__('operator').index({})",
    "__round__": "round({})", "__complex__": "complex({})", "__dir__": "dir({})",
}  # fmt: skip

__all__ = ["FLOAT", "PATH", "Draft", "Values", "union"]
