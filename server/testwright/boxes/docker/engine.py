"""What a Docker engine says of itself, and whether it can keep the limits of a box."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.faults import LOCAL_MODE, fault_of
from testwright.boxes.protocol import Probe
from testwright.errors import DockerFailure

_SECONDS = 15.0

# Fields of docker info without which a container's limits do nothing, in a person's words.
_NEEDED = {"MemoryLimit": "memory", "PidsLimit": "the number of processes", "CpuCfsQuota": "processors"}


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers.

    Attributes:
        words: Its name and version, and what it lacks without harm.
        cpus: Processors that it has.
        refusal: Why it cannot be used; None when it can.
    """

    words: str
    cpus: float
    refusal: Probe | None


async def look_at_engine(client: DockerClient) -> Engine:
    """Ask the engine.

    Raises:
        DockerUnavailable: It does not answer, or may not be used.
        DockerFailure: It answers with what is no account of itself.
    """
    told = await client.run("info", "--format", "{{json .}}", seconds=_SECONDS, doing="tell about its engine")
    try:
        info = json.loads(told)
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise DockerFailure(
            "The docker program tells nothing of its engine that could be read.", next_step="Look at docker info."
        )
    swap = "" if info.get("SwapLimit") else " (which limits memory, but not swap)"
    return Engine(f"Docker {info.get('ServerVersion', '')}{swap}", float(info.get("NCPU") or 1), refusal_of(info))


def refusal_of(info: dict[str, Any]) -> Probe | None:
    """Why an engine cannot be used, by what ``docker info`` says; None when it can."""
    errors = info.get("ServerErrors")
    if errors:
        fault = fault_of("\n".join(map(str, errors)), doing="tell about its engine")
        return Probe(usable=False, detail=fault.message, next_step=fault.next_step)
    if info.get("OSType") != "linux":
        return Probe(
            usable=False,
            detail=f"The Docker engine runs containers of {info.get('OSType') or 'an unknown system'}, not of Linux.",
            next_step=f"Switch Docker to Linux containers, or {LOCAL_MODE}.",
        )
    missing = [words for field, words in _NEEDED.items() if not info.get(field)]
    if missing:
        return Probe(
            usable=False,
            detail=f"The Docker engine cannot limit {' and '.join(missing)} here.",
            next_step="A rootless engine needs cgroup version 2 with delegated controllers (see Docker's manual on "
            f"rootless mode), or {LOCAL_MODE}.",
        )
    return None
