"""What the docker program says, and what it is told: the pure parts of the box of Docker."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.boxes.docker.engine import refusal_of
from testwright.boxes.docker.faults import fault_of
from testwright.boxes.docker.labels import NAMES, Owner, this_owner
from testwright.boxes.docker.options import create_arguments, environment_lines
from testwright.boxes.docker.program import client_environment, docker_program
from testwright.boxes.protocol import Command
from testwright.errors import BoxFailure, DockerFailure, DockerUnavailable

# Sentences of the engines themselves: Docker 20.10, 28 and 29, Podman 4.
SAID = [
    (
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        (DockerUnavailable, "engine does not answer", "Start it"),
    ),
    (
        "failed to connect to the docker API at unix:///x.sock: dial unix /x.sock: connect: no such file or directory",
        (DockerUnavailable, "engine does not answer", "Start it"),
    ),
    (
        "error during connect: Get http://docker.example:2375/v1.24/info: dial tcp: lookup docker.example: no such host",
        (DockerUnavailable, "engine does not answer", "DOCKER_HOST"),
    ),
    (
        "permission denied while trying to connect to the Docker daemon socket: dial unix /x.sock: permission denied",
        (DockerUnavailable, "not allowed", "group docker"),
    ),
    (
        "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        (DockerUnavailable, "not allowed", "rootless"),
    ),
    (
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
        (DockerUnavailable, "not allowed", "group docker"),
    ),
    ("Error: No such image: testwright-agent:1", (DockerUnavailable, "image is not there", "testwright setup docker")),
    (
        "Unable to find image 'testwright-agent:1' locally\nError: pull access denied for testwright-agent",
        (DockerUnavailable, "image is not there", "testwright setup docker"),
    ),
    (
        "Error response from daemon: mkdir /var/lib/docker/overlay2/1-init: no space left on device",
        (DockerFailure, "disk of the Docker engine is full", "docker system df"),
    ),
    (
        "Error response from daemon: client version 1.50 is too new. Maximum supported API version is 1.41",
        (DockerUnavailable, "do not fit each other", "20.10"),
    ),
    ("unknown flag: --pull\nSee 'docker create --help'.", (DockerUnavailable, "too old", "20.10")),
    (
        'Failed to initialize: unable to resolve docker endpoint: context "x": context not found: open /meta.json',
        (DockerUnavailable, "cannot be found", "docker context ls"),
    ),
    (
        "error during connect: Get https://10.0.0.1:2376/v1.24/info: x509: certificate signed by unknown authority",
        (DockerUnavailable, "not trusted", "DOCKER_TLS_VERIFY"),
    ),
    (
        "Error response from daemon: failed to create shim: OCI runtime create failed: runc did not terminate",
        (DockerFailure, "could not start the container", "docker info"),
    ),
    ("something that nobody has foreseen", (DockerFailure, "Docker could not make a container", "docker info")),
    ("", (DockerFailure, "gave no reason", "docker info")),
]


@pytest.mark.parametrize(("said", "meant"), SAID, ids=[said[:40] for said, _ in SAID])
def test_each_failure_has_its_own_sentence_and_next_step(said: str, meant: tuple[type[Exception], str, str]) -> None:
    kind, message, step = meant
    error = fault_of(said, doing="make a container")
    assert type(error) is kind
    assert message in error.message
    assert step in error.next_step
    if kind is DockerUnavailable:
        assert "--agent-box bubblewrap" in error.next_step


@given(st.text())
def test_whatever_is_said_makes_one_printable_sentence(said: str) -> None:
    error = fault_of(said, doing="make a container")
    assert all(char.isprintable() for char in error.message)
    assert len(error.message) < 600
    assert error.message.endswith((".", "…", "?"))


# --- the program


def make_program(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "docker"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def no_system_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testwright.boxes.docker.program.system_program", lambda _: None)
    monkeypatch.setattr("testwright.boxes.docker.program._FURTHER", ("~/bin", "~/.docker/bin"))


@pytest.mark.usefixtures("no_system_docker")
def test_the_program_of_a_rootless_installation_is_found(tmp_path: Path) -> None:
    program = make_program(tmp_path / "home" / "bin")
    assert docker_program(tmp_path / "project", {"HOME": str(tmp_path / "home")}) == program


@pytest.mark.usefixtures("no_system_docker")
@pytest.mark.parametrize("way", ["in", "linked from", "linked into"])
def test_a_program_of_the_workspace_is_never_taken(tmp_path: Path, way: str) -> None:
    home, workspace = tmp_path / "home", tmp_path / "project"
    if way == "in":
        workspace = home
        make_program(home / "bin")
    elif way == "linked into":
        program = make_program(workspace)
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "docker").symlink_to(program)
    else:
        make_program(tmp_path / "elsewhere")
        workspace.mkdir()
        (workspace / "docker").symlink_to(tmp_path / "elsewhere" / "docker")
        home.mkdir()
        (home / "bin").symlink_to(workspace)
        workspace = home
    with pytest.raises(DockerUnavailable, match=r"not installed.*--agent-box bubblewrap"):
        docker_program(workspace, {"HOME": str(home)})


@pytest.mark.usefixtures("no_system_docker")
def test_path_is_not_searched(tmp_path: Path) -> None:
    make_program(tmp_path / "planted")
    with pytest.raises(DockerUnavailable):
        docker_program(None, {"HOME": str(tmp_path), "PATH": str(tmp_path / "planted")})
    with pytest.raises(DockerUnavailable):
        docker_program(None, {})


def test_the_program_gets_what_names_its_engine_and_no_key() -> None:
    variables = {
        "HOME": "/home/u",
        "DOCKER_HOST": "unix:///run/user/1000/podman/podman.sock",
        "DOCKER_CONTEXT": "remote",
        "OPENROUTER_API_KEY": "canary",
        "PATH": "/workspace/bin",
        "LD_PRELOAD": "/workspace/evil.so",
    }
    environment = client_environment(Path("/usr/bin/docker"), variables)
    assert {name: environment[name] for name in ("HOME", "DOCKER_HOST", "DOCKER_CONTEXT")} == {
        name: variables[name] for name in ("HOME", "DOCKER_HOST", "DOCKER_CONTEXT")
    }
    assert set(environment) == {"HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "PATH", "LANG"}
    assert "/workspace" not in environment["PATH"]


# --- what a container is told


def test_a_program_that_looks_like_options_stays_behind_the_image() -> None:
    command = Command(("--privileged", "-v", "/:/host"))
    words = create_arguments(command, owner=this_owner("name", 1.0), image="image:1", cpus=2.0, environment_file="/f")
    image = words.index("image:1")
    assert words[image + 1] == "-c"
    assert words[-3:] == ["--privileged", "-v", "/:/host"]
    assert "--privileged" not in words[:image]
    assert not {"-v", "--volume", "--mount", "--publish", "-p", "--device"} & set(words[:image])


def test_variables_are_no_arguments() -> None:
    words = create_arguments(
        Command(("true",), environment={"SECRET": "canary"}),
        owner=this_owner("name", 1.0),
        image="image:1",
        cpus=2.0,
        environment_file="/f",
    )
    assert "canary" not in " ".join(words)


@pytest.mark.parametrize(("name", "value"), [("A", "1\nB=2"), ("A", "1\rB"), ("#A", "1"), (" A", "1")])
def test_a_variable_that_would_be_read_as_another_is_refused(name: str, value: str) -> None:
    with pytest.raises(BoxFailure, match="cannot be passed"):
        environment_lines({name: value})


def test_variables_are_written_a_line_each() -> None:
    assert environment_lines({"A": "1=2", "B": " x "}) == b"A=1=2\nB= x \n"


# --- whose container it is


def test_labels_tell_who_the_owner_is() -> None:
    owner = this_owner("testwright-1", 60.0)
    labels = owner.labels()
    read = Owner.of([labels[name] for name in NAMES])
    assert read is not None
    assert dataclasses.replace(read, until=0.0) == dataclasses.replace(owner, until=0.0)
    assert abs(read.until - owner.until) <= 1


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({}, False),
        ({"process": f"{os.getpid()}:1"}, True),  # another process of the same number
        ({"process": "999999999:1"}, True),
        ({"process": "none"}, True),
        ({"boot": "an earlier one"}, True),
        ({"host": "another machine", "process": "999999999:1"}, False),  # of it nothing is known
        ({"host": "another machine", "boot": "another"}, False),
        ({"host": "another machine", "until": 0.0}, True),
        ({"until": 0.0}, True),
    ],
)
def test_when_an_owner_is_gone(changes: dict[str, Any], *, gone: bool) -> None:
    owner = this_owner("testwright-1", 60.0)
    assert dataclasses.replace(owner, **changes).is_gone() is gone


@pytest.mark.parametrize("values", [[], ["a", "b"], ["run", "1:2", "host", "boot", "soon"], ["", "", "", "", ""]])
def test_labels_of_somebody_else_are_nobodys(values: list[str]) -> None:
    assert Owner.of(values) is None


# --- what an engine says of itself

ABLE = {"OSType": "linux", "MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True}


@pytest.mark.parametrize(
    ("info", "words", "step"),
    [
        ({**ABLE, "OSType": "windows"}, "containers of windows", "Switch"),
        ({**ABLE, "MemoryLimit": False, "PidsLimit": False}, "limit memory and the number of processes", "cgroup"),
        ({**ABLE, "CpuCfsQuota": False}, "limit processors", "cgroup"),
        (
            {"ServerErrors": ["Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?"]},
            "does not answer",
            "Start it",
        ),
        ({}, "an unknown system", "Switch"),
    ],
)
def test_an_engine_that_cannot_keep_a_box_closed(info: dict[str, Any], words: str, step: str) -> None:
    probe = refusal_of(info)
    assert probe is not None
    assert not probe.usable
    assert words in probe.detail
    assert step in probe.next_step
    assert "--agent-box bubblewrap" in probe.next_step


def test_an_engine_that_can() -> None:
    assert refusal_of(ABLE) is None
