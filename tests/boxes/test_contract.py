"""What every box must be, whichever it is; the differences stand in the table of contracts."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from testwright.boxes.protocol import MIB, Command, Limits

from .conftest import Rig, alive, until


async def test_exit_code_is_the_programs(rig: Rig) -> None:
    _, ended = await rig.run("import sys; sys.exit(7)")
    assert (ended.cause, ended.code) == ("exited", 7)


async def test_a_crash_is_told_by_its_signal(rig: Rig) -> None:
    _, ended = await rig.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (ended.cause, ended.code) == ("signalled", -signal.SIGSEGV)


async def test_a_missing_program_is_told_as_a_shell_does(rig: Rig) -> None:
    async with await rig.box.start(rig.world, Command(("/nowhere/at-all",))) as process:
        ended = await process.wait()
    assert (ended.cause, ended.code) == ("exited", 127)
    assert "No such file" in ended.stderr


async def test_standard_input_arrives_whole_and_ends(rig: Rig) -> None:
    data = bytes(range(256)) * 4096
    lines, _ = await rig.run(
        "import sys, zlib; data = sys.stdin.buffer.read(); print(len(data), zlib.crc32(data))", stdin=data
    )
    assert lines == [f"{len(data)} {zlib.crc32(data)}"]


async def test_input_that_nobody_reads_does_no_harm(rig: Rig) -> None:
    _, ended = await rig.run("pass", stdin=b"x" * (4 * MIB))
    assert (ended.cause, ended.code) == ("exited", 0)


async def test_lines_come_while_the_program_runs(rig: Rig) -> None:
    program = "import time\nprint('first', flush=True)\ntime.sleep(30)"
    started = time.monotonic()
    async with await rig.box.start(rig.world, rig.command(program)) as process:
        async for line in process.lines():
            assert line == b"first"
            break
    assert time.monotonic() - started < 10


async def test_a_last_line_without_newline_is_a_line(rig: Rig) -> None:
    lines, _ = await rig.run("import sys; sys.stdout.write('one\\n\\ntwo')")
    assert lines == ["one", "", "two"]


async def test_a_line_that_was_cut_off_by_a_kill_is_none(rig: Rig) -> None:
    program = "import sys, time; sys.stdout.write('one\\nha'); sys.stdout.flush(); time.sleep(30)"
    lines, ended = await rig.run(program, limits=Limits(wall=1.0))
    assert lines == ["one"]
    assert ended.cause == "wall"


async def test_the_tail_of_standard_error_is_kept(rig: Rig) -> None:
    _, ended = await rig.run("import sys; sys.stderr.write('a' * 200_000 + 'end')")
    assert ended.stderr.endswith("end")
    assert len(ended.stderr) == 64 * 1024


async def test_the_environment_is_an_allow_list(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTWRIGHT_CANARY", "canary-in-environment")
    monkeypatch.setenv("LD_PRELOAD", "")
    world = dataclasses.replace(rig.world, environment={"PASSED": "on", "LD_LIBRARY_PATH": "/nowhere"})
    command = rig.command("import os\nfor name in sorted(os.environ): print(name)", environment={"MINE": "1"})
    async with await rig.box.start(world, command) as process:
        names = {line.decode() async for line in process.lines()}
    known = {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "PASSED", "LD_LIBRARY_PATH", "MINE"}
    assert known <= names
    # PWD is bubblewrap's, the marker is how a scattered tree is found, and LC_CTYPE is Python's own.
    assert names - known <= {"PWD", "TESTWRIGHT_BOX", "LC_CTYPE"}


async def test_it_starts_where_it_is_told(rig: Rig, workspace: Path) -> None:
    lines, _ = await rig.run("import os; print(os.getcwd()); print(os.listdir())", cwd=workspace / "src")
    assert lines == [rig.seen(workspace / "src"), "['shop']"]


async def test_without_a_place_it_starts_in_the_scratch(rig: Rig) -> None:
    lines, _ = await rig.run("import os; print(os.path.samefile('.', os.environ['TMPDIR']))")
    assert lines == ["True"]


async def test_the_snapshot_is_the_workspace(rig: Rig, workspace: Path) -> None:
    path = rig.seen(workspace / "src")
    lines, ended = await rig.run("import sys; sys.path.insert(0, sys.argv[1]); import shop; print(shop.NAME)", path)
    assert lines == ["shop"], ended.stderr
    assert rig.seen(rig.world.snapshot / "src") == path


async def test_a_root_in_the_workspace_is_seen_though_the_snapshot_lacks_it(rig: Rig, workspace: Path) -> None:
    environment = workspace / ".venv"
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n", "utf-8")
    world = dataclasses.replace(rig.world, read_only=(*rig.world.read_only, environment))
    path = rig.box.seen(world, environment / "pyvenv.cfg")
    program = "import sys; print(open(sys.argv[1]).read().strip())"
    async with await rig.box.start(world, rig.command(program, str(path))) as process:
        lines = [line async for line in process.lines()]
        ended = await process.wait()
    assert lines == [b"home = /usr/bin"], ended.stderr


async def test_the_scratch_is_an_ordinary_folder(rig: Rig) -> None:
    program = """
