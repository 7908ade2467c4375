"""Where the docker program is found, and what of our environment it gets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from testwright.boxes.environment import SYSTEM_PATH
from testwright.boxes.programs import system_program
from testwright.errors import DockerUnavailable

# Besides the system's: snap, Homebrew, Docker's rootless script (~/bin), Docker Desktop and Rancher Desktop.
_FURTHER = ("/snap/bin", "/opt/homebrew/bin", "~/bin", "~/.local/bin", "~/.docker/bin", "~/.rd/bin")

# By these the program finds its engine (Docker's, a context's, a rootless one, Podman's socket, one over SSH or TLS)
# and, when it fetches something, the way out. Nothing else of our environment is its business.
_PASSED = frozenset({
    *("HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_API_VERSION", "DOCKER_BUILDKIT"),
    *("DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
    *("SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
})  # fmt: skip


def docker_program(workspace: Path | None, environ: Mapping[str, str]) -> Path:
    """The docker program: the system's, else one where its installers put it; never one in the workspace.

    Args:
        workspace: Root of the user's project; None where there is none.
        environ: Says where the home folder is.

    Raises:
        DockerUnavailable: There is none.
    """
    home = environ.get("HOME", "")
    folders = [Path(folder.replace("~", home, 1)) for folder in _FURTHER if home or not folder.startswith("~")]
    found = [system_program("docker"), *(folder / "docker" for folder in folders)]
    for program in found:
        if program is not None and program.is_absolute() and os.access(program, os.X_OK) and program.is_file():
            real = Path(os.path.realpath(program))
            root = None if workspace is None else Path(os.path.realpath(workspace))
            if root is None or not (real.is_relative_to(root) or program.is_relative_to(root)):
                return program
    raise DockerUnavailable(
        "Docker is not installed: there is no program named docker on this machine.",
        next_step="Install Docker (or Podman with its docker command), or run the agent in local mode: "
        "--agent-box bubblewrap.",
    )


def client_environment(program: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The docker program's own environment; by ``PATH`` it finds what belongs to it (``ssh``, credential helpers)."""
    passed = {name: value for name, value in environ.items() if name in _PASSED}
    return {**passed, "PATH": f"{program.parent}:{SYSTEM_PATH}", "LANG": "C.UTF-8"}
