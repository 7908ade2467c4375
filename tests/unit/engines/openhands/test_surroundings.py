"""What around a module an agent is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from testwright.analysis.project import read_project
from testwright.engines.openhands.surroundings import MAX_BYTES, Excerpt, gather
from testwright.model import Target

from .subjects import ROOT, target_of

FILES = {
    "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['src']\n",
    "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef far():\n    return 1\n\n\ndef helper():\n    pass\n",
    "tests/conftest.py": (
        "from pytest import fixture\n\n\n@fixture(scope='module')\nasync def near(far: int, *, key='x') -> str:\n"
        '    """A near one.\n\n    More.\n    """\n'
    ),
    "tests/test_other.py": "def test_other():\n    assert 1\n",
    "tests/deep/test_first.py": "import os\n",
    "src/acme/__init__.py": "",
    "src/acme/cart.py": "import os\nfrom . import prices\nfrom .stock import Stock\nimport acme.tax as tax\nfrom acme import broken\n",
    "src/acme/prices.py": "LIMIT = 3\n\ndef total(items: list[int], discount: int = 0) -> int:\n    '''The sum.'''\n    return 1\n",
    "src/acme/stock.py": "class Stock(dict):\n    size: int = 0\n\n    def add(self, name): ...\n",
    "src/acme/tax.py": "async def rate(): ...\n",
    "src/acme/broken.py": "def (:\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def target(root: Path, source: str | None = None) -> Target:
    path = root / "src" / "acme" / "cart.py"
    text = path.read_text("utf-8") if source is None else source
    return Target(root, path, "acme.cart", root / "src", None, 1, text.count("\n"), text)


def test_fixtures_dependencies_and_an_example(project: Path) -> None:
    found = gather(project, target(project), read_project(project), "tests/deep/test_cart.py")
    assert found.fixtures == (
        Excerpt(
            "tests/conftest.py", "@fixture(scope='module') async def near(far: int, *, key='x') -> str  # A near one."
        ),
        Excerpt("conftest.py", "@pytest.fixture def far()"),
    )
    assert found.dependencies == (
        Excerpt("src/acme/prices.py", "def total(items: list[int], discount: int=0) -> int  # The sum."),
        Excerpt("src/acme/stock.py", "class Stock(dict):\n    size: int = 0\n    def add(self, name)"),
        Excerpt("src/acme/tax.py", "async def rate()"),
    )
    assert found.example == Excerpt("tests/test_other.py", FILES["tests/test_other.py"])


def test_the_agreed_file_is_no_example_of_itself(project: Path) -> None:
    found = gather(project, target(project), read_project(project), "tests/test_other.py")
    assert found.example is None


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"x = 1\n" * (MAX_BYTES // 6 + 1), b"(" * 5000, b"x\0"],
    ids=["bytes", "large", "deep", "nul"],
)
def test_what_cannot_be_read_is_passed_over(project: Path, content: bytes) -> None:
    for name in ("conftest.py", "src/acme/prices.py"):
        (project / name).write_bytes(content)
    found = gather(project, target(project), read_project(project), "tests/test_cart.py")
    assert [one.path for one in found.fixtures] == ["tests/conftest.py"]
    assert "src/acme/prices.py" not in [one.path for one in found.dependencies]


def test_a_link_is_not_followed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.py"
    outside.write_text("def secret(): ...\n")
    (project / "src/acme/prices.py").unlink()
    (project / "src/acme/prices.py").symlink_to(outside)
    found = gather(project, target(project), read_project(project), "tests/test_cart.py")
    assert "secret" not in str(found)


def test_a_project_of_its_own() -> None:
    found = gather(ROOT, target_of("export"), read_project(ROOT), "tests/test_export.py")
    assert [one.path for one in found.dependencies] == ["src/invoicing/invoice.py", "src/invoicing/items.py"]
    assert (
        "def parse_price(text: str) -> Decimal  # Read a price with a decimal point or a decimal comma."
        in found.dependencies[1].text
    )
