"""One set of imports for many tests: every name means one thing in the file (pure)."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from testwright.model import Import
from testwright.writing.case import Case

Meaning = tuple[str, str]
"""What a name stands for: a module and an attribute; the attribute is empty for the module itself."""

UNKNOWN: Meaning = ("", "")
"""A meaning that equals none that an import has: a definition, a variable, an ambiguous import."""

_HOOKS = frozenset(
    {
        "collect_ignore",
        "collect_ignore_glob",
        "load_tests",
        "pytestmark",
        "setup",
        "setUpModule",
        "setup_function",
        "setup_module",
        "tearDownModule",
        "teardown",
        "teardown_function",
        "teardown_module",
    }
)
_BUILTINS = frozenset(dir(builtins))


def meaning_of(wanted: Import) -> Meaning:
    """What the name that an import binds stands for."""
    if wanted.name is not None:
        return wanted.module, wanted.name
    return (wanted.module, "") if wanted.alias else (wanted.module.partition(".")[0], "")


def collected_by_pytest(name: str) -> bool:
    """Whether pytest would take an imported object of this name for a test, a hook or a setting of the file."""
    return name.startswith(("test", "Test", "pytest_")) or name in _HOOKS


@dataclass(slots=True)
class ImportTable:
    """Names bound at the top of the file.

    Attributes:
        bound: Names of the file and what they stand for; to begin with, those of an existing file.
        reserved: Names that must not be bound: builtins that tests use, names of an existing file's own.
        stars: Modules of which an existing file imports all: its names that nothing visible binds may be theirs.
        present: Imports of an existing file, one name each, as statements.
        needed: Imports that have to be added, in order of first use.
    """

    bound: dict[str, Meaning] = field(default_factory=dict)
    reserved: set[str] = field(default_factory=set)
    stars: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()
    needed: dict[Import, None] = field(default_factory=dict)

    def join(self, cases: Iterable[Case]) -> list[Case]:
        """Agree on names for all cases and rename them accordingly."""
        cases = list(cases)
        for case in cases:
            self.reserved |= case.free_names() & _BUILTINS
        locals_of_all = {name for case in cases for name in case.local_names()}
        plain_first = sorted(
            (wanted for case in cases for wanted in case.imports), key=lambda wanted: wanted.name is not None
        )
        for wanted in plain_first:  # a plain ``import a.b`` keeps its name, since attributes hang on it
            if wanted.name is None and wanted.alias is None and self._known_as(wanted, locals_of_all) is None:
                self._claim(wanted)
        return [self._joined(case, locals_of_all) for case in cases]

    def need(self, module: str) -> str:
        """Import a module for the renderer's own use (``pytest``, ``re``); its name in the file."""
        wanted = Import(module)
        if self._claim(wanted):
            return module
        return self._aliased(wanted, set())

    def take(self, wanted: Import, hidden: set[str]) -> str:
        """Bind an import for a text that is written as it is; its name in the file.

        Args:
            wanted: The import.
            hidden: Names that the text has for other things.
        """
        known_as = self._known_as(wanted, hidden - {wanted.bound})
        if known_as is not None:
            self._note(Import(wanted.module, wanted.name, known_as))
            return known_as
        if self._claim(wanted):
            return wanted.bound
        if wanted.name is None and wanted.alias is None:
            wanted = Import(wanted.bound)
        return self._aliased(wanted, hidden)

    def meaning(self, node: ast.expr) -> str | None:
        """Dotted name of what an expression ``name`` or ``name.attribute`` stands for; None when not imported."""
        if isinstance(node, ast.Name):
            module, name = self.bound.get(node.id, UNKNOWN)
            return (f"{module}.{name}" if name else module) or None
        if isinstance(node, ast.Attribute):
            base = self.meaning(node.value)
            return None if base is None else f"{base}.{node.attr}"
        return None

    def _joined(self, case: Case, locals_of_all: set[str]) -> Case:
        renames: dict[str, ast.expr] = {}
        for wanted in case.imports:
            known_as = self._known_as(wanted, locals_of_all)
            if known_as is not None and known_as != wanted.bound:
                self._note(Import(wanted.module, wanted.name, known_as))
                renames[wanted.bound] = ast.Name(known_as, ast.Load())
                continue
            if self._claim(wanted):
                continue
            if wanted.name is None and wanted.alias is None and "." in wanted.module:
                case = self._without_chain(case, wanted, locals_of_all)
                if wanted.bound not in case.names():
                    continue
                wanted = Import(wanted.bound)  # noqa: PLW2901  # what is left speaks of the package itself
            renames[wanted.bound] = ast.Name(self._aliased(wanted, locals_of_all), ast.Load())
        return case.renamed(renames)

    def _without_chain(self, case: Case, wanted: Import, locals_of_all: set[str]) -> Case:
        """Replace ``a.b`` by an alias, since ``a`` is taken."""
        alias = self._aliased(wanted, locals_of_all)
        chain = ast.dump(ast.parse(wanted.module, mode="eval").body)

        class Chain(ast.NodeTransformer):
            def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
                if ast.dump(node) == chain:
                    return ast.Name(alias, ast.Load())
                return self.generic_visit(node)

        return case.transformed(Chain)

    def _claim(self, wanted: Import) -> bool:
        """Bind an import under its own name, if that name is free or means the same already."""
        name, meaning = wanted.bound, meaning_of(wanted)
        if self.bound.get(name) == meaning:
            self._note(wanted)
            return True
        if name in self.bound or (name in self.reserved and wanted.module not in self.stars):
            return False
        if wanted.name is not None and collected_by_pytest(name):
            return False
        self.bound[name] = meaning
        self._note(wanted)
        return True

    def _aliased(self, wanted: Import, locals_of_all: set[str]) -> str:
        """Bind an import under another name."""
        if "." not in wanted.module or wanted.name is not None:
            known_as = self._known_as(wanted, locals_of_all)
        else:
            known_as = self._known_as(Import(wanted.module, None, wanted.module), locals_of_all)
        if known_as is not None:
            self._note(Import(wanted.module, wanted.name, known_as))
            return known_as
        taken = self.bound.keys() | self.reserved | locals_of_all | _BUILTINS
        alias = next(
            name
            for name in _aliases(wanted)
            if name not in taken and not collected_by_pytest(name) and not keyword.iskeyword(name)
        )
        self.bound[alias] = (wanted.module, wanted.name or "")
        self._note(Import(wanted.module, wanted.name, alias))
        return alias

    def _known_as(self, wanted: Import, locals_of_all: set[str]) -> str | None:
        """The name that the file has for the same thing already, its own name first."""
        if wanted.name is None and "." in wanted.module and wanted.alias is None:
            return None
        meaning = (wanted.module, wanted.name or "")
        if self.bound.get(wanted.bound) == meaning:
            return wanted.bound
        usable = (name for name, known in self.bound.items() if known == meaning and name not in locals_of_all)
        return next((name for name in usable if name not in self.reserved), None)

    def _note(self, wanted: Import) -> None:
        if wanted.alias is not None and wanted.alias == (wanted.name or wanted.module):
            wanted = Import(wanted.module, wanted.name)
        if statement_of(wanted) not in self.present:
            self.needed[wanted] = None


