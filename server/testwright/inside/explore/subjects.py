"""What a test can be about, and the parameters that it takes."""

from __future__ import annotations

import enum
import inspect
import random
from dataclasses import dataclass, field
from typing import Any

from .kinds import Kind


@dataclass
class Parameter:
    """One parameter.

    Attributes:
        name: Its name.
        style: ``positional`` (only), ``normal``, ``keyword`` (only), ``varargs``, ``varkw``.
        required: Whether it has no default.
        kinds: Kinds to draw from.
        weights: Their weights, learnt from how cases end.
        keys: Names that ``**kwargs`` may hold.
        key_kinds: Their kinds.
        required_keys: Those that must be there.
    """

    name: str
    style: str
    required: bool
    kinds: "list[Kind]"
    weights: "list[float]"
    keys: "list[str]" = field(default_factory=list)
    key_kinds: "dict[str, Kind]" = field(default_factory=dict)
    required_keys: "list[str]" = field(default_factory=list)

    def pick(self, rng: random.Random, draft: Any, owner: str) -> Kind:
        """Draw a kind by weight, and note it in the draft."""
        if len(self.kinds) == 1:
            return self.kinds[0]
        index = rng.choices(range(len(self.kinds)), self.weights)[0]
        draft.picks.append((owner, self.name, index))
        return self.kinds[index]

    def learn(self, index: int, *, good: bool) -> None:
        """Make a kind likelier or less likely."""
        weight = self.weights[index] * (1.06 if good else 0.9)
        self.weights[index] = min(8.0, max(0.08, weight))


@dataclass
class Subject:
    """Something that a test can be about.

    Attributes:
        qualname: Name in the module.
        name: Last part of it.
        style: ``function``, ``class``, ``method``, ``classmethod``, ``staticmethod``, ``property``.
        owner: The class, if any.
        function: The Python function, or the class.
        first, last: Lines, decorators included.
        parameters: Without ``self``.
        public: Whether no part of its name begins with an underscore (dunders are public).
        calls: Names that its body calls.
        heirs: Classes of the module that inherit from the owner.
        ranges: Lines that speak of its values: its own and those of the constants that it names.
        inner: Parameters of the function that it returns, if it returns one of its own.
    """

    qualname: str
    name: str
    style: str
    owner: Any
    function: Any
    first: int
    last: int
    parameters: "list[Parameter]"
    public: bool
    calls: "frozenset[str]" = frozenset()
    heirs: "list[Any]" = field(default_factory=list)
    inner: "list[Parameter] | None" = None
    ranges: "tuple[tuple[int, int], ...]" = ()
    tried: int = 0
    fruitless: int = 0

    def concrete_owner(self, rng: random.Random) -> Any:
        """The class to make an instance of: the owner or one that inherits from it."""
        if self.heirs and (
            inspect.isabstract(self.owner) or self.owner.__name__.startswith("_") or rng.random() < 0.15
        ):
            return rng.choice(self.heirs)
        return self.owner


def parameter_at(subject: Subject, place: "int | str") -> "Parameter | None":
    """A parameter by its place or its name, None when there is none."""
    if isinstance(place, int):
        plain = [p for p in subject.parameters if p.style in ("positional", "normal")]
        return plain[place] if place < len(plain) else None
    return next((p for p in subject.parameters if p.name == place), None)


def enum_parameters(cls: "type[enum.Enum]") -> "list[Parameter]":
    """An enumeration is called with the value of a member, which gives the member."""
    plain = [repr(member.value) for member in cls if isinstance(member.value, (str, int, float, bool, bytes, tuple))]
    values = tuple(dict.fromkeys(source for source in plain if len(source) < 80))
    return (
        [Parameter("value", "normal", required=True, kinds=[Kind("literal", values=values)], weights=[1.0])]
        if values
        else []
    )


def is_public(qualname: str) -> bool:
    """Whether no part of the name is private; dunders are public."""
    return all(
        not part.startswith("_") or (part.startswith("__") and part.endswith("__")) for part in qualname.split(".")
    )
