"""From a case and what it showed to the fields of a candidate."""

from __future__ import annotations

import ast
from typing import Any

from .cases import Case, local_names, rename
from .names import FIXTURES, Names, free_names


def without_result_name(case: Case) -> Case:
    """A variable called ``result`` in the arrangement would be hidden by the act's; call it ``value``."""
    names = local_names(case.arrange)
    if "result" not in names:
        return case
    fresh = "value"
    while fresh in names:
        fresh += "_"
    mapping = {"result": fresh}
    return Case(
        case.target, tuple(rename(s, mapping) for s in case.arrange), rename(case.act, mapping), case.origin, case.picks
    )


def candidate(
    case: Case, seen: "dict[str, Any]", asserts: "list[str]", names: Names, number: int
) -> "dict[str, Any] | None":
    """Fields of a candidate; None when a name that it needs cannot be had.

    Args:
        case: The case, wrapped as it ran.
        seen: What its run showed.
        asserts: Those on which all runs agreed.
        names: Bindings.
        number: For the id.
    """
    for bound, key in seen.get("imports", {}).items():
        if len(key) == 3:
            names.adopt(bound, (key[0], key[1], key[2]))
    raised = seen["status"] == "raised"
    exception = seen.get("exception", "") if raised else ""
    used: "set[str]" = set(case.used)
    for line in (*asserts, exception, seen.get("warns", "")):
        if line:
            used |= free_names(line)
    bound_here = set(local_names(case.arrange)) | {"result"}
    imports = []
    fixtures = []
    for name in sorted(used - bound_here):
        if name in FIXTURES:
            fixtures.append(name)
        elif name in names.imports:
            imports.append(list(names.imports[name]))
            wanted = seen.get("imports", {}).get(name)
            if wanted is not None and tuple(wanted) != names.imports[name]:
                return None
        else:
            return None
    reads_result = any(
        "result" in {n.id for n in ast.walk(ast.parse(line)) if isinstance(n, ast.Name)} for line in asserts
    )
    return {
        "id": f"embedded-{number}",
        "target": case.target,
        "scenario": "",
        "arrange": list(case.arrange),
        "act": case.act,
        "binds": "result" if reads_result and not raised else None,
        "asserts": asserts,
        "raises": [exception, seen.get("match") or None] if raised else None,
        "warns": seen.get("warns") or None,
        "imports": imports,
        "fixtures": fixtures,
        "origin": f"embedded:{case.origin}",
    }
