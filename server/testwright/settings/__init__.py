"""Options as they arrive, and settings as they hold: four sources, the later the stronger."""

from testwright.settings.files import MAX_SETTINGS_BYTES, read_settings_text, read_toml
from testwright.settings.parsing import is_python_name, option_name, parse_options
from testwright.settings.sources import MODEL_KEY_VARIABLE, PROJECT_ORIGIN, VARIABLE_PREFIX, resolve_settings
from testwright.settings.trust import MACHINE_SCOPE, is_inside_workspace, may_be_of_repository
from testwright.settings.values import (
    MAX_BUDGET,
    MAX_ITERATIONS,
    MAX_MODEL_COST,
    MAX_MODEL_DEADLINE,
    MAX_MODEL_REQUESTS,
    MAX_MODEL_TOKENS,
    MAX_SEED,
    OPTION_NAMES,
    AgentBoxName,
    AgentSdk,
    BoxName,
    DataCollection,
    EngineName,
    Options,
    Placement,
    Settings,
)

__all__ = [
    "MACHINE_SCOPE",
    "MAX_BUDGET",
    "MAX_ITERATIONS",
    "MAX_MODEL_COST",
    "MAX_MODEL_DEADLINE",
    "MAX_MODEL_REQUESTS",
    "MAX_MODEL_TOKENS",
    "MAX_SEED",
    "MAX_SETTINGS_BYTES",
    "MODEL_KEY_VARIABLE",
    "OPTION_NAMES",
    "PROJECT_ORIGIN",
    "VARIABLE_PREFIX",
    "AgentBoxName",
    "AgentSdk",
    "BoxName",
    "DataCollection",
    "EngineName",
    "Options",
    "Placement",
    "Settings",
    "is_inside_workspace",
    "is_python_name",
    "may_be_of_repository",
    "option_name",
    "parse_options",
    "read_settings_text",
    "read_toml",
    "resolve_settings",
]
