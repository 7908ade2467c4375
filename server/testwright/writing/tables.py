"""Cases that differ in values alone become one table (pure).

Two cases have one shape when their trees are equal but for values (``values.is_value``). The outermost value counts: of
``f([1, 2])`` and ``f([3])`` the list is the parameter, not its elements. What is equal in all rows stays in the body,
and what changes in step becomes one parameter.
"""

from __future__ import annotations

import ast
import copy
import keyword
from collections.abc import Sequence
from dataclasses import dataclass, replace

from testwright.writing.case import Case, names_in
from testwright.writing.shape import ModuleShape
from testwright.writing.values import Meaning, is_value, kind_word

_OPAQUE = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.JoinedStr,
    ast.pattern,
    ast.arguments,
)
_MOST_PARAMETERS = 5
_WIDEST_VALUE = 160
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: values in the order of the parameters, and the candidates that it stands for."""

    values: tuple[ast.expr, ...]
    candidates: tuple[str, ...]
    scenario: str


@dataclass(frozen=True, slots=True)
class Table:
    """One test over several rows.

    Attributes:
        case: Its body, with parameters in the place of values.
        parameters: Their names.
        rows: At least two.
        match_parameter: The parameter that holds the text of ``pytest.raises(match=...)``, if that changes.
        members: The cases that it was made of.
    """

    case: Case
    parameters: tuple[str, ...]
    rows: tuple[Row, ...]
    match_parameter: str | None
    members: tuple[Case, ...]


def into_tables(cases: Sequence[Case], shape: ModuleShape, meaning: Meaning, taken: set[str]) -> list[Case | Table]:
    """Join what differs in values alone. Order is that of the first member; equal cases become one.

    Args:
        cases: Of one target.
        shape: Where parameters get their names from.
        meaning: What names of the file stand for.
        taken: Names that a parameter must not have: those of imports.
    """
    groups: dict[str, list[tuple[Case, list[tuple[_Path, ast.expr]]]]] = {}
    for case in without_repeats(cases):
        holes: list[tuple[_Path, ast.expr]] = []
        key = _shape_of_case(case, meaning, holes)
        groups.setdefault(key, []).append((case, holes))
    joined: list[Case | Table] = []
    for group in groups.values():
        table = _table(group, shape, taken) if len(group) > 1 else None
        if table is None:
            joined.extend(case for case, _ in group)
        else:
            joined.append(table)
    return joined


def without_repeats(cases: Sequence[Case]) -> list[Case]:
    """Equal cases joined into one that stands for all their candidates."""
    unique: dict[str, Case] = {}
    for case in cases:
        key = case.key()
        known = unique.get(key)
        if known is None:
            unique[key] = case
        else:
            unique[key] = replace(
                known,
                candidates=(*known.candidates, *case.candidates),
                scenario=known.scenario or case.scenario,
            )
    return list(unique.values())


def _shape_of_case(case: Case, meaning: Meaning, holes: list[tuple[_Path, ast.expr]]) -> str:
    parts = [_shape(node, ("arrange", index), meaning, holes) for index, node in enumerate(case.arrange)]
    parts.append(_shape(case.act, ("act",), meaning, holes))
    parts.extend(_shape(node, ("asserts", index), meaning, holes) for index, node in enumerate(case.asserts))
    if case.match is not None:
        holes.append((("match",), ast.Constant(case.match)))
    fixed = [None if node is None else ast.dump(node) for node in (case.exception, case.warns)]
    # An empty text needs another pattern than its own, so it never shares a table.
    return repr((parts, len(case.arrange), case.binds, fixed, case.match is None, case.match == "", case.fixtures))


def _shape(node: ast.AST, path: _Path, meaning: Meaning, holes: list[tuple[_Path, ast.expr]]) -> str:
    if isinstance(node, ast.expr) and is_value(node, meaning):
        holes.append((path, node))
        return "?"
    if isinstance(node, _OPAQUE):
        return ast.dump(node)
    parts = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            inner = [
                _shape(child, (*path, name, index), meaning, holes) if isinstance(child, ast.AST) else repr(child)
                for index, child in enumerate(value)
            ]
            parts.append(f"{name}=[{', '.join(inner)}]")
        elif isinstance(value, ast.AST):
            opaque = name in {"annotation", "returns"}
            parts.append(f"{name}={ast.dump(value) if opaque else _shape(value, (*path, name), meaning, holes)}")
        elif name not in {"type_comment", "kind"}:
            parts.append(f"{name}={value!r}")
    return f"{parts[0]}({', '.join(parts[1:])})"


def _table(group: list[tuple[Case, list[tuple[_Path, ast.expr]]]], shape: ModuleShape, taken: set[str]) -> Table | None:
    first = group[0][0]
    columns: dict[tuple[str, ...], list[int]] = {}
    for index in range(len(group[0][1])):
        column = tuple(ast.dump(holes[index][1]) for _, holes in group)
        if len(set(column)) > 1:
            columns.setdefault(column, []).append(index)
    if not 0 < len(columns) <= _MOST_PARAMETERS or len(columns) > len(group) + 1:
        return None
    used = first.names() | taken | {"request"}
    names: list[str] = []
    dropped: set[int] = set()
    replacements: dict[_Path, str] = {}
    for places in columns.values():
        paths = [group[0][1][index][0] for index in places]
        values = [holes[places[0]][1] for _, holes in group]
        if any(len(ast.unparse(value)) > _WIDEST_VALUE for value in values):
            return None
        assigned = _assigned_name(first, paths[0])
        if assigned is not None and _may_be_changed(first, assigned, values):
            return None
        if assigned is not None and assigned not in names and len(paths) == 1:
            name: str | None = assigned
            dropped.add(int(paths[0][1]))
        else:
            name = _free_name(_wishes(first, paths, values, shape), used, names)
        if name is None:
            return None
        names.append(name)
        replacements.update(dict.fromkeys(paths, name))
    rows = tuple(
        Row(tuple(holes[places[0]][1] for places in columns.values()), case.candidates, case.scenario)
        for case, holes in group
    )
    return Table(
        case=_with_parameters(first, replacements, dropped),
        parameters=tuple(names),
        rows=rows,
        match_parameter=replacements.get(("match",)),
        members=tuple(case for case, _ in group),
    )


def _assigned_name(case: Case, path: _Path) -> str | None:
    """The variable that takes a value in ``name = value``, when it is bound only there: it can be the parameter."""
    if path[0] != "arrange" or path[2:] != ("value",):
        return None
    statement = case.arrange[int(path[1])]
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return None
    stores = sum(
        isinstance(node, ast.Name) and node.id == target.id and not isinstance(node.ctx, ast.Load)
        for root in case.nodes()
        for node in ast.walk(root)
    )
    return target.id if stores == 1 and case.binds != target.id else None


def _may_be_changed(case: Case, name: str, values: list[ast.expr]) -> bool:
    """Whether a test may change a value of its row, which would then be another in a second run of the process."""
    mutable = any(isinstance(value, ast.List | ast.Dict | ast.Set | ast.Call) for value in values)
    return mutable and name in names_in(case.asserts)


def _with_parameters(case: Case, replacements: dict[_Path, str], dropped: set[int]) -> Case:
    arrange = [copy.deepcopy(node) for node in case.arrange]
    asserts = [copy.deepcopy(node) for node in case.asserts]
    act = copy.deepcopy(case.act)
    for path, name in replacements.items():
        node = ast.Name(name, ast.Load())
        if path == ("match",):
            continue
        if path == ("act",):
            act = node
        elif path[0] == "act":
            _put(act, path[1:], node)
        elif path[0] == "arrange":
            _put(arrange[int(path[1])], path[2:], node)
        elif len(path) == 2:  # an assertion that is a value as a whole
            asserts[int(path[1])] = node
        else:
            _put(asserts[int(path[1])], path[2:], node)
    return replace(
        case,
        arrange=tuple(node for index, node in enumerate(arrange) if index not in dropped),
        act=act,
        asserts=tuple(asserts),
    )


def _put(root: ast.AST, path: _Path, node: ast.expr) -> None:
    parent, container = _walk(root, path[:-1])
    if container is not None:
        container[int(path[-1])] = node
    else:
        setattr(parent, str(path[-1]), node)


def _walk(root: ast.AST, path: _Path) -> tuple[ast.AST, list[ast.expr] | None]:
    parent: ast.AST = root
    container: list[ast.expr] | None = None
    for step in path:
        if isinstance(step, int) and container is not None:
            parent, container = container[step], None
        else:
            child = getattr(parent, str(step))
            if isinstance(child, list):
                container = child
            else:
                parent = child
    return parent, container


def _wishes(case: Case, paths: list[_Path], values: list[ast.expr], shape: ModuleShape) -> list[str]:
    """Names for a parameter, the best first."""
    wishes: list[str] = []
    for path in sorted(paths, key=lambda path: ("act", "arrange", "match", "asserts").index(str(path[0]))):
        if path[0] == "match":
            wishes.append("message")
        elif path[-1] == "slice":
            wishes.append("index" if kind_word(values) == "number" else "key")
        elif path[0] == "asserts":
            wishes.extend(_names_for_expected(case, path))
        else:
            root = case.act if path[0] == "act" else case.arrange[int(path[1])]
            wishes.extend(_names_for_argument(case, root, path[1:] if path[0] == "act" else path[2:], shape))
    wishes.append(kind_word(values))
    return wishes


def _names_for_argument(case: Case, root: ast.AST, path: _Path, shape: ModuleShape) -> list[str]:
    """The parameter that the value is passed for; ``other`` for an operand."""
    wishes: list[str] = []
    for depth in range(len(path), 0, -1):
        parent, _ = _walk(root, path[: depth - 1])
        if isinstance(parent, ast.keyword) and parent.arg:
            return [*wishes, parent.arg]
        call, index = _call_argument(root, path[:depth])
        if call is not None:
            parameters = _parameters(case, call, shape)
            if index < len(parameters):
                return [*wishes, parameters[index]]
        if isinstance(parent, ast.BinOp | ast.Compare):
            wishes.append("other")
    return wishes


def _call_argument(root: ast.AST, path: _Path) -> tuple[ast.Call | None, int]:
    """The call of which a path is a positional argument."""
    if len(path) < 2 or path[-2] != "args" or not isinstance(path[-1], int):
        return None, 0
    parent, _ = _walk(root, path[:-2])
    if not isinstance(parent, ast.Call) or any(isinstance(node, ast.Starred) for node in parent.args[: path[-1]]):
        return None, 0
    return parent, path[-1]


def _parameters(case: Case, call: ast.Call, shape: ModuleShape) -> tuple[str, ...]:
    if isinstance(call.func, ast.Attribute):
        last, receiver = call.func.attr, call.func.value
    elif isinstance(call.func, ast.Name):
        last, receiver = call.func.id, None
    else:
        return ()
    if last == case.target.rpartition(".")[2] and case.target in shape.parameters:
        return shape.parameters[case.target]
    if isinstance(receiver, ast.Name) and f"{receiver.id}.{last}" in shape.parameters:
        return shape.parameters[f"{receiver.id}.{last}"]
    return shape.parameters_named(last)


def _names_for_expected(case: Case, path: _Path) -> list[str]:  # noqa: PLR0911  # one for each kind of assertion
    """``expected`` for the result, ``expected_total`` for an attribute, ``expected_length`` for a length."""
    assertion = case.asserts[int(path[1])]
    if not isinstance(assertion, ast.Compare) or path[2:3] != ("comparators",):
        return []
    left = assertion.left
    if isinstance(left, ast.Name) and left.id == case.binds:
        return ["expected", "expected_result"]
    if isinstance(left, ast.Attribute):
        return [f"expected_{left.attr.strip('_')}"]
    if isinstance(left, ast.Name):
        return [f"expected_{left.id}"]
    if isinstance(left, ast.Call):
        called = left.func.attr if isinstance(left.func, ast.Attribute) else getattr(left.func, "id", "")
        words = {"len": "length", "list": "items", "str": "text", "repr": "text", "readouterr": "output"}
        word = words.get(called, called.strip("_"))
        return ["expected" if not word else f"expected_{word}"]
    if isinstance(left, ast.Subscript) and isinstance(left.slice, ast.Constant) and isinstance(left.slice.value, str):
        word = left.slice.value
        return [f"expected_{word}" if word.isidentifier() else "expected"]
    return ["expected"]


def _free_name(wishes: list[str], used: set[str], names: list[str]) -> str | None:
    """The first wish that is free; None when only a number would tell two apart."""
    for wish in wishes:
        bare = wish.strip("_").lower() if wish.isupper() else wish.strip("_")
        for name in (bare, f"other_{bare}", f"{bare}_value"):
            if name.isidentifier() and not keyword.iskeyword(name) and name not in used and name not in names:
                return name
    return None
