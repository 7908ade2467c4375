from __future__ import annotations

import sys
from pathlib import Path

import pytest

from testwright.provisioning import extra
from testwright.provisioning.agent_environment import find
from testwright.provisioning.extra import installed_sdk, own_interpreter


def installed(site: Path, name: str, version: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_sdk_counts_with_its_tools_alone(tmp_path: Path) -> None:
    assert installed_sdk([str(tmp_path)]) is None
    installed(tmp_path, "openhands-sdk", "1.34.0")
    assert installed_sdk([str(tmp_path)]) is None
    installed(tmp_path, "openhands-tools", "1.34.0")
    assert installed_sdk([str(tmp_path)]) == "1.34.0"


def test_sdk_and_tools_of_two_versions_do_not_count(tmp_path: Path) -> None:
    installed(tmp_path, "openhands-sdk", "1.34.0")
    installed(tmp_path, "openhands-tools", "1.58.0")
    assert installed_sdk([str(tmp_path)]) is None


def test_the_python_must_be_one_that_the_agent_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    monkeypatch.setattr(extra, "WANTED", (here,))
    own = own_interpreter()
    assert own is not None
    version, roots = own
    assert version.startswith(here)
    assert any(Path(sys.prefix).is_relative_to(root) for root in roots)
    monkeypatch.setattr(extra, "WANTED", ("2.7",))
    assert own_interpreter() is None
    assert own_interpreter(Path("/nowhere/python")) is None


def test_the_environment_that_testwright_runs_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache")}
    monkeypatch.setattr(extra, "WANTED", (f"{sys.version_info[0]}.{sys.version_info[1]}",))
    assert find(environ=environ) is None
    for name in ("openhands-sdk", "openhands-tools"):
        installed(tmp_path / "site", name, "1.58.0")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    found = find(environ=environ)
    assert found is not None
    assert (found.sdk, found.python, found.folder) == ("1.58.0", Path(sys.executable), Path(sys.prefix))
    assert find("newest", environ=environ) == found
    assert find("pinned", environ=environ) is None
    assert "openhands" not in sys.modules
