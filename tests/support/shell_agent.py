"""An agent's image for an engine of a test's own, in which a shell script stands for the program with the SDK.

It is there for what an engine does to a run, so it is small, says that it is ready at once, and then does what the
module's docstring orders: nothing for ever, or one of ``ORDERS``. The image is found as the real one is, by its labels.
"""

from __future__ import annotations

import io
import platform
import tarfile

from docker_engine import IMAGE, OwnEngine

from testwright.provisioning.images.names import Contents, ImagePython
from testwright.provisioning.locks import lock_of

WORKS = "step 1: running pytest"
"""What a run tells when the script has begun its round."""
FILLS_MEMORY, ENDS = "FILL THE MEMORY", "END THE ROUND"
ORDERS = (FILLS_MEMORY, ENDS)

# The order is looked for in the prompt, which holds the module. Memory is filled by files in memory: no kernel limit on
# one process ends that, only the container's own.
_SCRIPT = f"""\
#!/bin/sh
IFS= read -r header
size=${{header#*'"workspace_bytes":'}}
head -c "${{size%%,*}}" >/dev/null
sleep 0.2
echo '{{"type":"ready","version":1,"sdk":"1","python":"3","seconds":0.1}}'
orders=
while IFS= read -r order; do
    case $order in '{{"type":"end"'*) exit 0 ;; esac
    orders=$orders$order
    echo '{{"type":"step","number":1,"tool":"terminal","words":"run pytest"}}'
    case $orders in
    *'{ENDS}'*) ;;
    *'{FILLS_MEMORY}'*)
        cat /dev/zero >/tmp/full
        while :; do cat /dev/zero >/dev/shm/full; done ;;
    *) while :; do sleep 3600; done ;;
    esac
    echo '{{"type":"file","text":null,"base64":null,"sha":null,"problem":"missing"}}'
    echo '{{"type":"round_end","status":"finished","detail":"","steps":1}}'
done
"""


def make_agent_image(engine: OwnEngine) -> str:
    """Make the image, and give its name."""
    machine = ImagePython(platform.python_version(), "/usr/bin/python3")
    contents = Contents(
        kind="agent",
        base=IMAGE,
        under="",
        machine=platform.machine(),
        pythons=(machine,),
        sdk="1",
        lock=lock_of("pinned").digest,
        agent_python="/bin/agent",
        python=machine.path,
        python_version=machine.version,
    )
    labels = [word for name, value in contents.labels().items() for word in ("--label", f"{name}={value}")]
    engine.docker("build", *labels, "--tag", contents.name, "-", data=_context())
    return contents.name


def _context() -> bytes:
    """A Dockerfile, and the script."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in (("Dockerfile", f"FROM {IMAGE}\nCOPY agent /bin/agent\n"), ("agent", _SCRIPT)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
