"""Which expressions are values: what may stand in a row of a table, and how a value is said in words (pure)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

Meaning = Callable[[ast.expr], str | None]

_CONSTRUCTORS = frozenset(
    {
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fractions.Fraction",
        "pathlib.Path",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "pathlib.PureWindowsPath",
        "pytest.approx",
        "uuid.UUID",
    }
)
_ATTRIBUTES = frozenset({"datetime.timezone.utc", "datetime.UTC", "math.inf", "math.nan", "math.pi"})
_BUILTIN_CONSTRUCTORS = frozenset({"set", "frozenset", "bytearray", "float", "complex", "range"})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*|[0-9]+")
_LONGEST_WORDS = 24


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a constant, a display of constants or a signed number."""
    if isinstance(node, ast.Constant):
        return node.value is not Ellipsis
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub | ast.UAdd) and _is_number(node.operand)
    if isinstance(node, ast.BinOp):  # 1 + 2j
        return isinstance(node.op, ast.Add | ast.Sub) and is_literal(node.left) and _is_imaginary(node.right)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and all(map(is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and is_literal(key) for key in node.keys) and all(map(is_literal, node.values))
    return False


def is_value(node: ast.expr, meaning: Meaning) -> bool:
    """Whether an expression may stand in a row: a literal, or a plain value of the standard library made of literals.

    Rows are evaluated when the file is imported, so nothing of the module under test is called in one. Its enum
    members and constants may be named.
    """
    if is_literal(node):
        return True
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and all(
            is_value(element, meaning) for element in node.elts
        )
    if isinstance(node, ast.Dict):
        return all(key is not None and is_value(key, meaning) for key in node.keys) and all(
            is_value(value, meaning) for value in node.values
        )
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _BUILTIN_CONSTRUCTORS and meaning(node.func) is None:
            known = True
        else:
            known = meaning(node.func) in _CONSTRUCTORS
        arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg)]
        starred = any(keyword.arg is None for keyword in node.keywords)
        return known and not starred and all(is_value(argument, meaning) for argument in arguments)
    if isinstance(node, ast.Attribute):
        named = meaning(node)
        return named is not None and (named in _ATTRIBUTES or (node.attr.isupper() and _is_member(node, named)))
    return False


def _is_member(node: ast.Attribute, named: str) -> bool:
    """``Color.RED``: a constant of a class (or module), which has a capital letter or is a plain name."""
    return isinstance(node.value, ast.Name) and named.count(".") >= 1


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in {int, float, complex}


def _is_imaginary(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is complex


def kind_word(nodes: list[ast.expr]) -> str:
    """A parameter's name for values of one kind, when nothing better is known."""
    words = {_kind(node) for node in nodes} - {"nothing"}
    return words.pop() if len(words) == 1 else "value"


def _kind(node: ast.expr) -> str:
    if isinstance(node, ast.UnaryOp | ast.BinOp):
        return "number"
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return "items"
    if isinstance(node, ast.Dict):
        return "mapping"
    if isinstance(node, ast.Constant):
        kinds: dict[type, str] = {str: "text", bytes: "data", bool: "flag", type(None): "nothing"}
        return kinds.get(type(node.value), "number")
    return "value"


def slug(text: str, limit: int = _LONGEST_WORDS) -> str:
    """A text as snake-case words; empty when it has too many or none."""
    words = [word.lower() for word in _WORD.findall(text)]
    joined = "_".join(words)
    return joined if words and len(joined) <= limit and text.isascii() else ""


def words_for(name: str, node: ast.expr) -> list[str]:  # noqa: PLR0911  # one for each kind of expression
    """What can be said about an argument, the best first: ``empty_text``, ``lowercase_false``."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [f"negative_{name}", f"{name}_minus_{slug(ast.unparse(node.operand))}"]
    if isinstance(node, ast.Constant):
        return _words_for_constant(name, node.value)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return _words_for_size(name, len(node.elts))
    if isinstance(node, ast.Dict):
        return _words_for_size(name, len(node.keys))
    if isinstance(node, ast.Attribute):
        return [f"{name}_{node.attr.lower().strip('_')}"]
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func).rpartition(".")[2]
        if not node.args and not node.keywords:
            return [f"empty_{name}"] if called in {"set", "frozenset", "list", "dict", "tuple", "bytearray"} else []
        if len(node.args) == 1 and not node.keywords and isinstance(number := _number(node.args[0]), ast.expr):
            return words_for(name, number)
        inner = slug(" ".join(ast.unparse(argument) for argument in node.args))
        return [f"{name}_{inner}"] if inner else []
    return []


def _number(node: ast.expr) -> ast.expr | None:
    """The number in ``Decimal("-2.5")`` and ``float(3)`` as an expression."""
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)
    return ast.parse(text, mode="eval").body if _NUMBER.fullmatch(text) else None


def _words_for_constant(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"{name}_{str(value).lower()}"]
    if value is None:
        return [f"{name}_none"]
    if isinstance(value, str | bytes):
        return _words_for_text(name, value if isinstance(value, str) else value.decode("latin-1"))
    if isinstance(value, int | float):
        said = slug(repr(value))
        return [f"zero_{name}"] if value == 0 else [f"{name}_{said}"] if said else []
    return []


def _words_for_text(name: str, text: str) -> list[str]:
    if not text:
        return [f"empty_{name}"]
    if text.isspace():
        return [f"blank_{name}"]
    said = slug(text)
    words = [f"{name}_{said}"] if said else []
    if "\n" in text.rstrip("\n"):
        words.append(f"multiline_{name}")
    if not text.isascii():
        words.append(f"non_ascii_{name}")
    if len(text) > 2 * _LONGEST_WORDS:
        words.append(f"long_{name}")
    if not said and not any(character.isalnum() for character in text):
        words.append(f"{name}_without_letters")
    return words


def _words_for_size(name: str, size: int) -> list[str]:
    if size == 0:
        return [f"empty_{name}"]
    if size == 1:
        return [f"single_{singular(name)}"]
    number = _NUMBER_WORDS[size] if size < len(_NUMBER_WORDS) else "many"
    return [f"{number}_{name}" if name.endswith("s") else f"{name}_of_{number}"]


def number_word(number: int) -> str:
    """A small number in words."""
    return _NUMBER_WORDS[number] if number < len(_NUMBER_WORDS) else str(number)


def singular(name: str) -> str:
    """``items`` → ``item``, ``entries`` → ``entry``."""
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith("s") and not name.endswith("ss") and len(name) > 2:
        return name[:-1]
    return name
