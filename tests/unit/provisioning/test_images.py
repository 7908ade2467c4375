from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from testwright.errors import SetupFailure
from testwright.provisioning.dependencies.values import Platform
from testwright.provisioning.images.base import read_answer
from testwright.provisioning.images.names import Contents, ImagePython
from testwright.provisioning.images.packages import Layout, pack, platform_name
from testwright.provisioning.images.progress import told
from testwright.provisioning.images.sdists import _environment
from testwright.provisioning.setup_words import setup_failure

ANSWER = [
    "machine x86_64",
    "libc glibc 2.36",
    "tool git",
    "tool ps",
    "tool apt-get",
    "python 3.11.7 /usr/local/bin/python3.11",
    "python 3.12.1 /usr/local/bin/python3.12",
    "python 3.12.1 /usr/local/bin/python3",
    "end",
]
CONTENTS = Contents(
    kind="project",
    base="registry:5000/python:3.12",
    under="testwright-agent:0",
    machine="x86_64",
    pythons=(ImagePython("3.11.7", "/usr/bin/python3.11"),),
    sdk="1.34.0",
    lock="aa",
    agent_python="/opt/a",
    python="/opt/p",
    python_version="3.11.7",
    dependencies="bb",
    source="requirements.txt, requirements-dev.txt",
)


def without(*starts: str) -> list[str]:
    return [line for line in ANSWER if not line.startswith(starts)]


def test_what_a_base_tells_of_itself() -> None:
    base = read_answer("debian", "sha256:1", ANSWER)
    assert (base.machine, base.glibc, base.missing, base.has_apt) == ("x86_64", (2, 36), ("tmux",), True)
    assert base.pythons == (
        ImagePython("3.11.7", "/usr/local/bin/python3.11"),
        ImagePython("3.12.1", "/usr/local/bin/python3.12"),
    )
    assert base.agent_python().path == "/usr/local/bin/python3.12"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (without("end"), "it has no shell"),
        ([], "it has no shell"),
        ([*without("libc"), "libc"], "another C library than glibc"),
        ([*without("machine"), "machine riscv64"], "it is for riscv64"),
        ([*without("machine"), "machine"], "it is for an unknown machine"),
    ],
)
def test_a_base_that_cannot_be_built_on(answer: list[str], words: str) -> None:
    with pytest.raises(SetupFailure) as caught:
        read_answer("alpine", "sha256:1", answer)
    assert words in caught.value.message
    assert "--base" in caught.value.next_step


@pytest.mark.parametrize(("answer", "there"), [(without("python 3.12"), "3.11.7"), (without("python"), "none at all")])
def test_a_base_without_a_python_for_the_agent(answer: list[str], there: str) -> None:
    with pytest.raises(SetupFailure, match=rf"needs Python 3\.12 or 3\.13, and the image debian has {there}"):
        read_answer("debian", "sha256:1", answer).agent_python()


def test_contents_come_back_from_their_labels() -> None:
    assert Contents.of(CONTENTS.labels()) == CONTENTS


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"testwright.contents": "{}"},
        {"testwright.contents": "[]"},
        {"testwright.contents": "no JSON"},
        {**CONTENTS.labels(), "testwright.image": "agent"},
        {**CONTENTS.labels(), "testwright.contents": '{"pythons": [{"no": 1}]}'},
    ],
)
def test_labels_that_are_not_ours(labels: dict[str, str]) -> None:
    assert Contents.of(labels) is None


@pytest.mark.parametrize(
    "field", ["base", "under", "machine", "sdk", "lock", "python", "python_version", "dependencies"]
)
def test_an_image_of_something_else_has_another_name(field: str) -> None:
    values = {name: getattr(CONTENTS, name) for name in CONTENTS.__slots__}
    assert Contents(**{**values, field: "other"}).name != CONTENTS.name
    assert Contents(**values).name == CONTENTS.name


