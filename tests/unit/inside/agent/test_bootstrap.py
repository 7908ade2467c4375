"""The header and the tar: what is not as the host sends it is refused, and nothing is written outside."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.inside.agent.bootstrap import TOPS, Refused, Rest, read_header, unpack


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = link
    member.mode = 0o755
    return member


def test_a_sound_tar_is_unpacked_and_what_follows_is_left(tmp_path: Path) -> None:
    data = tar_of((entry("workspace/a/b.py"), b"x = 1\n"), (entry("library/t/__init__.py"), b""))
    source = io.BytesIO(data + b'{"type":"end"}\n')
    unpack(source, len(data), tmp_path)
    assert (tmp_path / "workspace/a/b.py").read_bytes() == b"x = 1\n"
    assert (tmp_path / "library/t/__init__.py").exists()
    assert source.readline() == b'{"type":"end"}\n'


@pytest.mark.parametrize(
    "member",
    [
        entry("/etc/evil"),
        entry("../evil"),
        entry("workspace/../../evil"),
        entry("elsewhere/evil"),
        entry("workspace/device", tarfile.CHRTYPE),
        entry("workspace/link", tarfile.SYMTYPE, "/etc/passwd"),
        entry("workspace/link", tarfile.SYMTYPE, "../../evil"),
        entry("workspace/hard", tarfile.LNKTYPE, "../../evil"),
    ],
    ids=lambda member: f"{member.name} {member.linkname}",
)
def test_what_leads_out_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    data = tar_of((member, b""))
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(Refused):
        unpack(io.BytesIO(data), len(data), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_link_that_is_written_through_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    first, second = entry("workspace/up", tarfile.SYMTYPE, ".."), entry("workspace/up/over", tarfile.SYMTYPE, "..")
    data = tar_of((first, b""), (second, b""), (entry("over/evil"), b"x"))
    with pytest.raises(Refused):
        unpack(io.BytesIO(data), len(data), tmp_path / "in")
    assert not (tmp_path / "evil").exists()


def test_a_tar_that_ends_early_is_refused(tmp_path: Path) -> None:
    data = tar_of((entry("workspace/a"), b"x" * 5000))
    for cut in (600, len(data) - 10):
        with pytest.raises(Refused):
            unpack(io.BytesIO(data[:cut]), len(data), tmp_path)


@given(st.binary(max_size=3000))
def test_any_bytes_are_unpacked_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        unpack(io.BytesIO(data), len(data), folder)
    except Refused:
        return
    assert all(path.name in TOPS for path in folder.iterdir())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "ended"),
        (b'{"type":"start"', "ended"),
        (b"x" * (8 * 1024 * 1024 + 1) + b"\n", "too long"),
        (b"no json\n", "no JSON"),
        (b"[" * 100_000 + b"\n", "no JSON"),
        (b"[]\n", "no header"),
        (b'{"type":"round"}\n', "no header"),
        (b'{"type":"start"}\n', "how many bytes"),
        (b'{"type":"start","workspace_bytes":true}\n', "how many bytes"),
        (b'{"type":"start","workspace_bytes":-1}\n', "how many bytes"),
        (b'{"type":"start","workspace_bytes":99999999999}\n', "how many bytes"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else "",
)
def test_a_header_that_is_none_is_refused(line: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_header(io.BytesIO(line))


def test_a_header_is_read_to_the_end_of_its_line() -> None:
    header = {"type": "start", "workspace_bytes": 3}
    source = io.BytesIO(json.dumps(header).encode() + b"\nabcdef")
    assert read_header(source) == header
    assert Rest(source, 3).read() == b"abc"
