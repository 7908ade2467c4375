"""Changes a case a little, as a syntax tree."""

from __future__ import annotations

import ast
import dataclasses
import random
from typing import TYPE_CHECKING, Any

from .cases import Case, local_names
from .draft import Draft
from .kinds import ANY
from .values import Values

if TYPE_CHECKING:
    from .program import Program
    from .subjects import Subject


class Mutator:
    """Makes neighbours of a case."""

    def __init__(self, program: Program, values: Values, rng: random.Random) -> None:
        self.program = program
        self.values = values
        self.rng = rng
        self.by_name: "dict[str, Subject]" = {}
        for subject in program.subjects:
            self.by_name.setdefault(subject.name, subject)

    def mutate(self, case: Case) -> "Case | None":
        """A changed case, None when nothing could be changed."""
        rng = self.rng
        subject = next((s for s in self.program.subjects if s.qualname == case.target), None)
        if subject is not None and subject.first:
            self.values.ranges = subject.ranges
        draft = self.values.draft(local_names(case.arrange))
        arrange = list(case.arrange)
        act = case.act
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            roll = rng.random()
            if roll < 0.12 and arrange:
                changed = self._insert_call(case, arrange, draft)
                if changed:
                    continue
            spot = rng.randrange(len(arrange) + 1) if arrange and rng.random() < 0.5 else len(arrange)
            source = act if spot == len(arrange) else arrange[spot]
            if source.startswith(("async def collect", "def enter", "async def enter")):
                continue  # what only drains or enters
            replaced = self._change(source, draft)
            if replaced is None:
                continue
            if spot == len(arrange):
                act = replaced
            else:
                arrange[spot] = replaced
        self.values.ranges = ()
        if draft.statements:
            arrange = [*draft.statements, *arrange]
        made = dataclasses.replace(case, arrange=tuple(arrange), act=act, origin="mutation", picks=())
        return None if made.key == case.key else made

    def _insert_call(self, case: Case, arrange: "list[str]", draft: Draft) -> bool:
        subject = next((s for s in self.program.subjects if s.qualname == case.target), None)
        if subject is None or subject.owner is None or subject.style not in ("method", "property"):
            return False
        methods = self.program.state_methods(subject.owner)
        variable = case.act.partition(".")[0]
        if not methods or variable not in local_names(tuple(arrange)):
            return False
        inner = self.values.draft(list(draft.taken))
        call = self.values.method(self.rng.choice(methods), variable, inner, 1)
        position = len(arrange)
        arrange[position:position] = [*inner.statements, call]
        return True

    def _change(self, source: str, draft: Draft) -> "str | None":
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return None
        spots = [
            node
            for node in ast.walk(tree)
            if isinstance(node, (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Call, ast.Set))
            and not isinstance(getattr(node, "ctx", None), ast.Store)
        ]
        if not spots:
            return None
        node = self.rng.choice(spots)
        if isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.Call):
            self._call(node, draft)
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            self._display(node)
        elif node.keys:
            index = self.rng.randrange(len(node.keys))
            if self.rng.random() < 0.5:
                del node.keys[index], node.values[index]
            else:
                node.values[index] = _parsed(self.values.draw(ANY, self.values.draft(), "", 2))
        try:
            return ast.unparse(ast.fix_missing_locations(tree))
        except (ValueError, RecursionError):
            return None

    def _constant(self, node: ast.Constant) -> None:
        rng = self.rng
        value = node.value
        if isinstance(value, bool):
            node.value = not value
        elif isinstance(value, str):
            node.value = self.text(value)
        elif isinstance(value, bytes):
            node.value = self.text(value.decode("latin-1")).encode("utf-8", "replace")
        elif isinstance(value, int):
            node.value = rng.choice((value + 1, value - 1, -value, 0, value * 10, value * 2, self.values.number()))
        elif isinstance(value, float):
            node.value = rng.choice((value + 1, -value, value / 2, value * 10, 0.0, float(self.values.number())))
        elif value is None:
            node.value = rng.choice((0, 1, "a", True, self.values.text()))

    def text(self, value: str) -> str:
        """A changed string: a token of the module spliced in, a part cut, doubled or replaced."""
        rng = self.rng
        position = rng.randrange(len(value) + 1)
        end = min(len(value), position + rng.choice((1, 1, 2, 4, 8)))
        roll = rng.random()
        if roll < 0.35:
            return value[:position] + self.values.token() + value[position:]
        if roll < 0.5:
            return value[:position] + value[end:]
        if roll < 0.6:
            return value[:position] + self.values.token() + value[end:]
        if roll < 0.68:
            return value[:position] + rng.choice("a1 .-_,:;'\"\\\n\t/#[]{}()=+zZ0é") + value[position:]
        if roll < 0.74:
            return value[:end] + value[position:]
        if roll < 0.84:
            return value + rng.choice(("", "\n", " ")) + self.values.text()
        if roll < 0.9:
            return value.swapcase()
        if roll < 0.95:
            return self.values.text() + value
        return self.values.text()

    def _display(self, node: "ast.List | ast.Tuple | ast.Set") -> None:
        rng = self.rng
        elements = node.elts
        roll = rng.random()
        if elements and roll < 0.3:
            del elements[rng.randrange(len(elements))]
        elif elements and roll < 0.55:
            elements.insert(rng.randrange(len(elements) + 1), rng.choice(elements))
        elif len(elements) > 1 and roll < 0.7:
            first, second = rng.randrange(len(elements)), rng.randrange(len(elements))
            elements[first], elements[second] = elements[second], elements[first]
        else:
            elements.insert(
                rng.randrange(len(elements) + 1), _parsed(self.values.draw(ANY, self.values.draft(), "", 2))
            )

    def _call(self, node: ast.Call, draft: Draft) -> None:
        """Redraw, add or drop an argument, by what the callee takes."""
        name = (
            node.func.id
            if isinstance(node.func, ast.Name)
            else node.func.attr
            if isinstance(node.func, ast.Attribute)
            else ""
        )
        subject = self.by_name.get(name)
        rng = self.rng
        if subject is None or not subject.parameters:
            if node.args and rng.random() < 0.5:
                argument = rng.choice(node.args)
                if isinstance(argument, ast.Constant):
                    self._constant(argument)
            return
        plain = [p for p in subject.parameters if p.style in ("positional", "normal")]
        named = [p for p in subject.parameters if p.style in ("normal", "keyword")]
        roll = rng.random()
        if node.keywords and roll < 0.15:
            del node.keywords[rng.randrange(len(node.keywords))]
        elif node.args and roll < 0.5:
            index = rng.randrange(len(node.args))
            if index < len(plain) and not isinstance(node.args[index], ast.Starred):
                node.args[index] = self._draw(plain[index], subject, draft)
        else:
            used = {keyword.arg for keyword in node.keywords} | {p.name for p in plain[: len(node.args)]}
            free = [p for p in named if p.name not in used]
            if free and (roll < 0.85 or not node.keywords):
                chosen = rng.choice(free)
                node.keywords.append(ast.keyword(chosen.name, self._draw(chosen, subject, draft)))
            elif node.keywords:
                keyword = rng.choice(node.keywords)
                parameter: Any = next((p for p in named if p.name == keyword.arg), None)
                if parameter is not None:
                    keyword.value = self._draw(parameter, subject, draft)

    def _draw(self, parameter: Any, subject: Subject, draft: Draft) -> ast.expr:
        kind = parameter.pick(self.rng, self.values.draft(), subject.qualname)
        return _parsed(self.values.draw(kind, draft, parameter.name, 1))

    def splice(self, case: Case, other: Case) -> "Case | None":
        """The case with one of its literals replaced by one of another case of the same target."""
        theirs = [n for n in ast.walk(ast.parse(other.source)) if isinstance(n, ast.Constant)]
        tree = ast.parse(case.act)
        mine = [n for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        pairs = [(a, b) for a in mine for b in theirs if type(a.value) is type(b.value) and a.value != b.value]
        if not pairs:
            return None
        ours, foreign = self.rng.choice(pairs)
        if isinstance(ours.value, str) and isinstance(foreign.value, str) and self.rng.random() < 0.6:
            cut = self.rng.randrange(len(ours.value) + 1)
            ours.value = ours.value[:cut] + self.rng.choice(("", "\n", " ")) + foreign.value
        else:
            ours.value = foreign.value
        return dataclasses.replace(case, act=ast.unparse(tree), origin="mutation", picks=())


def _parsed(source: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError):
        return ast.Constant(None)
