"""What a repository may say of the settings.

Its ``pyproject.toml`` comes with it, so it is not trusted as the user is: it may say how much work is wanted, not how
that work is contained, where code is sent, or what may be spent.
"""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

from testwright.settings.values import Settings

STRICTER_ONLY = frozenset({"max_model_requests", "max_model_tokens", "model_deadline"})
"""Limits on what the user's account gives; a repository may lower them below their defaults."""

MACHINE_SCOPE = frozenset(
    {"box", "pass_env", "python", "model_base_url", "model_registry", "data_collection", "max_model_cost"}
    | {"agent_box", "agent_sdk", "agent_image_base"}
    | STRICTER_ONLY
)
"""Settings that a repository must not make as it likes: they choose how its code is contained, name a program, choose
where it is sent and what becomes of it there, or what may be spent. ``may_be_of_repository`` has the exceptions."""

_WHY = {
    "box": "a repository must not choose how its own code is contained",
    "pass_env": "a repository must not ask for variables of your environment",
    "python": "a repository must not choose a program outside the workspace",
    "agent_box": "a repository must not choose how the agent is contained",
    "agent_sdk": "a repository must not choose which programs the agent is made of",
    "agent_image_base": "a repository must not choose which programs the agent is made of",
    "model_base_url": "a repository must not choose where code is sent",
    "model_registry": "a repository must not name a file outside the workspace",
    "data_collection": "a repository must not allow that others keep what is sent",
    "max_model_cost": "a repository must not spend your money",
    **dict.fromkeys(STRICTER_ONLY, "a repository may lower this limit and not raise it"),
}


def may_be_of_repository(name: str, value: object) -> bool:
    """Whether a repository's own files may set an option to a value.

    Of machine scope, these may be: an interpreter or a registry within the workspace (the latter counts with consent
    only), a limit on models that is lower than its default, and the wish that nobody keeps what is sent.
    """
    if name not in MACHINE_SCOPE:
        return True
    if name in ("python", "model_registry"):
        return is_inside_workspace(value)
    if name == "data_collection":
        return value != "allow"
    if name in STRICTER_ONLY:
        default: float = getattr(Settings(), name)
        return not isinstance(value, int | float) or value <= default  # a wrong type is an error, told by the parser
    return False


def why_not(name: str) -> str:
    """Why a repository's value is not used, as a part of a sentence."""
    return _WHY[name]


def is_inside_workspace(value: object) -> bool:
    """Whether a path named by a repository stays in it; an interpreter's plain name is found on the user's own PATH."""
    if not isinstance(value, str):
        return True  # a wrong type is an error, told by the parser
    pure = PurePosixPath(value)
    windows = PureWindowsPath(value)
    return not (pure.is_absolute() or windows.drive or windows.root or ".." in windows.parts or value.startswith("~"))
