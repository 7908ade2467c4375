"""Kinds: what a parameter can take, as far as annotations, names, defaults and use tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A set of values to draw from.

    Attributes:
        name: ``str``, ``int``, ``list``, ``callable``, ``object``, ``literal``, ``duck``, ...
        args: Kinds of the elements, alternatives of a union, or arguments and result of a callable.
        values: Source of the values of a ``literal``; attribute names of a ``duck``; keys of a ``record``.
        cls: The class of an ``object``, ``enum`` or ``type``.
        role: What the parameter is called, which says what a string or number means.
    """

    name: str
    args: "tuple[Kind, ...]" = ()
    values: "tuple[str, ...]" = ()
    cls: Any = None
    role: str = ""

    def __repr__(self) -> str:
        parts = [repr(arg) for arg in self.args] + list(self.values)
        shown = getattr(self.cls, "__qualname__", "") if self.cls is not None else ""
        return f"{self.name}{shown}" + (f"[{', '.join(parts)}]" if parts else "")


STR = Kind("str")
INT = Kind("int")
FLOAT = Kind("float")
BOOL = Kind("bool")
NONE = Kind("none")
BYTES = Kind("bytes")
ANY = Kind("any")
PATH = Kind("path")


def list_of(element: Kind) -> Kind:
    """A list."""
    return Kind("list", (element,))


def union(*kinds: Kind) -> Kind:
    """One of several; flattened, doubles removed."""
    flat: list[Kind] = []
    for kind in kinds:
        for part in kind.args if kind.name == "union" else (kind,):
            if part not in flat:
                flat.append(part)
    return flat[0] if len(flat) == 1 else Kind("union", tuple(flat))


def _words(text: str) -> "frozenset[str]":
    return frozenset(text.split())


_BY_NAME: "tuple[tuple[frozenset[str], Kind], ...]" = (
    (
        _words(
            "text string str s word name title message msg label prefix suffix sep separator delimiter line "
            "content body html markdown source src code template pattern char character token phrase sentence "
            "value_str description keyword doc docstring expr expression version spec url uri encoding "
            "charset lang language locale format fmt format_string key_name field attr attribute "
            "attribute_name slug username user email host hostname domain header raw input_string quote mode "
            "identifier ident tag prerelease build"
        ),
        STR,
    ),
    (
        _words(
            "n i j k num number count size length width height depth limit index idx offset start stop end "
            "position pos level max_length maxlen max_size min_size step total amount age year month day days "
            "hours minutes seconds port indent ndigits digits precision line_number lineno capacity times "
            "attempts retries"
        ),
        INT,
    ),
    (
        _words("ratio rate price weight factor percent percentage temperature x y z lat lon score timeout delay"),
        FLOAT,
    ),
    (
        _words("path filename file_path filepath file_name directory dirname folder dir fname dotenv_path"),
        PATH,
    ),
    (
        _words(
            "items values elements seq sequence lst list_ array numbers rows records iterable it iterator "
            "collection data xs ys coll args points nodes children seqs"
        ),
        list_of(ANY),
    ),
    (
        _words("func fn function f callback predicate pred key handler hook wrapped callable_ cmp binop mapper op"),
        Kind("callable"),
    ),
    (
        _words(
            "mapping dictionary dict_ d config options settings params kwargs env environ headers metadata "
            "attrs mappings"
        ),
        Kind("dict", (STR, ANY)),
    ),
    (
        _words("flag verbose quiet strict reverse recursive force enabled debug ignore_case inplace dry_run"),
        BOOL,
    ),
    (_words("cls klass class_ type_"), Kind("type")),
    (_words("stream fp file fileobj f_in infile stream_in buffer"), Kind("stream")),
    (_words("date day_date"), Kind("date")),
    (_words("dt datetime_ timestamp when now created_at updated_at"), Kind("datetime")),
    (_words("delta td duration interval timedelta_"), Kind("timedelta")),
)


def by_name(name: str) -> "Kind | None":
    """What a parameter's name suggests."""
    plain = name.lower().strip("_")
    for names, kind in _BY_NAME:
        if plain in names:
            return kind
    for ending, kind in (
        ("_path", PATH),
        ("_file", PATH),
        ("_dir", PATH),
        ("_name", STR),
        ("_text", STR),
        ("_str", STR),
        ("_string", STR),
        ("_count", INT),
        ("_size", INT),
        ("_index", INT),
        ("_func", Kind("callable")),
        ("_fn", Kind("callable")),
        ("_at", Kind("datetime")),
        ("_date", Kind("date")),
        ("_list", list_of(ANY)),
        ("_id", INT),
    ):
        if plain.endswith(ending):
            return kind
    if plain.startswith(("is_", "has_", "use_", "with_", "no_", "allow_", "include_", "ignore_")):
        return BOOL
    return None


def of_value(value: Any, depth: int = 0) -> "Kind | None":
    """The kind of a default or of a value seen."""
    if value is None:
        return NONE
    for cls, kind in ((bool, BOOL), (int, INT), (float, FLOAT), (str, STR), (bytes, BYTES)):
        if type(value) is cls:
            return kind
    if isinstance(value, (list, tuple, set, frozenset)) and depth < 2:
        inner = None
        for element in sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value:
            inner = of_value(element, depth + 1)
            break
        return Kind(type(value).__name__ if type(value) in (list, tuple, set, frozenset) else "list", (inner or ANY,))
    if type(value) is dict and depth < 2:
        for key, item in value.items():
            return Kind("dict", (of_value(key, depth + 1) or ANY, of_value(item, depth + 1) or ANY))
        return Kind("dict", (STR, ANY))
    if isinstance(value, type):
        return Kind("type")
    return None