import os, shutil, tempfile, pathlib, subprocess
home, scratch = pathlib.Path.home(), pathlib.Path(os.environ["TMPDIR"])
assert home.is_dir() and tempfile.gettempdir() == str(scratch)
(home / "file").write_text("x")
folder = scratch / "a" / "b"
folder.mkdir(parents=True)
path = folder / "file"
path.write_text("text")
path.chmod(0o750)
assert path.stat().st_mode & 0o777 == 0o750
with path.open() as opened:
    os.fchmod(opened.fileno(), 0o640)
assert path.stat().st_mode & 0o777 == 0o640
os.utime(path, (1, 2))
assert (path.stat().st_atime, path.stat().st_mtime) == (1, 2)
path.touch()
assert path.stat().st_mtime > 1000
os.chdir(folder)
os.chmod("file", 0o600)
shutil.copy2(path, scratch / "copy")
assert (scratch / "copy").stat().st_mode & 0o777 == 0o600
shutil.copytree(scratch / "a", scratch / "tree")
os.rename(path, scratch / "moved")
(scratch / "link").symlink_to("moved")
assert (scratch / "link").read_text() == "text"
os.link(scratch / "moved", scratch / "hard")
os.truncate(scratch / "moved", 1)
os.mkfifo(scratch / "pipe")
script = scratch / "program"
script.write_text("#!/bin/sh\\nexit 5\\n")
script.chmod(0o755)
assert subprocess.run([script]).returncode == 5
shutil.rmtree(scratch / "tree")
print("all")
"""
    lines, ended = await rig.run(program)
    assert lines == ["all"], ended.stderr


async def test_the_scratch_is_fresh_each_time_and_leaves_nothing(rig: Rig) -> None:
    await rig.run("import os; os.mkdir(os.environ['TMPDIR'] + '/x'); os.chmod(os.environ['TMPDIR'] + '/x', 0)")
    lines, _ = await rig.run("import os; print(sorted(os.listdir(os.environ['TMPDIR'])), os.environ['TMPDIR'])")
    listing, _, scratch = lines[0].partition("] ")
    assert "'x'" not in listing
    assert "'home'" in listing
    assert scratch == "/tmp" or not os.access(scratch, os.F_OK)
    assert list(rig.registry.folder.iterdir()) == []


async def test_programs_may_signal_and_wait_for_their_own(rig: Rig) -> None:
    program = """
import os, signal, subprocess, sys, time
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append("self"))
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], start_new_session=True)
os.killpg(child.pid, signal.SIGTERM)
seen.append(child.wait())
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
child.kill()
seen.append(child.wait())
print(seen)
"""
    lines, ended = await rig.run(program)
    assert lines == ["['self', 'self', -15, -9]"], ended.stderr


async def test_processes_outside_cannot_be_signalled(rig: Rig) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleep) as victim:  # noqa: ASYNC220 - started at once, and killed
        program = """
import os, sys
for target in (int(sys.argv[1]), int(sys.argv[2]), -int(sys.argv[1])):
    try:
        os.kill(target, 0 if target == int(sys.argv[2]) else 15)
    except (PermissionError, ProcessLookupError):
        print("refused")
    else:
        print("signalled")
"""
        try:
            lines, ended = await rig.run(program, str(victim.pid), str(os.getpid()))
            assert ended.code == 0, ended.stderr
            if rig.contract.signals or os.getuid() == 0:  # root's boxes have a user of their own
                assert lines == ["refused"] * 3
                assert victim.poll() is None
            else:
                assert "signalled" in lines
        finally:
            victim.kill()


async def test_processes_outside_are_hidden(rig: Rig) -> None:
    program = """
import os, sys
try:
    print(len(os.listdir("/proc/" + sys.argv[1])) > 0)
