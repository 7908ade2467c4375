"""Confine, start, stay, and kill what is left.

The request is one JSON object on the descriptor named as the only argument:

``argv``, ``environment``, ``cwd``
    The program.
``limits``
    Resource limits by lower-case name.
``user``, ``capabilities``
    Number to give up root for (null: stay who we are), and what is kept.
``landlock``
    ``files``, ``network``, ``scopes`` (bit masks of what is forbidden) and ``allowed`` (paths with bit masks), or null.
``filter``, ``judged``, ``scratch``
    The seccomp filter in hexadecimal digits or null, system calls that the guard judges (name to number), and the
    resolved scratch.
``status``
    Descriptor to report on: ``{"code": n}`` when the program ended, or ``{"failed": "..."}`` when it did not start.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

from . import kernel, processes
from .guard import Guard

_FAILED = 126
_NOT_FOUND = 127


def main() -> None:
    """Run the request of the command line."""
    descriptor = int(sys.argv[1])
    with open(descriptor, "rb") as file:
        request = json.loads(file.read())
    host = request["host"]
    kernel.die_with_parent(signal.SIGTERM)
    kernel.adopt_orphans()
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    ending: list[int] = []
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: ending.append(signal.SIGTERM))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    if os.getppid() != host:  # the host died before we could ask to be told
        return
    ours, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps messages apart
    child = os.fork()
    if child == 0:
        ours.close()
        _become_program(request, childs)
    childs.close()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # so that the pipes end with the program
        os.dup2(null, standard)
    _stay(child, request, ours, wake_read, ending)


def _become_program(request: dict[str, Any], parent: socket.socket) -> None:
    """Confine this process and replace it by the program."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.set_inheritable(request["status"], False)  # noqa: FBT003 - positional only
        for name, value in request["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), tuple(value))
        rules = _landlock(request["landlock"])
        os.chdir(request["cwd"])
        if request["user"] is not None:
            kernel.become(request["user"], kept=request["capabilities"])
        kernel.forbid_new_privileges()
        if rules is not None:
            rules.enforce()
        if request["filter"] is not None:
            listener = kernel.filter_system_calls(bytes.fromhex(request["filter"]), listen=bool(request["judged"]))
            if listener is not None:
                socket.send_fds(parent, [b"listener"], [listener])
                os.close(listener)
        argv = request["argv"]
        try:
            os.execvpe(argv[0], argv, request["environment"])  # noqa: S606 - what this program is for
        except OSError as error:  # the program's own fault, told as a shell does
            os.write(2, f"{argv[0]}: {error.strerror}\n".encode(errors="replace"))
            os._exit(_NOT_FOUND)
    except BaseException as error:  # noqa: BLE001 - told to the host, whatever it is
        with contextlib.suppress(OSError):
            parent.sendall(f"failed {type(error).__name__}: {error}".encode(errors="replace"))
    finally:
        os._exit(_FAILED)


def _landlock(request: dict[str, Any] | None) -> kernel.Landlock | None:
    if request is None:
        return None
    rules = kernel.Landlock(request["files"], request["network"], request["scopes"])
    for path, access in request["allowed"]:
        rules.allow(path, access)
    return rules


def _stay(child: int, request: dict[str, Any], channel: socket.socket, wake: int, ending: list[int]) -> None:
    """Answer the guard's calls and reap until the program ends or we are told to end it."""
    guard: Guard | None = None
    failure = ""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    poll.register(channel, select.POLLIN)
    code: int | None = None
    while code is None and not ending:
        for descriptor, _ in poll.poll():
            if descriptor == wake:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake, 4096)
            elif descriptor == channel.fileno():
                text, listeners, _, _ = socket.recv_fds(channel, 65536, 1)
                if listeners:
                    guard = Guard(listeners[0], request["judged"], request["scratch"])
                    poll.register(listeners[0], select.POLLIN)
                elif text:
                    failure = text.decode(errors="replace").removeprefix("failed ")
                else:  # the program has started
                    poll.unregister(channel)
            elif guard is not None:
                guard.answer()
        code = _reap(child)
    channel.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while not failure and (text := channel.recv(65536)):
            failure = text.decode(errors="replace").removeprefix("failed ") if text.startswith(b"failed ") else ""
    _end_all()
    answer = {"failed": failure} if failure else {"code": -signal.SIGKILL if code is None else code}
    with contextlib.suppress(OSError):
        os.write(request["status"], json.dumps(answer).encode())


def _reap(child: int) -> int | None:
    """Take note of every descendant that ended; the program's exit code when it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
    return code


def _end_all() -> None:
    """Kill whatever is left below us, until nothing is: what forks meanwhile is met by the next round."""
    while True:
        left = processes.descendants(os.getpid())
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


if __name__ == "__main__":
    main()
