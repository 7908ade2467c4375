"""What ``pyproject.toml`` itself declares, for a project without a lock."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from testwright.provisioning.dependencies.values import Dependencies, Notes, is_for_tests, table, texts, wrong

NAME = "pyproject.toml"


def read_declared(pyproject: Mapping[str, object]) -> Dependencies:
    """What the project and its tests need, by its standard tables.

    Raises:
        SetupFailure: It has a requirement that cannot be read.
    """
    project, notes = table(pyproject.get("project")), Notes()
    own = canonicalize_name(str(project.get("name", "")))
    extras = table(project.get("optional-dependencies"))
    notes.left_out("extras", extras)
    lines = [
        *texts(project.get("dependencies")),
        *(line for name, needs in extras.items() if is_for_tests(name) for line in texts(needs)),
        *groups_for_tests(pyproject, notes),
    ]
    if "dependencies" in texts(project.get("dynamic")):
        notes.add(
            "The project's dependencies are made by its build (dynamic), which is not run, so they are not known."
        )
    if table(table(pyproject.get("tool")).get("poetry")).get("dependencies") and not project.get("dependencies"):
        notes.add("The dependencies in [tool.poetry] are only read with a poetry.lock: run poetry lock.")
    kept: list[str] = []
    for line in lines:
        need = _requirement(line)
        if need.url is not None:
            notes.add(f"{need.name} was left out: it comes from an address of its own and not from an index.")
        elif canonicalize_name(need.name) != own:  # an extra that names others of the same project
            kept.append(str(need))
        else:
            other = sorted(extra for extra in need.extras if not is_for_tests(extra))
            for extra in other:
                kept += [str(_requirement(text)) for text in texts(extras.get(extra))]
    return Dependencies(NAME, tuple(dict.fromkeys(kept)), notes=tuple(notes.kept))


def groups_for_tests(pyproject: Mapping[str, object], notes: Notes) -> list[str]:
    """Requirements of the dependency groups for tests (the packaging guide, "Dependency Groups").

    Raises:
        SetupFailure: A group includes itself, or one that there is not.
    """
    groups = table(pyproject.get("dependency-groups"))
    notes.left_out("dependency groups", groups)
    return [line for name in groups if is_for_tests(name) for line in _group(groups, name, ())]


def _group(groups: Mapping[str, object], name: str, above: tuple[str, ...]) -> list[str]:
    named = {canonicalize_name(group): value for group, value in groups.items()}
    key = canonicalize_name(name)
    if key not in named or key in above:
        why = "includes itself" if key in above else "is included and not there"
        raise wrong(NAME, f"has a dependency group {name} that {why}")
    lines: list[str] = []
    value = named[key]
    for item in value if isinstance(value, list) else []:
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(table(item).get("include-group"), str):
            lines += _group(groups, str(table(item)["include-group"]), (*above, key))
    return lines


def _requirement(line: str) -> Requirement:
    try:
        return Requirement(line)
    except InvalidRequirement as error:
        raise wrong(NAME, f"has a requirement that cannot be read: {line[:80]!r}") from error