except OSError:
    print(False)
try:
    print(bool(open("/proc/" + sys.argv[1] + "/cmdline").read()))
except OSError:
    print(False)
print(os.path.exists("/proc/" + sys.argv[1]))
"""
    lines, _ = await rig.run(program, str(os.getppid()))
    assert lines[:2] == ([str(not rig.contract.files)] * 2)
    assert lines[2] == str(not rig.contract.hides_processes)


async def test_a_server_of_the_test_itself(rig: Rig) -> None:
    program = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"), daemon=True).start()
with socket.create_connection(server.getsockname(), 5) as client:
    print(client.recv(5).decode())
"""
    lines, ended = await rig.run(program)
    assert (lines == ["hello"]) is rig.contract.loopback, ended.stderr


async def test_locks_between_processes(rig: Rig) -> None:
    lines, ended = await rig.run("import multiprocessing\nwith multiprocessing.Lock(): print('locked')")
    assert (lines == ["locked"]) is rig.contract.semaphores, ended.stderr


async def test_event_loops_and_pairs_of_sockets_work(rig: Rig) -> None:
    program = """
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", "echo hello", stdout=asyncio.subprocess.PIPE)
    print((await process.communicate())[0].decode().strip(), await asyncio.to_thread(lambda: "thread"))
asyncio.run(main())
"""
    lines, ended = await rig.run(program)
    assert lines == ["hello thread"], ended.stderr


async def test_no_privileges_and_no_way_to_them(rig: Rig) -> None:
    program = """
import ctypes, os
status = dict(line.rstrip().split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line.rstrip())
libc = ctypes.CDLL(None, use_errno=True)
print(os.getuid() == 0 or os.geteuid() == 0, os.getgroups() in ([], [os.getgid()]), status["NoNewPrivs"])
print(int(status["CapEff"], 16) & ~4, int(status["CapBnd"], 16) & ~4 if os.getuid() > 10**9 else 0)
print(libc.unshare(0x10000000), ctypes.get_errno())
"""
    lines, ended = await rig.run(program)
    assert lines[:2] == ["False True 1", "0 0"], ended.stderr  # 4 is the search of folders, see boxes.confined
    if rig.contract.files:
        assert lines[2] == f"-1 {1}"


async def test_wall_time(rig: Rig) -> None:
    started = time.monotonic()
    _, ended = await rig.run("import time; time.sleep(60)", limits=Limits(wall=0.5))
    assert ended.cause == "wall"
    assert "0.5 seconds" in ended.stderr
    assert time.monotonic() - started < 5


async def test_cpu_time(rig: Rig) -> None:
    _, ended = await rig.run("while True: pass", limits=Limits(cpu=1, wall=60))
    assert (ended.cause, ended.code) == ("signalled", -signal.SIGXCPU)


async def test_memory_of_one_process(rig: Rig) -> None:
    _, ended = await rig.run("bytearray(600 << 20)", limits=Limits(memory=200 * MIB))
    assert (ended.cause, ended.code) == ("exited", 1)
    assert "MemoryError" in ended.stderr


async def test_memory_of_the_tree(rig: Rig) -> None:
    program = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        data = bytearray(os.urandom(4096) * (60 << 8))
        time.sleep(30)
time.sleep(30)
"""
    _, ended = await rig.run(program, limits=Limits(memory=150 * MIB))
    assert ended.cause == "memory"


async def test_shared_memory_is_memory(rig: Rig) -> None:
    program = "import mmap, time; m = mmap.mmap(-1, 400 << 20); m[:] = b'x' * (400 << 20); time.sleep(30)"
    _, ended = await rig.run(program, limits=Limits(memory=450 * MIB))  # the text itself is 400 MiB as well
    assert ended.cause == "memory"


async def test_forks_that_share_their_memory_are_not_counted_twice(rig: Rig) -> None:
    program = """
import os, time
data = bytearray(os.urandom(4096) * (100 << 8))
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        time.sleep(0.5)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
print("done")
"""
    lines, ended = await rig.run(program, limits=Limits(memory=300 * MIB))
    assert lines == ["done"], ended


async def test_size_of_a_file(rig: Rig) -> None:
    program = "import os; open(os.environ['TMPDIR'] + '/big', 'wb').write(bytes(3 << 20))"
    _, ended = await rig.run(program, limits=Limits(file=MIB))
    assert ended.code == 1
    assert "OSError" in ended.stderr


async def test_size_of_the_scratch(rig: Rig) -> None:
    program = """
