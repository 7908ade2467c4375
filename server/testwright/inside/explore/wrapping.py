"""What an act is wrapped in so that its result can be looked at: drained, awaited, collected."""

from __future__ import annotations

import ast
import dataclasses

from .cases import Case, local_names
from .names import Names

TAKE = 5
"""Items taken of what does not end."""


def wrapped(case: Case, kind: str, names: Names) -> Case:
    """The same case with its act wrapped."""
    if kind == "list":
        return dataclasses.replace(case, act=f"list({case.act})")
    if kind == "list-each":
        inner = case.act
        if inner.startswith("list(") and ast.unparse(ast.parse(inner)) == inner:
            call = ast.parse(inner, mode="eval").body
            if isinstance(call, ast.Call) and len(call.args) == 1 and ast.unparse(call.func) == "list":
                inner = ast.unparse(call.args[0])
        return dataclasses.replace(case, act=f"[list(part) for part in {inner}]")
    if kind == "list-rest":
        first, rest = "first", "rest"
        while {first, rest} & set(local_names(case.arrange)):
            first, rest = first + "_", rest + "_"
        return dataclasses.replace(
            case, arrange=(*case.arrange, f"{first}, {rest} = {case.act}"), act=f"({first}, list({rest}))"
        )
    if kind == "collect-each":
        bound = names.bind("asyncio")
        # A loop, since a comprehension may hold an asynchronous one only from Python 3.11 on.
        body = (
            f"async def collect():\n    parts = []\n    for part in {case.act}:\n"
            "        parts.append([item async for item in part])\n    return parts"
        )
        return dataclasses.replace(case, arrange=(*case.arrange, body), act=f"{bound}.run(collect())")
    if kind == "take":
        bound = names.bind("itertools", "islice")
        return dataclasses.replace(case, act=f"list({bound}({case.act}, {TAKE}))")
    if kind == "run":
        bound = names.bind("asyncio")
        return dataclasses.replace(case, act=f"{bound}.run({case.act})")
    if kind in ("collect", "collect-take"):
        bound = names.bind("asyncio")
        name = "collect"
        while name in local_names(case.arrange):
            name += "_"
        if kind == "collect":
            body = f"async def {name}():\n    return [item async for item in {case.act}]"
        else:
            body = (
                f"async def {name}():\n    items = []\n    async for item in {case.act}:\n        items.append(item)\n"
                f"        if len(items) == {TAKE}:\n            break\n    return items"
            )
        return dataclasses.replace(case, arrange=(*case.arrange, body), act=f"{bound}.run({name}())")
    if kind == "enter":
        name = "enter"
        while name in local_names(case.arrange):
            name += "_"
        body = f"def {name}():\n    with {case.act} as value:\n        return value"
        return dataclasses.replace(case, arrange=(*case.arrange, body), act=f"{name}()")
    if kind == "environ":
        bound = names.bind("os")
        return dataclasses.replace(case, arrange=(f"monkeypatch.setattr({bound}, 'environ', {{}})", *case.arrange))
    return case
