"""Small wheels and a lock of them: what stands in for OpenHands where only its installation is tested."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

SDK = "openhands_sdk"
TOOLS = "openhands_tools"


@dataclass(slots=True)
class Wheelhouse:
    """A folder of wheels, and the lines of a lock.

    Attributes:
        folder: Where the wheels are; ``find-links`` for pip and uv.
        lines: The lock, a line for each wheel.
    """

    folder: Path
    lines: list[str] = field(default_factory=list)

    @property
    def lock(self) -> Path:
        """The lock file of all wheels that were added, written anew."""
        path = self.folder.parent / f"{self.folder.name}.txt"
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return path

    def add(self, name: str, files: dict[str, str], *, version: str = "1.0", marker: str = "") -> Path:
        """Make a wheel of text files, and lock it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}-{version}-py3-none-any.whl"
        data = _wheel(name, version, files)
        path.write_bytes(data)
        condition = f" ; {marker}" if marker else ""
        digest = hashlib.sha256(data).hexdigest()
        self.lines.append(f"{name.replace('_', '-')}=={version}{condition} \\\n    --hash=sha256:{digest}")
        return path

    def name_only(self, name: str, marker: str = "") -> None:
        """Lock a package that no index has."""
        condition = f" ; {marker}" if marker else ""
        self.lines.append(f"{name}==1.0{condition} \\\n    --hash=sha256:{'0' * 64}")


def like_openhands(folder: Path, *, sdk: str = "VERSION = 1\n") -> Wheelhouse:
    """Wheels with the packages that the agent imports.

    Args:
        folder: Where to make them.
        sdk: Source of ``openhands.sdk``.
    """
    house = Wheelhouse(folder)
    house.add(SDK, {"openhands/sdk/__init__.py": sdk, "openhands/sdk/template.py": "{% this is no Python %}\n"})
    tools = {f"openhands/tools/{name}/__init__.py": "" for name in ("terminal", "file_editor")}
    house.add(TOOLS, {"openhands/tools/__init__.py": "", **tools})
    house.name_only("only-for-plan9", "sys_platform == 'plan9'")
    return house


def _wheel(name: str, version: str, files: dict[str, str]) -> bytes:
    """As "Binary distribution format" has it."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    records = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,"]) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in content.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if ".data/scripts/" in path else 0o100644) << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
