"""Which box a run takes. A weaker one is never taken in silence, and none at all only by the user's own word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.landlock import LandlockBox
from testwright.boxes.plain import PlainBox
from testwright.boxes.protocol import Box, Probe
from testwright.errors import BoxUnavailable, UsageError

BoxName = Literal["auto", "bubblewrap", "landlock", "none"]

# In the order in which ``auto`` tries them.
_AUTOMATIC: dict[str, Callable[[], Box]] = {"bubblewrap": BubblewrapBox, "landlock": LandlockBox}
_BY_NAME_ONLY: dict[str, Callable[[], Box]] = {"none": PlainBox}


async def choose_box(name: BoxName) -> Box:
    """The box for a run, tried out.

    Args:
        name: ``auto`` takes the first that works here and never ``none``.

    Raises:
        UsageError: There is no such box.
        BoxUnavailable: With the reason and the next step of each that was tried.
    """
    if name != "auto" and name not in _AUTOMATIC | _BY_NAME_ONLY:
        known = ", ".join(("auto", *_AUTOMATIC, *_BY_NAME_ONLY))
        raise UsageError(f"There is no box named {name}.", next_step=f"Take one of {known}.")
    kinds = _AUTOMATIC if name == "auto" else {name: (_AUTOMATIC | _BY_NAME_ONLY)[name]}
    probes: dict[str, Probe] = {}
    for kind, make in kinds.items():
        box = make()
        probes[kind] = await box.probe()
        if probes[kind].usable:
            return box
    raise BoxUnavailable(
        "No box can be had here, so nothing was run. "
        + " ".join(f"{kind}: {probe.detail.rstrip('.')}." for kind, probe in probes.items()),
        next_step=" ".join(dict.fromkeys(probe.next_step for probe in probes.values() if probe.next_step)),
    )


async def probe_all() -> dict[str, Probe]:
    """What works here, by the box's name; for the doctor."""
    return {kind: await make().probe() for kind, make in (_AUTOMATIC | _BY_NAME_ONLY).items()}
