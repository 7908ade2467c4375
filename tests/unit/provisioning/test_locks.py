from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from testwright.errors import SetupFailure
from testwright.provisioning.locks import LOCKS, UV_LOCK, SdkName, lock_of, read_lock

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "sdk", "wanted"),
    [
        ("pinned", "1.34.0", {"openhands-ai", "openhands-sdk", "openhands-tools", "litellm"}),
        ("newest", "1.58.0", {"openhands-sdk", "openhands-tools", "litellm"}),
    ],
)
def test_what_is_locked(name: SdkName, sdk: str, wanted: set[str]) -> None:
    lock = lock_of(name)
    names = [pin.name for pin in lock.pins]
    assert lock.sdk == sdk
    assert wanted <= set(names)
    assert not {"pylatexenc", "func-timeout"} & set(names), "they have no wheels"
    assert re.fullmatch(r"[0-9a-f]{12}", lock.digest)


@pytest.mark.parametrize("name", ["pinned", "newest"])
def test_no_package_has_two_pins_for_one_python(name: SdkName) -> None:
    for python in ("3.12", "3.13"):
        on = {"python_version": python, "python_full_version": f"{python}.0"}
        names = [pin.name for pin in lock_of(name).pins if pin.marker is None or pin.marker.evaluate(on)]
        assert len(names) == len(set(names)) == lock_of(name).packages(f"{python}.0") == lock_of(name).packages(python)


@pytest.mark.parametrize("name", ["pinned", "newest"])
def test_versions_known_to_steal_are_not_locked(name: SdkName) -> None:
    """litellm 1.82.7 and 1.82.8 held a credential stealer."""
    litellm = next(pin for pin in lock_of(name).pins if pin.name == "litellm")
    assert litellm.version not in {"1.82.7", "1.82.8"}


def test_the_locks_are_of_what_the_project_names() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for path, group in (
        (LOCKS / "openhands-ai-1.11.txt", "agent-pinned"),
        (LOCKS / "openhands-sdk-1.58.txt", "agent-newest"),
        (UV_LOCK, "agent-uv"),
    ):
        listed = re.search(rf"^{group} = \[(.*?)\]", text, re.MULTILINE)
        assert listed is not None
        pins = {pin.name: pin.version for pin in read_lock(path).pins}
        for requirement in map(Requirement, re.findall(r'"(.*?)"', listed[1])):
            assert requirement.specifier.contains(pins[requirement.name]), f"make lock: {requirement}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read: No such file"),
        ("", "names no package"),
        ("# nothing\n", "names no package"),
        ("a==1 ; what is this \\\n    --hash=sha256:00\n", "has a marker that cannot be read"),
    ],
)
def test_a_damaged_lock_is_told_of(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "lock.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SetupFailure, match=why) as caught:
        read_lock(path)
    assert "Install Testwright again" in caught.value.next_step


def test_a_lock_without_the_sdk_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "lock.txt"
    path.write_text("a==1\n")
    with pytest.raises(SetupFailure, match="names no openhands-sdk"):
        _ = read_lock(path).sdk


def test_markers_decide_what_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "lock.txt"
    path.write_text(
        "a==1 \\\n    --hash=sha256:00\n    # via b\n"
        "b[x,y]==2 ; python_full_version < '3.13' \\\n    --hash=sha256:00\n"
        "c==3 ; sys_platform == 'plan9' \\\n    --hash=sha256:00\n"
    )
    lock = read_lock(path)
    assert [(pin.name, pin.version) for pin in lock.pins] == [("a", "1"), ("b", "2"), ("c", "3")]
    assert (lock.packages("3.12.1"), lock.packages("3.13.0")) == (2, 1)
