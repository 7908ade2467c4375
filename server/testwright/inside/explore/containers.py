"""Draws lists, mappings, iterators and their like."""

from __future__ import annotations

from typing import Any

from .draft import Draft
from .kinds import ANY, INT, STR, Kind, by_name, list_of
from .scalars import Scalars


class Containers(Scalars):
    """Draws containers."""

    def _elements(self, kind: Kind, draft: Draft, role: str, depth: int) -> "list[str]":
        element = kind.args[0] if kind.args else ANY
        if element == ANY:
            element = self.rng.choice((INT, INT, STR, STR, Kind("fixed-tuple", (STR, INT)), list_of(INT)))
        count = self.rng.choice((0, 1, 2, 2, 3, 3, 4, 5) if depth == 0 else (0, 1, 2, 2, 3))
        if element == INT and self.rng.random() < 0.5:
            return [str(self.rng.randint(0, 9)) for _ in range(count)]
        singular = role[:-1] if role.endswith("s") else ""
        return [self.draw(element, draft, singular, depth + 1) for _ in range(count)]

    def _list(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"[{', '.join(self._elements(kind, draft, role, depth))}]"

    def _tuple(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        elements = self._elements(kind, draft, role, depth)
        return f"({', '.join(elements)}{',' if len(elements) == 1 else ''})"

    def _fixed_tuple(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        elements = [self.draw(part, draft, "", depth + 1) for part in kind.args]
        return f"({', '.join(elements)}{',' if len(elements) == 1 else ''})"

    def _set(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        if not kind.args or kind.args[0] == ANY:
            kind = Kind("set", (self.rng.choice((INT, STR)),))
        elements = list(dict.fromkeys(self._elements(kind, draft, role, depth)))
        return f"{{{', '.join(elements)}}}" if elements else "set()"

    def _frozenset(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"frozenset({self._set(kind, draft, role, depth)})"

    def _iterable(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        roll = self.rng.random()
        if roll < 0.1 and kind.args and kind.args[0] in (ANY, STR):
            return repr(self.text(role))
        if roll < 0.18 and kind.args and kind.args[0] in (ANY, INT):
            return f"range({self.rng.randint(0, 6)})"
        if roll < 0.3:
            return f"iter({self._list(kind, draft, role, depth)})"
        return self._list(kind, draft, role, depth)

    def _iterator(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return f"iter({self._list(kind, draft, role, depth)})"

    def _async_iterator(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        elements = self._list(Kind("list", kind.args[:1] or (INT,)), draft, "", depth + 1)
        name = draft.fresh("produce")
        draft.statements.append(f"async def {name}():\n    for item in {elements}:\n        yield item")
        return f"{name}()"

    def _awaitable(self, kind: Kind, draft: Draft, _role: str, depth: int) -> str:
        value = self.draw(kind.args[-1] if kind.args else INT, draft, "", depth + 1)
        name = draft.fresh("compute")
        draft.statements.append(f"async def {name}():\n    return {value}")
        return f"{name}()"

    def _dict(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        keys, items = (*kind.args, ANY, ANY)[:2] if kind.args else (STR, ANY)
        pairs = {}
        for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3))):
            key = self.draw(STR if keys == ANY else keys, draft, "key", depth + 1)
            pairs[key] = self.draw(items, draft, "", depth + 1)
        return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"

    def _record(self, kind: Kind, draft: Draft, _role: str, depth: int) -> str:
        parts = []
        for index, key in enumerate(kind.values):
            if self.rng.random() < 0.75:
                element = kind.args[index] if index < len(kind.args) else ANY
                if element == ANY:
                    element = by_name(key) or ANY
                parts.append(f"{key!r}: {self.draw(element, draft, key, depth + 1)}")
        return "{" + ", ".join(parts) + "}"

    def _from_collections(self, name: str, inner: str) -> str:
        bound = self.names.bind("collections", name)
        return f"{bound}({inner})" if bound else inner

    def _ordered_dict(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("OrderedDict", self._dict(kind, draft, role, depth))

    def _counter(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("Counter", self._list(Kind("list", kind.args[:1]), draft, role, depth))

    def _deque(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("deque", self._list(kind, draft, role, depth))

    def _default_dict(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self._from_collections("defaultdict", f"list, {self._dict(kind, draft, role, depth)}")

    def _range(self, *_: Any) -> str:
        return f"range({self.rng.randint(0, 8)})"

    def _slice(self, *_: Any) -> str:
        return self.rng.choice(
            ("slice(1, 3)", "slice(None)", "slice(None, None, -1)", "slice(0, 10, 2)", "slice(2, None)")
        )
