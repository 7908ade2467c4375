from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testwright.analysis.project import PYTEST_FILES, read_project
from testwright.errors import SettingsError
from testwright.model import Style

Tree = Callable[[Mapping[str, str | bytes]], Path]

PYTEST_SETTINGS = {
    "pytest.toml": '[pytest]\npython_files = ["pytest.toml"]\n',
    ".pytest.toml": '[pytest]\npython_files = [".pytest.toml"]\n',
    "pytest.ini": "[pytest]\npython_files = pytest.ini\n",
    ".pytest.ini": "[pytest]\npython_files = .pytest.ini\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npython_files = "pyproject.toml"\n',
    "tox.ini": "[pytest]\npython_files = tox.ini\n",
    "setup.cfg": "[tool:pytest]\npython_files = setup.cfg\n",
}


@pytest.mark.parametrize("first", range(len(PYTEST_FILES)))
def test_pytests_settings_are_looked_for_in_its_order(tree: Tree, first: int) -> None:
    names = PYTEST_FILES[first:]
    root = tree({name: PYTEST_SETTINGS[name] for name in names})
    project = read_project(root)
    assert project.pytest_ini == root / names[0]
    assert project.python_files == (names[0],)


@pytest.mark.parametrize(
    ("files", "holder"),
    [
        ({"pytest.ini": "", "tox.ini": "[pytest]\n"}, "pytest.ini"),  # counts even when it is empty
        ({"pyproject.toml": "[tool.other]\n", "tox.ini": "[pytest]\n"}, "tox.ini"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n", "tox.ini": "[pytest]\n"}, "pyproject.toml"),
        ({"pyproject.toml": '[tool.pytest]\ntestpaths = ["t"]\n'}, "pyproject.toml"),
        ({"tox.ini": "[tox]\n", "setup.cfg": "[metadata]\n"}, None),
        ({"setup.cfg": "[pytest]\n"}, None),  # pytest refuses this section there
    ],
)
def test_which_file_holds_pytests_settings(tree: Tree, files: dict[str, str], holder: str | None) -> None:
    root = tree(files)
    assert read_project(root).pytest_ini == (None if holder is None else root / holder)


def test_what_is_read_from_pytests_settings(tree: Tree) -> None:
    root = tree(
        {
            "pytest.ini": (
                "[pytest]\n"
                "pythonpath = lib 'my lib' ../outside\n"
                "testpaths = checks more/*\n"
                "python_files = check_*.py\n"
                "python_classes = Check\n"
                "python_functions = check_* test\n"
                "addopts = -ra --import-mode=importlib\n  -p no:randomly\n"
            ),
            "lib/": "",
            "my lib/": "",
            "src/": "",
            "checks/": "",
            "more/a/": "",
            "more/b/": "",
            "tests/": "",
        }
    )
    project = read_project(root)
    assert project.import_roots == (root / "lib", root / "my lib", root / "src", root)
    assert project.declared_roots == (root / "lib", root / "my lib")
    assert project.test_paths == (root / "checks", root / "more/a", root / "more/b")
    assert project.declared_test_paths == ("checks", "more/*")
    assert project.python_files == ("check_*.py",)
    assert project.python_classes == ("Check",)
    assert project.python_functions == ("check_*", "test")
    assert project.addopts == ("-ra", "--import-mode=importlib", "-p", "no:randomly")
    assert project.import_mode == "importlib"
    assert project.notes == (
        "'../outside', pythonpath of pytest's settings, is outside the workspace, so it is not used.",
    )


def test_a_project_without_settings(tree: Tree) -> None:
    root = tree({"test/": "", "tests/": ""})
    project = read_project(root)
    assert project.import_roots == (root,)
    assert project.test_paths == (root / "tests", root / "test")
    assert project.pytest_ini is None
    assert project.style == Style()
    assert project.import_mode == "prepend"


@pytest.mark.parametrize("testpaths", ["../other", "/", "nowhere", ""])
def test_testpaths_that_are_not_there_or_outside_are_not_used(tree: Tree, testpaths: str) -> None:
    root = tree({"work/pytest.ini": f"[pytest]\ntestpaths = {testpaths}\n", "work/tests/": "", "other/": ""})
    assert read_project(root / "work").test_paths == (root / "work/tests",)


def test_a_test_folder_that_links_out_is_not_used(tree: Tree) -> None:
    root = tree({"work/": "", "other/": ""})
    (root / "work/tests").symlink_to("../other")
    assert read_project(root / "work").test_paths == ()


@pytest.mark.parametrize(
    ("addopts", "mode"),
    [
        ("--import-mode=importlib", "importlib"),
        ("-q --import-mode append", "append"),
        ("--import-mode=prepend", "prepend"),
        ("", "prepend"),
        ("--import-mode", "prepend"),
    ],
)
def test_import_mode(tree: Tree, addopts: str, mode: str) -> None:
    assert read_project(tree({"pytest.ini": f"[pytest]\naddopts = {addopts}\n"})).import_mode == mode


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"pyproject.toml": "[tool\n"}, "pyproject.toml is not valid TOML"),
        ({"pytest.toml": "x = \n"}, "at line 1"),
        ({"pytest.ini": "[pytest]\nx = 1\nnonsense\n"}, "pytest.ini is not a valid ini file: unexpected line"),
        ({"pytest.ini": "[pytest]\nx = 1\nnonsense\n"}, "(at line 3)"),
        ({"tox.ini": "[a]\n[a]\n"}, "tox.ini is not a valid ini file: duplicate section"),
        ({"pytest.ini": "[pytest]\naddopts = 'open\n"}, "No closing quotation"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = 3\n"}, "testpaths in pyproject.toml is 3"),
        ({"ruff.toml": "line-length = [\n"}, "ruff.toml is not valid TOML"),
        ({"pytest.ini": b"[pytest]\n# \xe9\n"}, "not UTF-8 (line 2)"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tree: Tree, files: dict[str, str | bytes], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_project(tree(files))
    assert told in caught.value.message
    assert caught.value.next_step


STYLES: list[tuple[dict[str, str | bytes], Style]] = [
    ({}, Style(88, "double", 4, "\n")),
    ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, Style(line_length=100)),
    ({"pyproject.toml": '[tool.ruff.format]\nquote-style = "single"\n'}, Style(quote="single")),
    ({"pyproject.toml": '[tool.ruff.lint.flake8-quotes]\ninline-quotes = "single"\n'}, Style(quote="single")),
    ({"ruff.toml": "line-length = 79\nindent-width = 2\n"}, Style(line_length=79, indent=2)),
    ({".ruff.toml": "line-length = 79\n", "ruff.toml": "line-length = 99\n"}, Style(line_length=79)),
    ({"ruff.toml": "line-length = 79\n", "pyproject.toml": "[tool.ruff]\nline-length = 99\n"}, Style(line_length=79)),
    ({"ruff.toml": 'extend = "base.toml"\n', "base.toml": "line-length = 90\n"}, Style(line_length=90)),
    ({"ruff.toml": 'extend = "ruff.toml"\n'}, Style()),
    ({"ruff.toml": 'extend = "../../../../../../../../etc/passwd"\n'}, Style()),
    ({"pyproject.toml": "[tool.black]\nline-length = 110\n"}, Style(line_length=110)),
    ({"pyproject.toml": "[tool.black]\n[tool.ruff]\nline-length = 110\n"}, Style(line_length=88)),
    ({"pyproject.toml": "[tool.black]\n[tool.ruff]\nline-length = 110\n[tool.ruff.format]\n"}, Style(line_length=110)),
    ({"pyproject.toml": "[tool.black]\nskip-string-normalization = true\n"}, Style(quote="preserve")),
    ({"setup.cfg": "[flake8]\nmax-line-length = 100  # wide\n"}, Style(line_length=100)),
    (
        {".flake8": "[flake8]\nmax-line-length = 95\n", "tox.ini": "[flake8]\nmax-line-length = 100\n"},
        Style(line_length=95),
    ),
    ({"tox.ini": "[pycodestyle]\nmax_line_length = 101\n"}, Style(line_length=101)),
    ({"pyproject.toml": "[tool.ruff]\nline-length = true\n"}, Style()),
    ({"pyproject.toml": "[tool.ruff]\nline-length = 100000\n"}, Style()),
    (
        {".editorconfig": "root = true\n[*]\nend_of_line = crlf\nmax_line_length = 72\n[*.py]\nindent_size = 2\n"},
        Style(line_length=72, indent=2, newline="\r\n"),
    ),
    ({".editorconfig": "[*.{js,ts}]\nindent_size = 2\n[Makefile]\nindent_size = 8\n"}, Style()),
    ({".editorconfig": "[{*.py,*.pyi}]\nmax_line_length = 99\n[tests/**.py]\nindent_size=3\n"}, Style(99, indent=3)),
    ({".editorconfig": "[*.py]\nmax_line_length = off\nindent_size = tab\n"}, Style()),
    ({".editorconfig": "[*]\nend_of_line = crlf\n", "ruff.toml": '[format]\nline-ending = "lf"\n'}, Style()),
    ({"ruff.toml": '[format]\nline-ending = "cr-lf"\n'}, Style(newline="\r\n")),
    ({"a.py": b"x = 1\r\n", "b.py": b"y = 1\r\n", "c.py": b"z = 1\n"}, Style(newline="\r\n")),
    ({"a.py": b"x = 1\r\n", "b.py": b"y = 1\n"}, Style(newline="\n")),
]


@pytest.mark.parametrize(("files", "style"), STYLES)
def test_style(tree: Tree, files: dict[str, str | bytes], style: Style) -> None:
    assert read_project(tree(files)).style == style
