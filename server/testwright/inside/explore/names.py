"""The names that cases use, and the imports that bind them."""

from __future__ import annotations

import ast
import builtins
import sys
from types import ModuleType
from typing import Any

BUILTINS = frozenset(dir(builtins))
FIXTURES = ("tmp_path", "monkeypatch", "capsys", "caplog")


def free_names(source: str) -> frozenset[str]:
    """Names that a piece of source reads and does not bind itself, builtins excepted."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or (
            isinstance(node, ast.ExceptHandler) and node.name
        ):
            bound.add(str(node.name))
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    return frozenset(name for name in read - bound if name not in BUILTINS)


class Names:
    """Registry of bound names: what each stands for and the import that gives it.

    The names that the target module defines come first and are never shadowed by others.
    """

    def __init__(self, module: ModuleType, own: "frozenset[str]") -> None:
        self.module = module
        self.objects: dict[str, Any] = {}
        self.imports: dict[str, tuple[str, "str | None", "str | None"]] = {}
        self.own = own

    def bind(self, module: str, name: "str | None" = None) -> "str | None":
        """Make a name available and return what it is bound to in a test, None when it cannot be had."""
        if module == "pytest" and name is None:  # known to every test; not worth its import here
            self.imports["pytest"] = ("pytest", None, None)
            return "pytest"
        home = sys.modules.get(module)
        if home is None:
            try:
                __import__(module)
            except BaseException:
                return None
            home = sys.modules.get(module)
            if home is None:
                return None
        if name is None:
            bound = module.partition(".")[0]
            value: Any = sys.modules.get(bound)
            key: tuple[str, "str | None", "str | None"] = (module, None, None)
        else:
            if not hasattr(home, name):
                return None
            bound = name
            value = getattr(home, name)
            key = (module, name, None)
        is_own = module == self.module.__name__ and name is not None
        taken = self.imports.get(bound)
        if taken == key or (taken is not None and self.objects.get(bound) is value):
            return bound  # the same thing, perhaps known from the package that shows it
        if taken is not None or bound in BUILTINS or bound in FIXTURES or (bound in self.own and not is_own):
            alias = (
                (module.rpartition(".")[2].strip("_") + "_" + bound) if name else module.replace(".", "_") + "_module"
            )
            key = (module, name, alias)
            if self.imports.get(alias, key) != key or alias in self.own:
                return None
            if name is None and "." in module:
                value = home
            bound = alias
        self.imports[bound] = key
        self.objects[bound] = value
        return bound

    def adopt(self, bound: str, key: "tuple[str, str | None, str | None]") -> bool:
        """Take over a binding that a child made; False when the name already means something else."""
        module, name, _alias = key
        taken = self.imports.get(bound)
        if taken is not None:
            return taken == key or (
                name is not None and getattr(sys.modules.get(module), name, self) is self.objects.get(bound)
            )
        if bound == "pytest":
            self.imports[bound] = key
            return True
        try:
            __import__(module)
            home = sys.modules[module]
            if name is not None:
                value = getattr(home, name)
            elif key[2]:
                value = home
            else:
                value = sys.modules[module.partition(".")[0]]
        except BaseException:
            return False
        self.imports[bound] = key
        self.objects[bound] = value
        return True

    def own_name(self, name: str) -> "str | None":
        """Bind a name that the target module defines."""
        return self.bind(self.module.__name__, name)

    def of(self, value: Any) -> "str | None":
        """An expression that names a class or function, by its home module."""
        qualname = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        module = getattr(value, "__module__", None)
        if not isinstance(qualname, str) or "<" in qualname:
            return None
        head, _, rest = qualname.partition(".")
        if module == "builtins":
            return qualname if getattr(builtins, head, None) is not None else None
        if vars(self.module).get(head) is value and head in self.own:
            module = self.module.__name__
        if not isinstance(module, str) or not module:
            return None
        for place in public_homes(module):
            home = sys.modules.get(place)
            found: Any = home
            for part in qualname.split("."):
                found = getattr(found, part, None)
            if home is not None and found is value:
                bound = self.bind(place, head)
                return None if bound is None else (f"{bound}.{rest}" if rest else bound)
        return None

    def namespace(self, used: "frozenset[str]") -> dict[str, Any]:
        """What a case sees."""
        return {name: self.objects[name] for name in sorted(used) if name in self.objects}


def public_homes(module: str) -> list[str]:
    """Where a class of this module may be public: ``pathlib`` for ``pathlib._local``, ``io`` for ``_io``."""
    if module.startswith("_") and "." not in module:
        return [module.lstrip("_"), module]
    parts = module.split(".")
    for index, part in enumerate(parts):
        if part.startswith("_") and index and parts[0] in sys.stdlib_module_names:
            return [".".join(parts[:index]), module]
    return [module]
