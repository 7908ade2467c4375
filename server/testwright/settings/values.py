"""Options as one source says them, settings as they hold, and the bounds of both."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

EngineName = Literal["auto", "embedded", "openhands"]
BoxName = Literal["auto", "bubblewrap", "landlock", "none"]
AgentBoxName = Literal["auto", "docker", "bubblewrap", "none"]
AgentSdk = Literal["pinned", "newest"]
Placement = Literal["auto", "tests", "beside"]
DataCollection = Literal["allow", "deny"]

MAX_BUDGET = 3600.0
MAX_ITERATIONS = 20
MAX_SEED = 2**32 - 1
MAX_FALLBACKS = 20
MAX_MODEL_COST = 1000.0
MAX_MODEL_REQUESTS = 10_000
MAX_MODEL_TOKENS = 1_000_000_000
MAX_MODEL_DEADLINE = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one source says; None where it says nothing. The meaning of each is told in ``Settings``."""

    coverage_threshold: float | None = None
    budget: float | None = None
    engine: EngineName | None = None
    box: BoxName | None = None
    python: Path | None = None
    output: Path | None = None
    placement: Placement | None = None
    dry_run: bool | None = None
    seed: int | None = None
    pass_env: tuple[str, ...] | None = None
    max_iterations: int | None = None
    agent_box: AgentBoxName | None = None
    agent_sdk: AgentSdk | None = None
    agent_image_base: str | None = None
    preferred_model: str | None = None
    fallback_models: tuple[str, ...] | None = None
    model_base_url: str | None = None
    model_registry: Path | None = None
    data_collection: DataCollection | None = None
    max_model_cost: float | None = None
    max_model_requests: int | None = None
    max_model_tokens: int | None = None
    model_deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for a run.

    Attributes:
        coverage_threshold: Percent of lines and branches, pooled, that counts as success; 0 to 100.
        budget: Seconds from baseline to writing; 1 to 3600.
        engine: Who proposes tests: the embedded engine, the agent, or (``auto``) the embedded engine and then, when
            something is left and a model may be asked, the agent.
        box: Where they run; ``none`` only by the user's word.
        python: The project's interpreter: an absolute path to an executable or an environment's folder, or a name
            without a folder (``python3.12``, ``3.12``) to be found on PATH; None to look for one.
        output: Absolute path of the test file; None to go by ``placement``.
        placement: Where a new test file goes: by the project's convention (``auto``), mirrored below its folder of
            tests, or beside the module. A test file that the module has already is taken all the same.
        dry_run: Whether to show the change in place of writing it.
        seed: Start of every pseudo-random choice; 0 to 2**32 - 1.
        pass_env: Names of variables that are passed into a box.
        max_iterations: Rounds that the agent has at most; 1 to 20.
        agent_box: Where the agent runs; ``auto`` takes Docker, else bubblewrap, and tells which; ``none`` only by the
            user's word.
        agent_sdk: Which version of its SDK the agent runs with; None for the one that is set up.
        agent_image_base: The image that the agent's own is built on; None for the one that Testwright names.
        preferred_model: The model that is tried first; None to go by the registry.
        fallback_models: Models that are tried next, in order.
        model_base_url: Where models are asked in place of the registry's providers: an OpenAI-compatible interface,
            without a slash at its end; None for the providers.
        model_registry: The user's own registry, laid over the shipped one; an absolute path.
        workspace_registry: One that comes with the repository, in the workspace; used only with consent to its very
            content.
        data_collection: Whether a provider may keep, and train on, what it is sent.
        max_model_cost: US dollars that a run may cost; with 0 only free models are asked.
        max_model_requests: Requests that a run sends at most.
        max_model_tokens: Tokens that a run takes at most, of prompts and answers together.
        model_deadline: Seconds that a run's models have in all, waits included.
        notes: Sentences for the user: what was said somewhere and is not used, with the reason.
        origins: Where each value that is no default came from, in words, by field name.
    """

    coverage_threshold: float = 70.0
    budget: float = 30.0
    engine: EngineName = "auto"
    box: BoxName = "auto"
    python: Path | None = None
    output: Path | None = None
    placement: Placement = "auto"
    dry_run: bool = False
    seed: int = 0
    pass_env: tuple[str, ...] = ()
    max_iterations: int = 3
    agent_box: AgentBoxName = "auto"
    agent_sdk: AgentSdk | None = None
    agent_image_base: str | None = None
    preferred_model: str | None = None
    fallback_models: tuple[str, ...] = ()
    model_base_url: str | None = None
    model_registry: Path | None = None
    workspace_registry: Path | None = None
    data_collection: DataCollection = "allow"
    max_model_cost: float = 0.0
    max_model_requests: int = 60
    max_model_tokens: int = 2_000_000
    model_deadline: float = 1800.0
    notes: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()


OPTION_NAMES = tuple(option.name for option in fields(Options))