import os, time
for number in range(40):
    with open(os.environ["TMPDIR"] + f"/{number}", "wb") as file:
        file.write(os.urandom(1 << 20))
time.sleep(30)
"""
    _, ended = await rig.run(program, limits=Limits(file=8 * MIB))
    if rig.box.name == "bubblewrap":
        assert "No space left" in ended.stderr
    else:
        assert ended.cause == "killed"
        assert "scratch" in ended.stderr


async def test_a_line_without_end(rig: Rig) -> None:
    program = "import os\nwhile True: os.write(1, b'x' * 65536)"
    lines, ended = await rig.run(program, limits=Limits(output=1024 * MIB))
    assert lines == []
    assert ended.cause == "output"


async def test_what_a_program_leaves_behind_ends_with_it(rig: Rig, token: str) -> None:
    program = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1]])
    os._exit(0)
os.wait()
time.sleep(0.3)
print("done")
"""
    started = time.monotonic()
    lines, ended = await rig.run(program, token)
    assert lines == ["done"]
    assert ended.cause == "exited"
    assert time.monotonic() - started < 10
    assert alive(token) == []


async def test_kill_takes_the_whole_tree(rig: Rig, token: str) -> None:
    program = """
import os, sys, time, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1]])
        os._exit(0)
print("ready", flush=True)
time.sleep(60)
"""
    async with await rig.box.start(rig.world, rig.command(program, token)) as process:
        async for _ in process.lines():
            break
        await until(lambda: len(alive(token)) >= 4)  # the program itself carries the token too
        started = time.monotonic()
        await process.kill()
        assert time.monotonic() - started < 1
        assert alive(token) == []
        ended = await process.wait()
    assert ended.cause == "killed"


async def test_cancelling_kills_within_a_second(rig: Rig, token: str) -> None:
    async def work() -> None:
        await rig.run("import time; print('x'); time.sleep(60)", token)

    task = asyncio.create_task(work())
    await until(lambda: bool(alive(token)))
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1
    assert alive(token) == []


@pytest.mark.parametrize("times", [1, 3])
async def test_cancelling_a_kill_does_not_cut_it_off(rig: Rig, token: str, times: int) -> None:
    program = "import os\nwhile True: os.write(1, b'x' * 65536)"  # more than anybody holds that nobody reads
    process = await rig.box.start(rig.world, rig.command(program, token))
    await until(lambda: bool(alive(token)))
    killing = asyncio.create_task(process.kill())
    for _ in range(times):
        await asyncio.sleep(0)
        killing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killing
    assert alive(token) == []
    assert list(rig.registry.folder.glob("*.json")) == []
    del process, killing
    gc.collect()  # a pipe that asyncio holds open is a warning


def test_a_loop_does_not_end_before_what_it_started(rig: Rig, token: str) -> None:
    """A program that outlives it for a moment would, with the process that asyncio has not heard of, be a warning."""

    async def begin() -> None:
        await rig.box.start(rig.world, rig.command("import time; time.sleep(60)", token))
        await until(lambda: bool(alive(token)))

    asyncio.run(begin())
    assert alive(token) == []
    gc.collect()


@pytest.mark.parametrize("after", [0.0, 0.001, 0.003, 0.01, 0.03])
async def test_cancelling_a_start_leaves_nothing(rig: Rig, token: str, after: float) -> None:
    task = asyncio.create_task(rig.run("import time; time.sleep(60)", token))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not alive(token), 1)
    assert list(rig.registry.folder.glob("*.json")) == []


async def test_output_that_nobody_reads_does_not_hold_the_box(rig: Rig, token: str) -> None:
    program = "import os\nfor _ in range(64): os.write(1, b'x' * 65536)"
    started = time.monotonic()
    async with await rig.box.start(rig.world, rig.command(program, token, limits=Limits(wall=0.5))):
        await asyncio.sleep(1)
    assert time.monotonic() - started < 3
    assert alive(token) == []


async def test_many_boxes_at_once(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.run(f"print({number})") for number in range(8)))
    assert [lines for lines, _ in answers] == [[str(number)] for number in range(8)]


async def test_nothing_of_ours_is_inherited(rig: Rig) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.set_inheritable(theirs.fileno(), True)  # noqa: FBT003 - positional only
        lines, _ = await rig.shell('for fd in 3 4 5 6 7 8 9; do (true <&$fd) 2>/dev/null && echo "open $fd"; done')
    assert lines == []
