"""The tree of errors.

Each error is a sentence for the user that says what happened and why, and a next step. The slug is stable: it
names the error in JSON, in events and in the documentation.

::

    TestwrightError
    ├── UsageError            usage            the request is wrong: a missing path, a folder, an unknown symbol
    ├── SettingsError         settings         a setting that cannot be read or has a wrong value
    │   └── RegistryError     registry         a registry of models that cannot be read or has a wrong entry
    ├── TargetError           target           the file cannot be a target: binary, syntax error, outside the workspace
    ├── InterpreterError      interpreter      no usable Python for the project
    ├── BoxUnavailable        box-unavailable  no box can be had on this host
    │   ├── DockerUnavailable docker           Docker cannot be used: not there, not running, not allowed, no image
    │   └── AgentMissing      agent-missing    the agent is not set up on this machine
    ├── BoxFailure            box-failure      a box that started did not do its job (limits, a crash, bad data)
    │   └── DockerFailure     docker-failure   Docker did not do what it was asked: no space, gone in the middle, paused
    ├── AgentFailure          agent            the agent's program wrote what is no message of ours, or nothing
    ├── ImportFailure         import-failure   the module under test cannot be imported in the box
    ├── NothingToJudge        nothing-to-judge the module has no test that can be run
    ├── NothingProven         nothing-proven   no candidate survived the judge
    ├── WriteRefused          write-refused    the place of the test file is not allowed
    ├── WriteConflict         write-conflict   the test file changed during the run
    ├── WriteFailure          write-failure    the disk refused: read-only, full, no permission
    ├── SetupFailure          setup            an environment or an image could not be made
    └── ModelError            model            no answer of a model can be had
        ├── NoModels          no-models        none of the registry's models may or can be asked
        ├── ConsentMissing    consent          nobody has agreed that this workspace's code is sent to a model
        ├── KeyRefused        key              the key is missing, wrong, or must not be sent to that address
        ├── RequestRefused    request-refused  the provider takes the request itself for wrong
        ├── CreditsExhausted  credits          the provider's account has no money left
        ├── AccountLimit      account-limit    the account's requests are used up, until a time that is told
        ├── BudgetExhausted   model-budget     what the user allows a run is used up: requests, tokens, money, seconds
        ├── ModelsExhausted   models-exhausted each model of the chain was asked and failed
        └── ReplayMismatch    replay           what is asked is not what was recorded
"""

from __future__ import annotations

from typing import ClassVar


class TestwrightError(Exception):
    """Base of all errors that a user is told of.

    Args:
        message: One sentence: what happened and why.
        next_step: One sentence: what the user can do about it.
    """

    __test__ = False  # pytest must not collect a class because its name begins with "Test"

    slug: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UsageError(TestwrightError):
    """The request itself is wrong."""

    slug = "usage"
    exit_code = 2


class SettingsError(UsageError):
    """A setting cannot be read or has a wrong value."""

    slug = "settings"


class RegistryError(SettingsError):
    """A registry of models cannot be read or has a wrong entry; file, line and field are named."""

    slug = "registry"


class TargetError(TestwrightError):
    """The file exists but cannot be a target."""

    slug = "target"


class InterpreterError(TestwrightError):
    """No usable Python interpreter for the project."""

    slug = "interpreter"


class BoxUnavailable(TestwrightError):
    """No box can be had on this host, so nothing may run."""

    slug = "box-unavailable"


class BoxFailure(TestwrightError):
    """A box that started did not do its job."""

    slug = "box-failure"


class DockerUnavailable(BoxUnavailable):
    """Docker cannot be used: not installed, not running, not allowed, too old, or without the image."""

    slug = "docker"


class AgentMissing(BoxUnavailable):
    """The agent was asked for by name, and is not set up on this machine."""

    slug = "agent-missing"


class DockerFailure(BoxFailure):
    """Docker did not do what it was asked, or stopped doing it."""

    slug = "docker-failure"


class AgentFailure(TestwrightError):
    """The agent's program broke off, or wrote what is no message of ours; what was proven before is kept."""

    slug = "agent"


class ImportFailure(TestwrightError):
    """The module under test cannot be imported in the box."""

    slug = "import-failure"


class NothingToJudge(TestwrightError):
    """The module has no test file, or none of its tests can be run."""

    slug = "nothing-to-judge"


class NothingProven(TestwrightError):
    """No candidate survived the judge, so no file is written."""

    slug = "nothing-proven"


class WriteRefused(TestwrightError):
    """The place of the test file is not one that Testwright writes to."""

    slug = "write-refused"


class WriteConflict(TestwrightError):
    """The test file changed while the run was going on; nothing was overwritten."""

    slug = "write-conflict"


class WriteFailure(TestwrightError):
    """The disk refused the write."""

    slug = "write-failure"


class SetupFailure(TestwrightError):
    """An environment or an image could not be made; nothing half done is left."""

    slug = "setup"


class ModelError(TestwrightError):
    """No answer of a model can be had."""

    slug = "model"


class NoModels(ModelError):
    """None of the registry's models may or can be asked."""

    slug = "no-models"


class ConsentMissing(ModelError):
    """Nobody has agreed that this workspace's code is sent to a model."""

    slug = "consent"


class KeyRefused(ModelError):
    """The key is missing, wrong, or must not be sent to that address."""

    slug = "key"


class RequestRefused(ModelError):
    """The provider takes the request itself for wrong."""

    slug = "request-refused"


class CreditsExhausted(ModelError):
    """The provider's account has no money left."""

    slug = "credits"


class AccountLimit(ModelError):
    """The account's requests are used up.

    Args:
        resets_at: When there are some again, in seconds since 1970 UTC; None when nobody says.
    """

    slug = "account-limit"

    def __init__(self, message: str, *, next_step: str = "", resets_at: float | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.resets_at = resets_at


class BudgetExhausted(ModelError):
    """What the user allows a run is used up."""

    slug = "model-budget"


class ModelsExhausted(ModelError):
    """Each model of the chain was asked and failed."""

    slug = "models-exhausted"


class ReplayMismatch(ModelError):
    """What is asked is not what was recorded."""

    slug = "replay"
