"""The text of one test function, or of one table (pure)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence

from testwright.model import Style
from testwright.writing.case import Case, names_in
from testwright.writing.patterns import escaped, is_plain, raw_literal
from testwright.writing.tables import Row, Table
from testwright.writing.values import slug

_BLANK = "blank_line_0f3a"
_RAW = "raw_literal_0f3a_"
_SHORT_BODY = 3
_LONGEST_ID = 60
_LITERAL_ID = (str, bytes, int, float, complex, bool, type(None))


class Writer:
    """Turns cases into source text; asks for the modules that the text itself needs."""

    def __init__(self, style: Style, need: Callable[[str], str]) -> None:
        self.style = style
        self._need = need
        self._raw: list[str] = []

    def function(
        self, name: str, case: Case, parameters: Sequence[str] = (), match_parameter: str | None = None
    ) -> str:
        """A test function, without a decorator."""
        body = self._body(case, match_parameter)
        arguments = [ast.arg(argument) for argument in (*parameters, *case.fixtures)]
        node = ast.FunctionDef(
            name=name,
            args=ast.arguments(
                posonlyargs=[], args=arguments, vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
            ),
            body=body,
            decorator_list=[],
            returns=None,
            type_comment=None,
        )
        return self._text(node)

    def table(self, name: str, table: Table) -> tuple[str, tuple[str, ...]]:
        """A parametrized test and the id that pytest gives to each row (empty where it depends on its version)."""
        pytest = self._need("pytest")
        escapes = table.match_parameter is not None and not all(
            is_plain(_constant_text(row.values[table.parameters.index(table.match_parameter)])) for row in table.rows
        )
        function = self.function(
            name,
            table.case,
            table.parameters,
            None if table.match_parameter is None else ("!" if escapes else "") + table.match_parameter,
        )
        ids = row_ids(table.parameters, table.rows)
        given = _given_ids(table.rows, ids)
        names = ", ".join(f'"{parameter}"' for parameter in table.parameters)
        lines = [self._row(pytest, row, given_id) for row, given_id in zip(table.rows, given, strict=True)]
        argument = names if len(table.parameters) == 1 else f"({names})"
        decorator = f"@{pytest}.mark.parametrize({argument}, [{', '.join(lines)},])\n"
        return decorator + function, tuple(own or known for own, known in zip(given, ids, strict=True))

    def _row(self, pytest: str, row: Row, given_id: str) -> str:
        values = [ast.unparse(value) for value in row.values]
        if given_id:
            return f'{pytest}.param({", ".join(values)}, id="{given_id}")'
        return values[0] if len(values) == 1 else f"({', '.join(values)})"

    def _body(self, case: Case, match_parameter: str | None) -> list[ast.stmt]:
        one_line = self._collapsed(case)
        if one_line is not None:
            sections: list[list[ast.stmt]] = [list(case.arrange), [one_line]]
        else:
            sections = [
                list(case.arrange),
                [self._act(case, match_parameter)],
                [ast.Assert(test=assertion, msg=None) for assertion in case.asserts],
            ]
        return _spaced([section for section in sections if section])

    def _collapsed(self, case: Case) -> ast.Assert | None:
        """``assert f(x) == y`` in the place of a result that is looked at once."""
        if case.binds is None or case.warns is not None or case.exception is not None or len(case.asserts) != 1:
            return None
        inlined = inline_result(case.binds, case.act, case.asserts[0])
        if inlined is None:
            return None
        statement = ast.Assert(test=inlined, msg=None)
        return statement if self.style.indent + len(ast.unparse(statement)) <= self.style.line_length else None

    def _act(self, case: Case, match_parameter: str | None) -> ast.stmt:
        act: ast.stmt
        if case.binds is None:
            act = ast.Expr(case.act)
        else:
            act = ast.Assign(targets=[ast.Name(case.binds, ast.Store())], value=case.act, lineno=0)
        contexts: list[ast.expr] = []
        if case.warns is not None:
            contexts.append(self._pytest_call("warns", case.warns))
        if case.exception is not None:
            contexts.append(self._pytest_call("raises", case.exception, self._match(case, match_parameter)))
        if not contexts:
            return act
        items = [ast.withitem(context_expr=context, optional_vars=None) for context in contexts]
        return ast.With(items=items, body=[act], type_comment=None)

    def _pytest_call(self, function: str, argument: ast.expr, match: ast.expr | None = None) -> ast.Call:
        pytest = ast.Name(self._need("pytest"), ast.Load())
        keywords = [] if match is None else [ast.keyword("match", match)]
        return ast.Call(ast.Attribute(pytest, function, ast.Load()), [argument], keywords)

    def _match(self, case: Case, parameter: str | None) -> ast.expr | None:
        if case.match is None:
            return None
        if parameter is not None:
            name = ast.Name(parameter.removeprefix("!"), ast.Load())
            return self._escape(name) if parameter.startswith("!") else name
        return self._pattern(case.match, case)

    def _pattern(self, text: str, case: Case) -> ast.expr:
        if text == "":  # an empty pattern matches everything
            return ast.Constant("^$")
        if is_plain(text):
            return ast.Constant(text)
        literal = raw_literal(text)
        if literal is not None:
            self._raw.append(literal)
            return ast.Constant(f"{_RAW}{len(self._raw) - 1}")
        if "re" in case.local_names():
            return ast.Constant(escaped(text))
        return self._escape(ast.Constant(text))

    def _escape(self, argument: ast.expr) -> ast.expr:
        module = ast.Name(self._need("re"), ast.Load())
        return ast.Call(ast.Attribute(module, "escape", ast.Load()), [argument], [])

    def _text(self, node: ast.stmt) -> str:
        text = ast.unparse(ast.fix_missing_locations(node))
        text = re.sub(rf"^ *{_BLANK}$", "", text, flags=re.MULTILINE)
        return re.sub(rf"'{_RAW}(\d+)'", lambda found: self._raw[int(found[1])], text) + "\n"


def inline_result(name: str, act: ast.expr, assertion: ast.expr) -> ast.expr | None:
    """Put the call where its result is compared; None when the result is used otherwise or more than once."""
    if not isinstance(assertion, ast.Compare) or len(assertion.ops) != 1:
        return None
    if not isinstance(assertion.left, ast.Name) or assertion.left.id != name or name in names_in(assertion.comparators):
        return None
    if isinstance(act, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr | ast.Lambda | ast.IfExp):
        return None
    if isinstance(act, ast.Compare):  # ``assert (a < b) is True`` is read twice
        return None
    return ast.Compare(left=act, ops=assertion.ops, comparators=assertion.comparators)


def _spaced(sections: list[list[ast.stmt]]) -> list[ast.stmt]:
    """Blank lines between arrange, act and assert, unless the whole is short."""
    blank = ast.Expr(ast.Name(_BLANK, ast.Load()))
    statements = [statement for section in sections for statement in section]
    compound = [isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in statements]
    if len(statements) <= _SHORT_BODY and not any(compound):
        return statements
    spaced: list[ast.stmt] = []
    for section in sections:
        if spaced:
            spaced.append(blank)
        spaced.extend(section)
    return spaced


def row_ids(parameters: Sequence[str], rows: Sequence[Row]) -> tuple[str, ...]:
    """Ids as pytest makes them; empty for rows that share one, since its way to tell them apart changed."""
    ids = [
        "-".join(_value_id(name, value, index) for name, value in zip(parameters, row.values, strict=True))
        for index, row in enumerate(rows)
    ]
    return tuple(one if ids.count(one) == 1 else "" for one in ids)


def _value_id(name: str, node: ast.expr, index: int) -> str:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return f"{name}{index}"
    if isinstance(value, str):
        return value.encode("unicode_escape").decode("ascii")
    if isinstance(value, bytes):
        return value.decode("ascii", "backslashreplace")
    return str(value) if isinstance(value, _LITERAL_ID) else f"{name}{index}"


def _given_ids(rows: Sequence[Row], ids: Sequence[str]) -> list[str]:
    """Ids of our own for the rows whose values are too long or too odd to be read in one."""
    wanted = ["" if _readable(row, one) else _id_of(row) for row, one in zip(rows, ids, strict=True)]
    return [one if wanted.count(one) == 1 and one not in ids else "" for one in wanted]


def _readable(row: Row, row_id: str) -> bool:
    if len(row_id) > _LONGEST_ID:
        return False
    constants = [value.value for value in row.values if isinstance(value, ast.Constant)]
    return all(value.isprintable() for value in constants if isinstance(value, str))


def _id_of(row: Row) -> str:
    if row.scenario:
        return slug(row.scenario, _LONGEST_ID).replace("_", "-")
    for value in row.values:
        words = [word for text in _texts(value) for word in re.findall(r"[A-Za-z0-9]+", text)]
        if sum(len(word) > 2 and word.isalpha() for word in words) > 1:
            return "-".join(words[:4]).lower()[:_LONGEST_ID]
    return ""


def _texts(node: ast.expr) -> Iterable[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def _constant_text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
