"""Draws what the standard library gives: functions, times, numbers with a type, files and streams."""

from __future__ import annotations

from typing import Any

from .containers import Containers
from .draft import Draft
from .kinds import ANY, BOOL, INT, NONE, Kind
from .scalars import MAGNITUDES

WRITTEN_SHARE = 0.25
"""How often a path leads to a file that the module itself has written, once it has."""


class Library(Containers):
    """Draws values of the standard library."""

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
        if result is not None and result != ANY and rng.random() < 0.75:
            if result == BOOL and count == 1:
                return rng.choice(
                    (
                        "bool",
                        "lambda value: value > 1",
                        "lambda value: False",
                        "lambda value: True",
                        "lambda value: value == 2",
                    )
                )
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
            2: ("lambda a, b: a + b", "max", "lambda a, b: a * b", "lambda a, b: a > b", "lambda a, b: b"),
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
                for heir in self.program.subclasses(kind.cls)[:6]:
                    other = self.names.of(heir)
                    if other:
                        options.append(other)
                return self.rng.choice(options)
        return self.rng.choice(("int", "str", "list", "dict", "float"))

    def _exception(self, *_: Any) -> str:
        return self.rng.choice(("ValueError('boom')", "KeyError('key')", "RuntimeError('failed')"))

    def _of_module(self, module: str, name: str, inner: str) -> str:
        bound = self.names.bind(module, name)
        return f"{bound}({inner})" if bound else "None"

    def _datetime(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        rng = self.rng
        if self.program.reads_clock and rng.random() < 0.4:
            bound = self.names.bind("datetime", "datetime")
            return f"{bound}.now() {rng.choice('+-')} {self._timedelta()}"
        inner = rng.choice(
            ("2024, 1, 15, 10, 30", "2023, 12, 31, 23, 59, 59", "2020, 2, 29", "2024, 1, 15", "2000, 1, 1")
        )
        if rng.random() < 0.5:
            day = f"{rng.choice((2024, 2023, 2020, 1999))}, {rng.randint(1, 12)}, {rng.randint(1, 28)}"
            inner = f"{day}, {rng.randint(0, 23)}, {rng.randint(0, 59)}"
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
            return (
                f"{bound}.today()"
                if not days
                else f"{bound}.today() {'+' if days > 0 else '-'} {delta}(days={abs(days)})"
            )
        inner = f"{rng.choice((2024, 2023, 2020, 1999))}, {rng.randint(1, 12)}, {rng.randint(1, 28)}"
        return self._of_module("datetime", "date", rng.choice((inner, "2024, 2, 29", "2024, 12, 31", "2024, 1, 1")))

    def _time(self, *_: Any) -> str:
        return self._of_module("datetime", "time", self.rng.choice(("10, 30", "0, 0", "23, 59, 59")))

    def _timedelta(self, *_: Any) -> str:
        rng = self.rng
        unit = rng.choice(
            ("seconds", "seconds", "days", "days", "minutes", "hours", "weeks", "microseconds", "milliseconds")
        )
        value = self.number() if rng.random() < 0.4 else rng.choice(MAGNITUDES)
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

    def _path(self, _kind: Kind, draft: Draft, role: str, _depth: int) -> str:
        rng = self.rng
        if self.writers and rng.random() < WRITTEN_SHARE and not any("tmp_path" in line for line in draft.statements):
            case, name = rng.choice(self.writers)
            draft.statements.append(self.replayed(case, draft))
            return f"tmp_path / {name!r}"
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
        return rng.choice(
            ("hello\nworld\n", "a=1\nb=2\n", "", "# comment\n\nkey = value\n", '{"a": 1}\n', "a,b\n1,2\n")
        )

    def _stream(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        return self._of_module("io", "StringIO", repr(self.file_text()) if self.rng.random() < 0.85 else "")

    def _binary_stream(self, _kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        return self._of_module("io", "BytesIO", repr(self.file_text().encode()))


def _parameters(count: int) -> str:
    return ", ".join("abcdefgh"[:count])
