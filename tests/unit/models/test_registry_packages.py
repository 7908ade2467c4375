"""What is built carries the registry, byte for byte, and finds it there."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REGISTRY = ROOT / "free_models_registry.yaml"


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_it_inside_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".yaml")]
        assert names == ["testwright/models/free_models_registry.yaml"]
        assert archive.read(names[0]) == REGISTRY.read_bytes()


def test_the_sdist_has_it_where_the_wheel_is_made_of_it(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        (name,) = [name for name in archive.getnames() if name.endswith(REGISTRY.name)]
        assert name.count("/") == 1
        file = archive.extractfile(name)
        assert file is not None
        assert file.read() == REGISTRY.read_bytes()


def test_an_installed_package_reads_its_own(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            archive.extract(name, tmp_path)
    program = (
        "from testwright.models.registry import shipped, shipped_path; print(shipped_path(), len(shipped().models))"
    )
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program]
    said = subprocess.check_output(command, cwd=tmp_path, env=environ, text=True, timeout=60)
    path, count = said.split()
    assert Path(path) == tmp_path / "testwright" / "models" / REGISTRY.name
    assert int(count) == REGISTRY.read_text("utf-8").count("  - name: ")
