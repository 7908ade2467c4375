"""Names that say what is tested (pure)."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence

from testwright.writing.case import Case
from testwright.writing.shape import ModuleShape
from testwright.writing.tables import Table
from testwright.writing.values import number_word, slug, words_for

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FAULTS = ("empty_", "blank_", "negative_", "zero_", "non_ascii_", "single_")
_FLAGS = ("_none", "_true", "_false")
_EDGES = ("empty_", "blank_", "negative_", "zero_")
_INVALID = re.compile(r"value|type|invalid|parse|syntax|decode|format|argument|validation", re.IGNORECASE)
_TOLD_AS_FAILURE = re.compile(r"^(raises|rejects|refuses|fails|without|missing|invalid|when|if)_|error|exception")
_FILE_MAKING = frozenset({"mkdir", "touch", "write_bytes", "write_text"})
_LONGEST_NAME = 72
_OPERATIONS = {
    "__add__": "addition",
    "__bool__": "truth",
    "__call__": "call",
    "__contains__": "contains",
    "__delitem__": "item_deletion",
    "__enter__": "context",
    "__eq__": "equality",
    "__floordiv__": "floor_division",
    "__ge__": "greater_or_equal",
    "__getitem__": "item",
    "__gt__": "greater_than",
    "__iadd__": "in_place_addition",
    "__iter__": "iteration",
    "__le__": "less_or_equal",
    "__len__": "length",
    "__lt__": "less_than",
    "__mod__": "modulo",
    "__mul__": "multiplication",
    "__ne__": "inequality",
    "__neg__": "negation",
    "__setitem__": "item_assignment",
    "__sub__": "subtraction",
    "__truediv__": "division",
}

Unit = Case | Table


def snake(name: str) -> str:
    """``HTTPServer`` → ``http_server``, ``__add__`` → ``add``."""
    return re.sub(r"_+", "_", _CAMEL.sub("_", name).lower()).strip("_")


def base_name(target: str) -> str:
    """``Cart.total`` → ``cart_total``; a constructor has its class's name; no target at all is an example of usage."""
    parts = [part for part in target.split(".") if part not in {"__init__", "__new__", "<locals>"}]
    words = (_OPERATIONS.get(part) or snake(re.sub(r"\W", "_", part)) for part in parts)
    return "_".join(filter(None, words)) or "usage_example"


def scenario_name(scenario: str) -> str:
    """A scenario as it was given, in the spelling of names."""
    return re.sub(r"_+", "_", re.sub(r"[^0-9a-z]+", "_", _CAMEL.sub("_", scenario).lower())).strip("_")


def name_units(units: Sequence[Unit], shape: ModuleShape, taken: set[str]) -> list[str]:
    """A unique name for each test of one target; ``taken`` gets them added.

    The plainest name goes to the broadest test (a table before a single case), the others are told apart by what
    is special about their arguments, their result or what came before the call.
    """
    target = _case(units[0]).target
    base = "test_" + base_name(target)
    wishes = [list(_wishes(unit, shape)) for unit in units]
    order = sorted(range(len(units)), key=lambda index: (_scenario(units[index]) == "", index))
    names: dict[int, str] = {}
    plain = _plainest(units, shape)
    if plain is not None and base not in taken:
        names[plain] = base
        taken.add(base)
    for index in order:
        if index in names:
            continue
        others = {word for other, words in enumerate(wishes) if other != index for word in words}
        name = _choose(base, wishes[index], others, taken)
        names[index] = name
        taken.add(name)
    return [names[index] for index in range(len(units))]


def _plainest(units: Sequence[Unit], shape: ModuleShape) -> int | None:
    """The test that is about the target as such: the largest table, else a sole case without a scenario."""
    candidates = [index for index, unit in enumerate(units) if not _raises(unit) and not _scenario(unit)]
    tables = [index for index in candidates if isinstance(units[index], Table)]
    if tables:
        return max(tables, key=lambda index: (len(_rows(units[index])), -index))
    return min(
        candidates,
        key=lambda index: (_is_edge(_case(units[index]), shape), _size(_case(units[index])), index),
        default=None,
    )


def _choose(base: str, wishes: list[str], others: set[str], taken: set[str]) -> str:
    special = [word for word in wishes if word not in others]
    shared = [word for word in wishes if word in others]
    pairs = (f"{first}_and_{second}" for first, second in itertools.combinations(wishes[:5], 2))
    for word in itertools.chain(special, pairs, shared):
        name = f"{base}_{word}"
        if name not in taken and len(name) <= _LONGEST_NAME:
            return name
    if base not in taken:
        return base
    numbers = itertools.count(2)
    return next(name for number in numbers if (name := f"{base}_case_{number}") not in taken)


