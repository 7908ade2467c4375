"""How a container is made: closed on all sides, and limited by the engine. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from testwright.boxes.docker.labels import Owner
from testwright.boxes.limits import kernel_limits
from testwright.boxes.protocol import Command, Limits
from testwright.errors import BoxFailure

SCRATCH = "/tmp"  # noqa: S108 - the container's own
USER = 64000
"""User and group of the program: nobody's on any usual system, and low enough for what rootless engines map."""

# The engine's own set-up and the settings of the docker program (proxies with passwords) add variables of theirs.
_UNSET = (
    *("HOSTNAME", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"),
)
_PROXIES = _UNSET[1:]
_SHELL = f'unset {" ".join(_UNSET)}; mkdir -p "$HOME" && exec "$@"'


def create_arguments(command: Command, *, owner: Owner, image: str, cpus: float, environment_file: str) -> list[str]:
    """Arguments of ``docker create``, the command's program included.

    Args:
        command: What is to run.
        owner: Names the container, and labels it so that it is found after a crash.
        image: Made by us; it has a shell.
        cpus: How many processors it may use.
        environment_file: Where the docker program reads the variables: not among arguments, which every user of the
            host may read.
    """
    limits = command.limits
    size = f"size={limits.file}"
    options = [
        *("--name", owner.run, "--pull", "never", "--interactive", "--init"),
        *("--network", "none", "--hostname", "box", "--ipc", "private"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{USER}:{USER}"),
        *("--read-only", "--tmpfs", f"{SCRATCH}:rw,exec,nosuid,nodev,mode=1777,{size}"),
        *("--shm-size", str(limits.file), "--workdir", SCRATCH),
        # Equal: no swap beside the memory.
        *("--memory", str(limits.memory), "--memory-swap", str(limits.memory), "--cpus", f"{cpus:g}"),
        *("--pids-limit", str(limits.processes), *_ulimits(limits)),
        *("--log-driver", "none", "--no-healthcheck", "--restart", "no", "--env-file", environment_file),
    ]
    # Given, so that the program's settings do not put a proxy's password in.
    options += [word for proxy in _PROXIES for word in ("--env", f"{proxy}=")]
    options += [word for label, value in owner.labels().items() for word in ("--label", f"{label}={value}")]
    return ["create", *options, "--entrypoint", "/bin/sh", image, "-c", _SHELL, "sh", *command.argv]


def environment_lines(environment: Mapping[str, str]) -> bytes:
    """Variables as ``--env-file`` reads them.

    Raises:
        BoxFailure: One that such a file cannot hold.
    """
    for name, value in environment.items():
        if "\n" in value or "\r" in value or name.startswith("#") or name != name.strip():
            raise BoxFailure(
                f"The environment variable {name!r} cannot be passed to a container: it has more than one line.",
                next_step="Take it out of pass-env.",
            )
    return "".join(f"{name}={value}\n" for name, value in environment.items()).encode()


def _ulimits(limits: Limits) -> list[str]:
    """The kernel's limits on one process; on processes there is the container's own, which counts no one else's."""
    values = kernel_limits(limits)
    del values["nproc"]
    return [word for name, (soft, hard) in values.items() for word in ("--ulimit", f"{name}={soft}:{hard}")]
