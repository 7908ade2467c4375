"""The package as it is installed: what is in it, what is not, and that it is the same each time."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import testwright

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client-vscode"
WHEEL = f"extension/bundled/testwright-{testwright.__version__}-py3-none-any.whl"


def node() -> str:
    """A Node that is new enough to pack: the machine's, or the one that .ci/install-vscode brings."""
    found = shutil.which("node")
    if not (CLIENT / "node_modules").is_dir() or found is None:
        pytest.skip("the extension's packages are not installed: make setup-client")
    if int(subprocess.check_output([found, "-p", "process.versions.node"], text=True).split(".")[0]) >= 22:
        return found
    cache = os.environ.get("TESTWRIGHT_CI_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(cache) if isinstance(cache, str) else cache / "testwright-ci"
    brought = sorted(folder.glob("node-*/bin/node"))
    if not brought:
        pytest.skip("no Node 22 or newer: .ci/install-vscode --node brings one")
    return str(brought[-1])


def pack(target: Path, *, umask: int = 0o022, **variables: str) -> bytes:
    """Pack the extension, as someone with that umask and those variables."""
    packing = subprocess.run(
        [node(), CLIENT / "scripts" / "vsix.mjs", "--out", target],
        env={**os.environ, "VENV": sys.prefix, **variables},
        umask=umask,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert packing.returncode == 0, packing.stdout + packing.stderr
    return target.read_bytes()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return pack(tmp_path_factory.mktemp("vsix") / "testwright.vsix")


@pytest.fixture
def package(packed: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(packed))


def test_it_holds_what_is_meant_to_be_in_it(package: zipfile.ZipFile) -> None:
    names = {name for name in package.namelist() if not name.startswith("extension/media/")}
    assert names == {
        "[Content_Types].xml",
        "extension.vsixmanifest",
        "extension/LICENSE.txt",
        "extension/THIRD-PARTY-NOTICES.txt",
        "extension/changelog.md",
        "extension/package.json",
        "extension/package.nls.json",
        "extension/readme.md",
        "extension/bundled/requirements.txt",
        WHEEL,
        "extension/dist/connection.js",
        "extension/dist/extension.js",
        "extension/dist/page/report.css",
        "extension/dist/page/report.js",
    }
    media = {name for name in package.namelist() if name.startswith("extension/media/")}
    assert "extension/media/icon.png" in media
    assert {Path(name).suffix for name in media} <= {".png", ".svg"}


def test_its_readme_has_no_picture_that_the_editor_could_not_show(package: zipfile.ZipFile) -> None:
    ours = (CLIENT / "README.md").read_text(encoding="utf-8")
    packed = package.read("extension/readme.md").decode()
    assert "](media/" in ours
    assert "![" not in packed
    without = [line for line in ours.splitlines() if line and not line.startswith("![")]
    assert [line for line in packed.splitlines() if line] == without


def test_it_is_small(packed: bytes) -> None:
    assert len(packed) < 2_000_000


def test_activation_reads_neither_the_language_client_nor_what_could_reach_a_network(package: zipfile.ZipFile) -> None:
    extension = package.read("extension/dist/extension.js").decode()
    assert len(extension) < 250_000
    required = set(re.findall(r"""require\(["'](?:node:)?([\w/.]+)["']\)""", extension))
    assert {"vscode", "child_process"} <= required, "what it requires was not found"
    assert not required & {"http", "https", "http2", "net", "tls", "dgram", "dns"}
    assert "textDocument/didOpen" not in extension
    assert "textDocument/didOpen" in package.read("extension/dist/connection.js").decode()


def test_its_manifest_is_ours_without_what_development_needs(package: zipfile.ZipFile) -> None:
    manifest = json.loads(package.read("extension/package.json"))
    ours = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    assert manifest == {
        key: value for key, value in ours.items() if key not in {"scripts", "dependencies", "devDependencies"}
    }


def test_it_is_for_every_platform(package: zipfile.ZipFile) -> None:
    assert "TargetPlatform" not in package.read("extension.vsixmanifest").decode()


def test_the_wheel_is_the_server_of_this_checkout(package: zipfile.ZipFile) -> None:
    wheel = zipfile.ZipFile(io.BytesIO(package.read(WHEEL)))
    inside = {name for name in wheel.namelist() if not re.match(r"testwright-[\d.]+\.dist-info/", name)}
    server = ROOT / "server"
    sources = {
        path.relative_to(server).as_posix(): path
        for path in (server / "testwright").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    sources["testwright/models/free_models_registry.yaml"] = ROOT / "free_models_registry.yaml"
    assert inside == set(sources)
    for name, source in sources.items():
        assert wheel.read(name) == source.read_bytes(), name


def test_what_is_installed_with_it_is_locked_with_hashes(package: zipfile.ZipFile) -> None:
    requirements = package.read("extension/bundled/requirements.txt")
    assert requirements == (ROOT / "requirements" / "runtime.txt").read_bytes()


def test_no_text_in_it_has_a_path_of_the_machine_it_was_made_on(package: zipfile.ZipFile) -> None:
    for name in package.namelist():
        data = package.read(name)
        assert str(ROOT).encode() not in data, name
        assert str(Path.home()).encode() + b"/" not in data, name


def test_licences_of_all_bundled_packages_are_told(package: zipfile.ZipFile) -> None:
    told = package.read("extension/THIRD-PARTY-NOTICES.txt").decode()
    for name in ("vscode-languageclient", "vscode-jsonrpc", "semver", "minimatch"):
        assert re.search(rf"^{name} [\d.]+ \([\w.-]+\)$", told, re.MULTILINE), name
    assert told.count("Permission") > 5


def test_the_same_sources_make_the_same_bytes(packed: bytes, tmp_path: Path) -> None:
    """Whoever packs, wherever, in whatever time zone and language."""
    again = pack(tmp_path / "again.vsix", umask=0o077, TZ="Asia/Tokyo", LC_ALL="C")
    assert again == packed