def _wishes(unit: Unit, shape: ModuleShape) -> Iterator[str]:
    """Words that tell a test apart, the best first."""
    scenario = _scenario(unit)
    case = _case(unit)
    if scenario:
        yield f"rejects_{scenario}" if _raises(unit) and not _TOLD_AS_FAILURE.search(scenario) else scenario
    if _raises(unit):
        yield from _words_for_rejection(unit, shape)
        return
    if case.warns is not None:
        yield f"warns_{snake(ast.unparse(case.warns).rpartition('.')[2]).removesuffix('_warning')}"
    if isinstance(unit, Table):
        yield from _words_for_table(unit, shape)
        return
    arguments = _arguments(case, shape)
    weak: list[str] = []
    for name, node, by_keyword in reversed(arguments):
        words = words_for(name, node)
        if by_keyword or any(word.startswith(_FAULTS) or word.endswith(_FLAGS) for word in words):
            yield from words or [f"with_{name}"]
        else:
            weak.extend(words)
    parameters = shape.parameters.get(case.target, ())
    if arguments and len(arguments) == len(parameters) - 1:
        given = {name for name, _, _ in arguments}
        yield from (f"with_default_{snake(name)}" for name in parameters if snake(name) not in given)
    yield from weak
    yield from _words_for_receiver(case, shape)
    yield from _words_for_arrangement(case, shape)
    yield from _words_for_result(case)
    if arguments:
        yield f"with_{number_word(len(arguments))}_argument{'s' if len(arguments) > 1 else ''}"
    else:
        yield "without_arguments"


def _words_for_rejection(unit: Unit, shape: ModuleShape) -> Iterator[str]:
    """``rejects_empty_text`` where an argument is at fault, else ``raises_key_error``."""
    case = _case(unit)
    error = snake(ast.unparse(case.exception).rpartition(".")[2]) if case.exception is not None else "error"
    invalid = _INVALID.search(error) is not None
    if isinstance(unit, Table):
        varied = [name for name in unit.parameters if name != unit.match_parameter]
        if len(varied) == 1 and invalid:
            yield f"rejects_invalid_{varied[0]}"
        yield f"raises_{error}"
        yield from (f"raises_{error}_by_{name}" for name in varied)
        return
    arguments = _arguments(case, shape)
    words = [(word, name) for name, node, _ in arguments for word in words_for(name, node)]
    message = " ".join(re.findall(r"[a-z0-9]+", (case.match or "").lower()))
    named = [name for name, _, _ in arguments if f" {name.replace('_', ' ')} " in f" {message} "]
    words.sort(key=lambda word: word[1] not in named)
    if invalid:
        yield from (f"rejects_{word}" for word, _ in words if word.startswith(_FAULTS))
    at_fault = named or [name for name, _, _ in arguments]
    if invalid:
        if len(at_fault) == 1:
            yield f"rejects_invalid_{at_fault[0]}"
        yield from (f"rejects_{word}" for word, name in words if name in at_fault)
    yield f"raises_{error}"
    yield from (f"raises_{error}_for_{word}" for word, _ in words)
    yield from (f"raises_{error}_{word}" for word in _words_for_arrangement(case, shape))


def _words_for_table(table: Table, shape: ModuleShape) -> Iterator[str]:
    """What all rows share, then what the table varies."""
    for name, node, by_keyword in reversed(_arguments(table.case, shape)):
        if isinstance(node, ast.Name) and node.id in table.parameters:
            if by_keyword:
                yield f"with_{name}"
            continue
        yield from words_for(name, node)
    varied = [name for name in table.parameters if not name.startswith("expected")]
    yield from _words_for_result(table.case)
    yield from (f"by_{name}" for name in varied)
    yield from _words_for_arrangement(table.case, shape)


def _words_for_result(case: Case) -> Iterator[str]:
    """What comes out: ``is_true``, ``returns_none``, ``returns_empty_list``."""
    for assertion in case.asserts:
        if isinstance(assertion, ast.Compare) and len(assertion.ops) == 1:
            left, right = assertion.left, assertion.comparators[0]
            if isinstance(left, ast.Name) and left.id == case.binds:
                word = _word_for_value(right)
                if word:
                    yield word


def _word_for_value(node: ast.expr) -> str:
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and not node.elts:
        return f"returns_empty_{type(node).__name__.lower()}"
    if isinstance(node, ast.Dict) and not node.keys:
        return "returns_empty_dict"
    if isinstance(node, ast.Attribute):
        return f"returns_{snake(node.attr)}"
    if not isinstance(node, ast.Constant):
        return ""
    value = node.value
    if isinstance(value, bool):
        return f"is_{str(value).lower()}"
    said = "empty_text" if value == "" else slug(str(value))
    return f"returns_{said}" if said and not isinstance(value, bytes) else ""


