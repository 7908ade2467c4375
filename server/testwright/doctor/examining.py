"""All that is looked at: the host, the project, and what an agent needs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from testwright import __version__
from testwright.analysis.interpreters import find_interpreter
from testwright.analysis.project import read_project
from testwright.analysis.targets import find_workspace
from testwright.boxes.choose import choose_box, probe_all
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.engine import look_at_engine
from testwright.boxes.docker.reaping import find_containers, reap_containers
from testwright.boxes.protocol import Box, Command, Limits, World
from testwright.boxes.reaping import Registry
from testwright.doctor.agent import agent_findings
from testwright.doctor.findings import Finding
from testwright.errors import TestwrightError
from testwright.housekeeping import cache_dir, scratch_parent, state_dir, tree_size
from testwright.model import Interpreter, Project
from testwright.service.interrupted import interrupted_runs
from testwright.settings import Options, Settings, resolve_settings

START_SECONDS = 15.0
"""Wall time for starting the project's interpreter in a box; a cold file system takes a second or two."""

# What the box is asked: the interpreter's version, and those of pytest and coverage where the project has them.
_QUESTION = """
import importlib.metadata as metadata, json, sys
found = {"python": "%d.%d.%d" % sys.version_info[:3], "implementation": sys.implementation.name}
for name in ("pytest", "coverage"):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""


async def examine(
    workspace: Path | None = None, *, python: Path | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Look at the host and at a project. Nothing runs outside a box, and nothing is changed but what is our own.

    Containers that a crash has left are removed.

    Args:
        workspace: Root of the project; None to find it from the current folder.
        python: Interpreter that the user names.
        environ: Variables to look at; the process's own when None.
    """
    variables = dict(os.environ if environ is None else environ)
    root = find_workspace(Path.cwd()) if workspace is None else workspace.resolve()  # noqa: ASYNC240 - once, at the start
    findings = [_ourselves(), _formatter()]
    findings.extend(_folders(variables))
    findings.extend(_runs(variables))
    findings.extend(await _boxes())
    docker = await _docker(root, variables)
    findings += [docker, _workspace(root)]
    try:
        settings = resolve_settings(root, environ=variables, command_line=Options(python=python))
        project = read_project(root)
    except TestwrightError as error:
        return [*findings, Finding("settings", "missing", error.message, error.next_step)]
    findings.extend(Finding("settings", "note", note) for note in (*settings.notes, *project.notes))
    findings.extend([finding async for finding in _project(root, project, settings, variables)])
    findings.extend(await agent_findings(root, settings, variables, has_docker=docker.state == "ok"))
    return findings


def _ourselves() -> Finding:
    return Finding("testwright", "ok", f"{__version__}, on Python {platform.python_version()}, {platform.platform()}")


def _formatter() -> Finding:
    try:
        return Finding("ruff", "ok", f"{version('ruff')}, formats what is written")
    except PackageNotFoundError:
        return Finding("ruff", "missing", "not installed", "Install Testwright again: pip install testwright.")


def _folders(environ: Mapping[str, str]) -> list[Finding]:
    findings = []
    for name, folder in (("cache", cache_dir), ("state", state_dir)):
        try:
            path = folder(environ)
        except TestwrightError as error:
            findings.append(Finding(name, "missing", error.message, error.next_step))
        else:
            findings.append(Finding(name, "ok", f"{path}, {tree_size(path) / 1024 / 1024:.1f} MiB"))
    return findings


def _runs(environ: Mapping[str, str]) -> list[Finding]:
    """Runs that were cut off; a state folder that cannot be used is told of already."""
    try:
        count = len(interrupted_runs(environ))
    except TestwrightError:
        return []
    if not count:
        return []
    detail = "1 run was cut off" if count == 1 else f"{count} runs were cut off"
    return [Finding("runs", "note", detail, "See what they had proven: testwright runs.")]


