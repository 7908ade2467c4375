"""A case in the making."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field

from .names import BUILTINS, FIXTURES


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
        if (
            not base.isidentifier()
            or keyword.iskeyword(base)
            or base in self.reserved
            or base in BUILTINS
            or base in FIXTURES
        ):
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