def _words_for_receiver(case: Case, shape: ModuleShape) -> Iterator[str]:
    """What the object is made of when it is made in the call itself: ``Version(1, 2).bump()``."""
    for node in ast.walk(case.act):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
            yield from _words_for_making(node.value, shape)


def _words_for_making(call: ast.Call, shape: ModuleShape) -> Iterator[str]:
    """``with_quantity_7`` for ``LineItem("Lamp", 7)``, the last argument first."""
    parameters = shape.parameters_named(_called(call))
    named = [*zip(parameters, call.args, strict=False), *((one.arg, one.value) for one in call.keywords if one.arg)]
    for name, node in reversed(named):
        yield from (f"with_{word}" for word in words_for(snake(name), node))


def _words_for_arrangement(case: Case, shape: ModuleShape) -> Iterator[str]:
    """What was done before: ``after_add``, ``after_two_adds``."""
    called: dict[str, int] = {}
    for statement in case.arrange:
        value = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            root = value.func.value
            if not (isinstance(root, ast.Name) and root.id in case.fixtures) and value.func.attr not in _FILE_MAKING:
                called[value.func.attr] = called.get(value.func.attr, 0) + 1
    for name, times in called.items():
        word = snake(name)
        yield f"after_{word}" if times == 1 else f"after_{number_word(times)}_{word}s"
    yield from _words_for_patches(case)
    if not called:
        for statement in case.arrange:
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                yield from _words_for_making(statement.value, shape)


def _words_for_patches(case: Case) -> Iterator[str]:
    """What was set for the test: ``with_limit`` for ``monkeypatch.setattr(Cart, "LIMIT", 4)``."""
    for statement in case.arrange:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or len(call.args) < 2:
            continue
        setting = call.args[-2]
        if call.func.attr in {"setattr", "setenv", "setitem"} and isinstance(setting, ast.Constant):
            word = snake(str(setting.value).rpartition(".")[2])
            if word.isidentifier():
                yield f"with_{word}"


def _arguments(case: Case, shape: ModuleShape) -> list[tuple[str, ast.expr, bool]]:
    """The arguments of the call to the target: parameter, value, whether it was passed by keyword."""
    last = case.target.rpartition(".")[2]
    calls = [node for node in ast.walk(case.act) if isinstance(node, ast.Call)]
    call = next((node for node in calls if _called(node) == last), None)
    if call is None:
        if isinstance(case.act, ast.BinOp):
            return [("other", _resolved(case, case.act.right), False)]
        if isinstance(case.act, ast.Compare):
            return [("other", _resolved(case, case.act.comparators[0]), False)]
        return []
    parameters = shape.parameters.get(case.target) or shape.parameters_named(last)
    arguments: list[tuple[str, ast.expr, bool]] = []
    for index, node in enumerate(call.args):
        if isinstance(node, ast.Starred):
            break
        name = parameters[index] if index < len(parameters) else "argument"
        arguments.append((snake(name), _resolved(case, node), False))
    arguments.extend(
        (snake(keyword.arg), _resolved(case, keyword.value), True) for keyword in call.keywords if keyword.arg
    )
    return arguments


def _resolved(case: Case, node: ast.expr) -> ast.expr:
    """What a variable of the arrangement holds."""
    if isinstance(node, ast.Name):
        for statement in reversed(case.arrange):
            if isinstance(statement, ast.Assign) and ast.dump(statement.targets[0]) == ast.dump(
                ast.Name(node.id, ast.Store())
            ):
                return statement.value
    return node


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _case(unit: Unit) -> Case:
    return unit.case if isinstance(unit, Table) else unit


def _is_edge(case: Case, shape: ModuleShape) -> bool:
    """Whether an argument is one that deserves to be named: empty, zero, None."""
    words = [word for name, node, _ in _arguments(case, shape) for word in words_for(name, node)]
    return any(word.startswith(_EDGES) or word.endswith("_none") for word in words)


def _size(case: Case) -> tuple[int, int]:
    """How much stands before the call and in it."""
    return len(case.arrange), sum(1 for _ in ast.walk(case.act))


def _rows(unit: Unit) -> tuple[object, ...]:
    return unit.rows if isinstance(unit, Table) else ()


def _raises(unit: Unit) -> bool:
    return _case(unit).exception is not None


def _scenario(unit: Unit) -> str:
    """The words that were given; those of a table only where its rows share them."""
    if isinstance(unit, Case):
        return scenario_name(unit.scenario)
    given = [scenario_name(row.scenario).split("_") for row in unit.rows]
    shared = [words[0] for words in itertools.takewhile(lambda words: len(set(words)) == 1, zip(*given, strict=False))]
    return "_".join(shared) if len(shared) > 1 or all(len(words) == len(shared) for words in given) else ""
