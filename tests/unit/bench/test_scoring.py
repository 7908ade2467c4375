from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import score as scoring
from projects import Prepared, Python, Subject, find_python, is_test, load_sets, module_file
from sandbox import BenchError, Mounts, find_bwrap, run_boxed

MODULE = """\
def count_down(number):
    steps = 0
    while number > 0:
        number -= 1
        steps += 1
    return steps


def never_called(value):
    if value:  # pragma: no cover
        return "yes"
    return "no"
"""
PASSING = """\
from shop.stock import count_down


def test_counts():
    assert count_down(3) == 3
"""
FAILING = """

def test_fails():
    assert count_down(1) == 2


def test_fails_from_the_second_run_on(request):
    marker = request.path.with_name("marker")
    seen = marker.exists()
    marker.write_text("here")
    assert not seen
"""


def _bwrap_works() -> bool:
    try:
        here = Path(sys.base_prefix)
        return (
            run_boxed(["/bin/sh", "-c", "true"], Mounts((here,)), environment={}, cwd=Path("/"), timeout=10).code == 0
        )
    except BenchError:
        return False


needs_bwrap = pytest.mark.skipif(not _bwrap_works(), reason="bubblewrap does not start here")


@pytest.fixture(scope="module")
def python() -> Python:
    return find_python("")


@pytest.fixture
def prepared(tmp_path: Path, python: Python) -> Prepared:
    root = tmp_path / "project"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "__init__.py").touch()
    (root / "shop" / "stock.py").write_text(MODULE)
    (root / "pyproject.toml").touch()
    subprocess.run([str(python.executable), "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    return Prepared(Subject("shop.stock", "shop==1"), root, root / "shop" / "stock.py", python)


def _write(prepared: Prepared, text: str) -> Path:
    path = prepared.root / "tests" / "test_stock.py"
    path.parent.mkdir()
    path.write_text(text)
    return path


@needs_bwrap
def test_stable_tests_are_scored_and_the_others_named(prepared: Prepared, overlay: Path) -> None:
    found = scoring.score(prepared, _write(prepared, PASSING + FAILING), overlay, limit=0)
    assert found.tests == 1
    assert set(found.failures) == {
        "tests/test_stock.py::test_fails",
        "tests/test_stock.py::test_fails_from_the_second_run_on",
    }
    assert found.failures["tests/test_stock.py::test_fails_from_the_second_run_on"].startswith(
        "(passed, failed, failed)"
    )


@needs_bwrap
def test_coverage_is_that_of_coverage_py_with_and_without_exclusions(prepared: Prepared, overlay: Path) -> None:
    coverage = scoring.score(prepared, _write(prepared, PASSING), overlay, limit=0).coverage
    assert coverage is not None
    assert coverage.missing_lines == (12,)
    assert coverage.line_percent == pytest.approx(100 * 7 / 8)
    assert coverage.branch_percent == 100.0
    assert coverage.pooled == pytest.approx(100 * 9 / 10)
    assert coverage.pooled_all == pytest.approx(100 * 9 / 14)


@needs_bwrap
def test_mutants_are_killed_survive_or_run_out_of_time(prepared: Prepared, overlay: Path) -> None:
    found = scoring.score(prepared, _write(prepared, PASSING), overlay, limit=100, patience=1.0)
    outcomes = {(mutant.function, mutant.change): outcome for mutant, outcome in found.mutants}
    assert outcomes["count_down", "steps += 1 -> pass"] == "killed"
    assert outcomes["count_down", "number -= 1 -> number += 1"] == "timeout"
    assert {outcome for (function, _), outcome in outcomes.items() if function == "never_called"} == {"survived"}
    assert found.killed == found.outcomes["killed"]
    assert prepared.target.read_text() == MODULE


@needs_bwrap
def test_a_file_that_cannot_be_collected_fails_as_a_whole(prepared: Prepared, overlay: Path) -> None:
    found = scoring.score(prepared, _write(prepared, "import nowhere_to_be_found\n"), overlay)
    assert found.tests == 0
    assert list(found.failures) == ["tests/test_stock.py"]
    assert found.coverage is None


@needs_bwrap
def test_a_file_from_elsewhere_is_scored_in_the_project(prepared: Prepared, overlay: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "test_other.py"
    elsewhere.write_text(PASSING)
    assert scoring.score(prepared, elsewhere, overlay, limit=0).tests == 1
    assert not (prepared.root / "tests").exists()


@needs_bwrap
def test_what_is_run_can_write_nowhere_else_and_has_no_network(tmp_path: Path, python: Python) -> None:
    output, other = tmp_path / "output", tmp_path / "other"
    output.mkdir()
    other.mkdir()
    program = f"""
import pathlib, socket
for folder in ("/output", "{other}", "/usr"):
    try:
        pathlib.Path(folder, "written").write_text("x")
        print("wrote", folder)
    except OSError as error:
        print("refused", folder)
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
except OSError as error:
    print(type(error).__name__, error.errno)
"""
    done = run_boxed(
        [str(python.executable), "-c", program],
        Mounts(read_only=(python.prefix, other), writable={output: Path("/output")}),
        environment={},
        cwd=Path("/"),
        timeout=20,
    )
    assert done.output.splitlines() == ["wrote /output", f"refused {other}", "refused /usr", "OSError 101"]
    assert [path.name for path in output.iterdir()] == ["written"]


@needs_bwrap
def test_what_takes_too_long_is_killed(python: Python) -> None:
    mounts = Mounts(read_only=(python.prefix,))
    done = run_boxed(["/bin/sh", "-c", "sleep 60"], mounts, environment={}, cwd=Path("/"), timeout=0.3)
    assert done.code is None


def test_bwrap_is_found() -> None:
    assert Path(find_bwrap()).is_file()


def test_both_sets_are_whole() -> None:
    sets = load_sets()
    assert len(sets["twelve"].subjects) == 12
    published = sets["published"]
    assert len(published.subjects) >= 14
    assert published.python == "3.10"
    assert {subject.module.partition(".")[0] for subject in published.subjects} == {
        "docstring_parser",
        "httpie",
        "pymonet",
        "pypara",
        "pysnooper",
        "typesystem",
    }
    assert all(len(subject.published) == 3 for subject in published.subjects)
    every = [subject for group in sets.values() for subject in group.subjects]
    assert all("==" in requirement for subject in every for requirement in (subject.requirement, *subject.dependencies))


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("toolz/tests/test_itertoolz.py", True),
        ("toolz/tests/data.json", True),
        ("toolz/test_one.py", True),
        ("toolz/conftest.py", True),
        ("toolz/itertoolz.py", False),
        ("toolz/latest.py", False),
        ("testing/tools.py", False),
    ],
)
def test_the_tests_in_a_wheel_are_known(path: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert is_test(path) is is_one


def test_a_package_is_found_before_a_module_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "pair.py").touch()
    assert module_file(tmp_path, "pair") == tmp_path / "pair.py"
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "__init__.py").touch()
    assert module_file(tmp_path, "pair") == tmp_path / "pair" / "__init__.py"
    with pytest.raises(BenchError, match=r"pair\.none is not in"):
        module_file(tmp_path, "pair.none")
