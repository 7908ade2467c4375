"""What the docker program says when it fails, as an error with the user's next step. Pure.

The program gives no codes: whatever the engine refuses ends with 1 and a sentence, which is all there is to go by. The
sentences are those of Docker 20.10 to 29 and of Podman's socket.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from testwright.errors import DockerFailure, DockerUnavailable

LOCAL_MODE = "run the agent in local mode: --agent-box bubblewrap"
"""What is offered instead of Docker, and never taken in silence."""

_LONGEST = 400  # characters of the engine's own words in a message


@dataclass(frozen=True, slots=True)
class _Fault:
    pattern: re.Pattern[str]
    error: Callable[..., DockerUnavailable | DockerFailure]
    message: str
    next_step: str


def _fault(words: str, error: Callable[..., DockerUnavailable | DockerFailure], message: str, next_step: str) -> _Fault:
    return _Fault(re.compile(words, re.IGNORECASE), error, message, next_step)


# The first that fits counts: a refused permission also says that it could not connect.
_FAULTS = (
    _fault(
        r"permission denied.*(docker daemon socket|docker api|\.sock)|(\.sock).*permission denied",
        DockerUnavailable,
        "You are not allowed to use Docker's socket",
        f"Add yourself to the group docker and log in again, use rootless Docker, or {LOCAL_MODE}.",
    ),
    _fault(
        r"no space left on device|disk quota exceeded|not enough space",
        DockerFailure,
        "The disk of the Docker engine is full",
        "Free some space (docker system df shows what takes it, docker system prune gives back what nobody uses).",
    ),
    _fault(
        r"no such image|unable to find image|pull access denied|manifest unknown|not found: manifest|image not known",
        DockerUnavailable,
        "The image is not there",
        f"Build it with testwright setup docker, or {LOCAL_MODE}.",
    ),
    _fault(
        r"client version .* is too (old|new)|m(in|ax)imum supported api version|unknown flag|unknown shorthand flag"
        r"|requires api version",
        DockerUnavailable,
        "The docker program and the Docker engine do not fit each other, or are too old",
        f"Bring both to version 20.10 or newer and unset DOCKER_API_VERSION, or {LOCAL_MODE}.",
    ),
    _fault(
        r"context .*(not found|does not exist)|unable to resolve docker endpoint|failed to load context"
        r"|unable to parse docker host|invalid (bind address|proto)|(conflicting|invalid).*host",
        DockerUnavailable,
        "Docker's settings name an engine that cannot be found",
        f"Look at DOCKER_HOST, DOCKER_CONTEXT and docker context ls, or {LOCAL_MODE}.",
    ),
    _fault(
        r"x509|tls: |certificate|http: server gave http response to https|client sent an http request to an https",
        DockerUnavailable,
        "The connection to the Docker engine is not trusted",
        f"Look at DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or {LOCAL_MODE}.",
    ),
    _fault(
        r"cannot connect to the docker daemon|error during connect|failed to connect to the docker api"
        r"|connection refused|is the docker daemon running|no such host|dial (unix|tcp)|connection reset by peer"
        r"|unexpected eof|server misbehaving|i/o timeout|docker desktop is (unable|not)",
        DockerUnavailable,
        "The Docker engine does not answer",
        "Start it (Docker Desktop, systemctl start docker, or podman system service; DOCKER_HOST names another), or "
        f"{LOCAL_MODE}.",
    ),
    _fault(
        r"cgroup|oci runtime|runc|failed to create (shim )?task|seccomp|apparmor|unable to start container process"
        r"|cannot allocate memory|resource temporarily unavailable",
        DockerFailure,
        "The Docker engine could not start the container",
        f"Look at docker info and the engine's log, or {LOCAL_MODE}.",
    ),
)  # fmt: skip


def fault_of(stderr: str, *, doing: str) -> DockerUnavailable | DockerFailure:
    """The error that the docker program's last words mean.

    Args:
        stderr: What it wrote to its standard error.
        doing: What it was to do, for a failure that is none of the known ones: ``make a container``.
    """
    words = _cleaned(stderr)
    for fault in _FAULTS:
        if fault.pattern.search(stderr):
            return fault.error(f"{fault.message}: {words}", next_step=fault.next_step)
    return DockerFailure(
        f"Docker could not {doing}: {words or 'it gave no reason.'}",
        next_step=f"Look at docker info and the engine's log, or {LOCAL_MODE}.",
    )


def not_answering(seconds: float) -> DockerUnavailable:
    """The error for a call that got no answer in its time."""
    return DockerUnavailable(
        f"The Docker engine has not answered for {seconds:g} seconds.",
        next_step=f"Restart it, or {LOCAL_MODE}.",
    )


def gone_in_the_middle(detail: str) -> DockerFailure:
    """The error for an engine that has ended, or was restarted, while a container ran."""
    words = _cleaned(detail)
    return DockerFailure(
        "The Docker engine went away while the container was running" + (f": {words}" if words else "."),
        next_step=f"Start it and run again, or {LOCAL_MODE}.",
    )


def removed_from_outside() -> DockerFailure:
    """The error for a container that somebody else has removed."""
    return DockerFailure(
        "The container was removed from outside while it was running.",
        next_step="Run again, and let Testwright remove its containers itself (testwright clean).",
    )


def paused_from_outside() -> DockerFailure:
    """The error for a container that somebody has paused."""
    return DockerFailure(
        "The container was paused from outside, so it was ended.",
        next_step="Run again, and do not pause Testwright's containers.",
    )


def _cleaned(stderr: str) -> str:
    """One line of printable characters that ends like a sentence, without what docker puts before and behind."""
    kept = [
        line for line in stderr.splitlines() if line.strip() and not line.startswith(("See 'docker", "Run 'docker"))
    ]
    text = " ".join("".join(char if char.isprintable() else " " for char in " ".join(kept)).split())
    for prefix in ("docker: ", "Error response from daemon: ", "Error: ", "error: "):
        text = text.removeprefix(prefix)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    return text if not text or text.endswith((".", "…", "?")) else f"{text}."
