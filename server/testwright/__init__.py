"""Testwright writes unit tests for a Python module, proves them in a box, and puts the file into the workspace.

The names below are the public API; they are loaded when first used, so that ``import testwright`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testwright.errors import TestwrightError
    from testwright.model import RunEvent, RunReport
    from testwright.service import UnitTestGenerationService
    from testwright.specification import (
        GenerationResult,
        OpenHandsIntegrationConfig,
        TestTaskSpecification,
    )

__version__ = "0.1.0"

__all__ = [
    "GenerationResult",
    "OpenHandsIntegrationConfig",
    "RunEvent",
    "RunReport",
    "TestTaskSpecification",
    "TestwrightError",
    "UnitTestGenerationService",
    "__version__",
]

_HOME = {
    "GenerationResult": "testwright.specification",
    "OpenHandsIntegrationConfig": "testwright.specification",
    "RunEvent": "testwright.model",
    "RunReport": "testwright.model",
    "TestTaskSpecification": "testwright.specification",
    "TestwrightError": "testwright.errors",
    "UnitTestGenerationService": "testwright.service",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