@pytest.mark.parametrize(
    ("glibc", "name"),
    [
        ((2, 36), "x86_64-manylinux_2_36"),
        ((2, 30), "x86_64-manylinux_2_28"),
        ((2, 99), "x86_64-manylinux_2_40"),
        ((2, 5), "x86_64-manylinux_2_17"),
    ],
)
def test_wheels_are_for_the_c_library_of_the_base(glibc: tuple[int, int], name: str) -> None:
    assert platform_name("x86_64", glibc) == name


def test_a_build_gets_packages_that_everybody_may_read_and_no_links(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "bin").mkdir(parents=True)
    (site / "pack").mkdir()
    (site / "pack" / "a.py").write_text("A = 1\n")
    (site / "pack" / "a.py").chmod(0o600)
    (site / "out").symlink_to("/etc")
    (site / "bin" / "short").write_text("#!/home/me/.venv/bin/python3\nimport a\n")
    (site / "bin" / "long").write_text(
        "#!/bin/sh\n'''exec' '/home/me/long/bin/python' \"$0\" \"$@\"\n' '''\nimport a\n"
    )
    (site / "bin" / "shell").write_text("#!/bin/sh\necho python\n")
    (site / "bin" / "shell").chmod(0o755)
    archive = tmp_path / "context.tar"
    pack(site, Layout("environment.Dockerfile", "token-1", "/opt/x", "3.12"), archive)
    with tarfile.open(archive) as tar:
        found = {entry.name: entry for entry in tar.getmembers()}
        packages = "environment/lib/python3.12/site-packages"
        assert set(found) >= {"Dockerfile", f"{packages}/pack/a.py", "environment/bin/short"}
        assert f"{packages}/out" not in found
        assert all((entry.uid, entry.gid) == (0, 0) for entry in found.values())
        assert found[f"{packages}/pack/a.py"].mode == 0o644

        def text(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        assert text("environment/bin/short") == b"#!/opt/x/bin/python\nimport a\n"
        assert text("environment/bin/long") == b"#!/opt/x/bin/python\nimport a\n"
        assert text("environment/bin/shell") == b"#!/bin/sh\necho python\n"
        steps = [line for line in text("Dockerfile").decode().splitlines() if not line.startswith("#")]
        assert steps[:3] == ["ARG BASE", "FROM ${BASE}", "LABEL testwright.build=token-1"], "no step is without it"


def test_no_password_and_no_place_of_this_machine_comes_into_a_container() -> None:
    settings = {
        "UV_DEFAULT_INDEX": "https://user:secret@host/simple",
        "UV_INDEX": "https://open/simple file:///opt/simple",
        "UV_FIND_LINKS": "/opt/wheels,https://links/",
        "UV_INDEX_X_PASSWORD": "secret",
        "HTTPS_PROXY": "http://user:secret@proxy",
        "HOME": "/home/me",
    }
    environment, notes = _environment(settings)
    assert "secret" not in str(environment)
    assert (environment["UV_INDEX"], environment["UV_FIND_LINKS"]) == ("https://open/simple", "https://links/")
    assert "UV_DEFAULT_INDEX" not in environment
    assert environment["HOME"] != "/home/me"
    assert len(notes) == 1
    assert _environment({"UV_INDEX": "https://open/simple"})[1] == ()


def test_a_line_of_progress_is_printable_and_short() -> None:
    assert told("building", "Step 1/9 :\x1b[31m RUN\tx\n").words == "building the image: Step 1/9 : [31m RUN x"
    assert len(told("building", "x" * 1000).detail) == 160
    assert told("trying").words == "trying the image in a closed container"


def test_the_words_of_the_installer_are_about_the_image_here() -> None:
    error = setup_failure("uv", 2, "error: os error 28\n", undone="The image was not built", again="Again: docker.")
    assert error.message.startswith("The image was not built. The disk is full.")
    assert error.next_step.endswith("Again: docker.")
    assert "openhands" not in str(error)
    assert setup_failure("uv", -9, "", again="Again.").next_step == "Again."


def test_platform_markers_are_of_the_image_and_not_of_this_machine() -> None:
    markers = Platform("3.10.2", "aarch64").markers()
    assert (markers["python_version"], markers["platform_machine"], markers["sys_platform"]) == (
        "3.10",
        "aarch64",
        "linux",
    )
    assert os.name == markers["os_name"]