def statement_of(wanted: Import) -> str:
    """The import as a statement of its own."""
    alias = f" as {wanted.alias}" if wanted.alias else ""
    if wanted.name is None:
        return f"import {wanted.module}{alias}"
    return f"from {wanted.module} import {wanted.name}{alias}"


def _aliases(wanted: Import) -> Iterator[str]:
    """Names for an import whose own name is taken, the best first."""
    modules = [part for part in re.split(r"\W+", wanted.module) if part.strip("_")] or ["module"]
    for depth in range(1, len(modules) + 1):
        stem = "_".join(part.strip("_") for part in modules[-depth:])
        if wanted.name is None:
            yield f"{stem}_module" if depth == 1 and "." not in wanted.module else stem
        else:
            yield _joined_words(stem, wanted.name)
    number = 2
    stem = _joined_words("subject", wanted.name or modules[-1])
    yield stem
    while True:
        yield f"{stem}_{number}"
        number += 1


def _joined_words(stem: str, name: str) -> str:
    """Prefix a name with its module's, in the spelling of the name: constant, class or function."""
    bare = name.strip("_") or name
    if bare.isupper() and len(bare) > 1:
        return f"{stem.upper()}_{bare}"
    if bare[:1].isupper():
        return "".join(word[:1].upper() + word[1:] for word in stem.split("_")) + bare
    return f"{stem}_{bare}"
