"""What a program that uses Testwright as a library says, and what it gets back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from testwright.errors import SettingsError, UsageError
from testwright.model import RunReport


@dataclass(frozen=True, slots=True)
class OpenHandsIntegrationConfig:
    """Where the agent and its models would be found. Nothing of it is needed for the embedded engine.

    Attributes:
        openrouter_api_key: The key; never shown in ``repr``, never passed into a box.
        docker_host: Address of the Docker engine, None for the default.
        preferred_model: Model that is tried first; ``TESTWRIGHT_PREFERRED_MODEL`` in the environment is stronger.
        fallback_models: Models that are tried next, in order; ``TESTWRIGHT_FALLBACK_MODELS`` is stronger.
    """

    openrouter_api_key: str | None = field(default=None, repr=False)
    docker_host: str | None = None
    preferred_model: str | None = None
    fallback_models: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> OpenHandsIntegrationConfig:
        """Read ``OPENROUTER_API_KEY``, ``DOCKER_HOST``, ``PREFERRED_MODEL`` and ``FALLBACK_MODELS`` (comma-separated).

        All may be absent or empty: then the embedded engine does the job.
        """
        variables = os.environ if environ is None else environ
        fallbacks = variables.get("FALLBACK_MODELS", "").split(",")
        return cls(
            openrouter_api_key=variables.get("OPENROUTER_API_KEY", "").strip() or None,
            docker_host=variables.get("DOCKER_HOST", "").strip() or None,
            preferred_model=variables.get("PREFERRED_MODEL", "").strip() or None,
            fallback_models=tuple(name.strip() for name in fallbacks if name.strip()),
        )

    def laid_over(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables of an environment as they would be if this was read from it."""
        said = {
            "OPENROUTER_API_KEY": self.openrouter_api_key,
            "DOCKER_HOST": self.docker_host,
            "PREFERRED_MODEL": self.preferred_model,
            "FALLBACK_MODELS": ",".join(self.fallback_models),
        }
        others = {name: value for name, value in environ.items() if name not in said}
        return others | {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class TestTaskSpecification:
    """One module to write tests for.

    Attributes:
        module_name: Dotted name, or its last part; used to find the file when ``module_path`` is None, and
            checked against it otherwise.
        module_path: The file, relative to ``workspace`` or absolute.
        coverage_threshold: Percent of lines and branches, 0 to 100, that the run should reach.
        test_framework: Only ``pytest`` is written.
        max_iterations: Rounds that an agent may take; the embedded engine needs one.
        workspace: Root of the project; found from the module's path when None.

    Raises:
        UsageError: Neither a name nor a path, or another framework than pytest.
        SettingsError: A number out of its range.
    """

    __test__ = False  # for pytest: no test class

    module_name: str | None = None
    module_path: str | Path | None = None
    coverage_threshold: float = 70.0
    test_framework: Literal["pytest"] = "pytest"
    max_iterations: int = 3
    workspace: str | Path | None = None

    def __post_init__(self) -> None:
        if not self.module_name and not self.module_path:
            raise UsageError(
                "A specification names neither a module nor a path.",
                next_step="Give module_name, module_path, or both.",
            )
        # The type says pytest, but what arrives may come from a file or a form.
        framework: str = self.test_framework
        if framework != "pytest":
            raise UsageError(
                f"Test framework {framework!r} is not supported.", next_step="Use test_framework='pytest'."
            )
        if not 0 <= self.coverage_threshold <= 100:
            raise SettingsError(
                f"coverage_threshold is {self.coverage_threshold}, which is no percentage.",
                next_step="Give a number from 0 to 100.",
            )
        if self.max_iterations < 1:
            raise SettingsError(
                f"max_iterations is {self.max_iterations}.", next_step="Give a whole number of at least 1."
            )


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """What became of a specification.

    Attributes:
        success: True when the job was done: a file was written, or there was nothing to add.
        test_file_path: The test file, absolute; None when there is none.
        error: A sentence with the next step, None on success.
        report: The whole account.
    """

    success: bool
    test_file_path: str | None
    error: str | None
    report: RunReport