async def _boxes() -> list[Finding]:
    probes = await probe_all()
    isolating = {name: probe for name, probe in probes.items() if name != "none"}
    usable = [name for name, probe in isolating.items() if probe.usable]
    return [
        Finding(
            f"box {name}",
            "ok" if probe.usable else "note" if usable else "missing",
            probe.detail + (" Taken by --box auto." if usable[:1] == [name] else ""),
            "" if probe.usable else probe.next_step,
        )
        for name, probe in isolating.items()
    ]


async def _docker(root: Path, environ: Mapping[str, str]) -> Finding:
    """Whether the agent could have Docker; without, all but the agent works, and the agent works in bubblewrap."""
    try:
        client = DockerClient.find(root, environ)
        engine = await look_at_engine(client)
        if engine.refusal is not None:
            return Finding("docker", "note", engine.refusal.detail, engine.refusal.next_step)
        left = await reap_containers(client)
        held = (await find_containers(client)).held
    except TestwrightError as error:
        return Finding("docker", "note", error.message, error.next_step)
    words = [f"{engine.words} answers"]
    if held:
        words.append(f"{_containers(len(held))} of a run that goes on")
    if left:
        words.append(f"{_containers(len(left))} that a crash had left removed")
    return Finding("docker", "ok", "; ".join(words))


def _containers(number: int) -> str:
    return "1 container" if number == 1 else f"{number} containers"


async def _project(
    root: Path, project: Project, settings: Settings, environ: Mapping[str, str]
) -> AsyncIterator[Finding]:
    places = ", ".join(str(path.relative_to(root)) for path in project.test_paths)
    yield Finding("tests", "ok", places or "none yet; new ones go to tests/")
    try:
        interpreter = find_interpreter(root, explicit=settings.python, environ=environ)
    except TestwrightError as error:
        yield Finding("interpreter", "missing", error.message, error.next_step)
        return
    for note in interpreter.notes:
        yield Finding("interpreter", "note", note)
    async for finding in _interpreter(root, interpreter, settings):
        yield finding


def _workspace(root: Path) -> Finding:
    if not root.is_dir():
        return Finding("workspace", "missing", f"{root} is no folder", "Name the project's folder with --workspace.")
    if not os.access(root, os.W_OK):
        return Finding("workspace", "note", f"{root}, which cannot be written", "Use --dry-run, or allow writing.")
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return Finding("workspace", "note", f"{root}, not under version control")
    return Finding("workspace", "ok", str(root))


async def _interpreter(root: Path, interpreter: Interpreter, settings: Settings) -> AsyncIterator[Finding]:
    """Start the interpreter in the box that a run would take, and ask it what the project has."""
    try:
        box = await choose_box(settings.box)
        answer = await _ask(box, root, interpreter)
    except TestwrightError as error:
        yield Finding("interpreter", "missing", f"{interpreter.executable}: {error.message}", error.next_step)
        return
    if answer is None:
        yield Finding(
            "interpreter",
            "missing",
            f"{interpreter.executable} ({interpreter.origin}) does not start in the box {box.name}",
            "Check that it starts at all, or name another with --python.",
        )
        return
    yield Finding("interpreter", "ok", f"Python {answer['python']}, {interpreter.executable} ({interpreter.origin})")
    for name in ("pytest", "coverage"):
        found = answer.get(name)
        detail = f"{found}, the project's own" if found else f"not in the project; Testwright lends {version(name)}"
        yield Finding(name, "ok", detail)


async def _ask(box: Box, root: Path, interpreter: Interpreter) -> dict[str, str | None] | None:
    with Registry.default().private_folder(scratch_parent(), "doctor") as scratch:
        snapshot = scratch / "workspace"
        snapshot.mkdir(mode=0o755)
        world = World(workspace=root, snapshot=snapshot, read_only=interpreter.roots)
        command = Command(
            argv=(str(box.seen(world, interpreter.executable)), "-c", _QUESTION), limits=Limits(wall=START_SECONDS)
        )
        async with await box.start(world, command) as process:
            lines = [line async for line in process.lines()]
            ended = await process.wait()
    if ended.code != 0 or not lines:
        return None
    try:
        answer = json.loads(lines[-1])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and isinstance(answer.get("python"), str) else None
