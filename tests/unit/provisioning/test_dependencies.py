from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import SetupFailure
from testwright.provisioning.dependencies.declared import read_declared
from testwright.provisioning.dependencies.reading import choose_python, dependency_digest, read_dependencies
from testwright.provisioning.dependencies.values import Dependencies, Platform

LINUX = Platform("3.11.7", "x86_64")

# As uv 0.9 writes it, shortened.
UV_LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "shop"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "alpha", extra = ["fast"] },
    { name = "old", marker = "python_full_version < '3.11'" },
    { name = "forked", version = "2.0", source = { registry = "https://index/simple" }, marker = "python_full_version >= '3.11'" },
    { name = "forked", version = "1.0", source = { registry = "https://index/simple" }, marker = "python_full_version < '3.11'" },
    { name = "part" },
    { name = "patched" },
]
[package.optional-dependencies]
docs = [{ name = "docs-only" }]
test = [{ name = "tester" }]
[package.dev-dependencies]
dev = [{ name = "dev-tool" }]
release = [{ name = "release-tool" }]

[[package]]
name = "alpha"
version = "1.2"
source = { registry = "https://index/simple" }
dependencies = [{ name = "beta" }, { name = "winonly", marker = "sys_platform == 'win32'" }]
sdist = { url = "https://index/alpha.tar.gz", hash = "sha256:aa00", size = 1 }
wheels = [
    { url = "https://index/alpha-1.2-cp311.whl", hash = "sha256:aa11", size = 1 },
    { url = "https://index/alpha-1.2-cp312.whl", hash = "sha256:aa12", size = 1 },
]
[package.optional-dependencies]
fast = [{ name = "gamma" }]

[[package]]
name = "part"
version = "0.0.1"
source = { editable = "packages/part" }
dependencies = [{ name = "beta" }]

[[package]]
name = "patched"
version = "3.0"
source = { git = "https://code/patched?rev=1#2" }

""" + "".join(
    f"""
[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "https://index/simple" }}
wheels = [{{ url = "https://index/{name}.whl", hash = "sha256:{name}{version}", size = 1 }}]
"""
    for name, version in [
        *(("beta", "2"), ("gamma", "3"), ("old", "1"), ("winonly", "1"), ("tester", "4"), ("dev-tool", "5")),
        *(("docs-only", "1"), ("release-tool", "1"), ("forked", "1.0"), ("forked", "2.0")),
    ]
)

POETRY_PROJECT = """
[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.11"
alpha = { version = "^1.0", extras = ["fast"] }
old = { version = "*", markers = "python_version < '3.11'" }
optional-one = { version = "*", optional = true }
[tool.poetry.group.test.dependencies]
tester = "*"
[tool.poetry.group.docs.dependencies]
docs-only = "*"
"""

# As Poetry 2.1 and 1.8 write it, shortened.
POETRY_LOCK = """
[[package]]
name = "alpha"
version = "1.2"
optional = false
python-versions = ">=3.8"
groups = ["main"]
files = [{file = "alpha-1.2-py3-none-any.whl", hash = "sha256:aa"}, {file = "alpha-1.2.tar.gz", hash = "sha256:ab"}]
[package.dependencies]
beta = ">=1"
winonly = {version = "*", markers = "sys_platform == \\"win32\\""}
gamma = {version = ">=2", optional = true, markers = "extra == \\"fast\\""}
[package.extras]
fast = ["gamma (>=2)"]

[[package]]
name = "beta"
version = "2"
optional = false
groups = ["main"]
markers = "python_version >= \\"3.11\\""
files = [{file = "beta-2.tar.gz", hash = "sha256:bb"}]

[[package]]
name = "Tester"
version = "4"
optional = false
groups = ["test"]
files = [{file = "tester-4-py3-none-any.whl", hash = "sha256:tt"}]

[[package]]
name = "gamma"
version = "3"
optional = true
files = [{file = "gamma-3-py3-none-any.whl", hash = "sha256:gg"}]

[metadata]
lock-version = "2.1"
python-versions = "^3.11"
content-hash = "00"
"""


def written(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / {"uv": "uv.lock", "poetry": "poetry.lock", "pyproject": "pyproject.toml"}.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def names(found: Dependencies) -> list[str]:
    return [line.split(" ")[0] for line in found.requirements]


def test_a_lock_of_uv_gives_what_the_platform_and_the_tests_need(tmp_path: Path) -> None:
    found = read_dependencies(written(tmp_path, uv=UV_LOCK), LINUX)
    assert names(found) == ["alpha==1.2", "beta==2", "dev-tool==5", "forked==2.0", "gamma==3", "tester==4"]
    assert found.requirements[0] == "alpha==1.2 --hash=sha256:aa11 --hash=sha256:aa12 --hash=sha256:aa00"
    assert (found.source, found.is_locked, found.unbuilt) == ("uv.lock", True, ())
    assert set(found.notes) == {
        "The extras docs were left out: only those for tests are taken.",
        "The dependency groups release were left out: only those for tests are taken.",
        "part is code of the project itself, so it is not in the image; what it needs is.",
        "patched was left out: it comes from a version control repository, and its build would run its code.",
    }


def test_another_python_gets_the_other_fork(tmp_path: Path) -> None:
    found = read_dependencies(written(tmp_path, uv=UV_LOCK), Platform("3.10.2", "x86_64"))
    assert {"forked==1.0", "old==1"} <= set(names(found))


def test_a_lock_of_poetry_with_its_project(tmp_path: Path) -> None:
    root = written(tmp_path, poetry=POETRY_LOCK, pyproject=POETRY_PROJECT)
    found = read_dependencies(root, LINUX)
    assert names(found) == ["alpha==1.2", "beta==2", "gamma==3", "tester==4"]
    assert found.requirements[0] == "alpha==1.2 --hash=sha256:aa --hash=sha256:ab"
    assert found.unbuilt == ("beta",), "there is no wheel of it"
    assert found.notes == ("The dependency groups docs were left out: only those for tests are taken.",)


def test_the_files_of_an_older_lock_of_poetry_stand_apart(tmp_path: Path) -> None:
    lock = '[[package]]\nname = "alpha"\nversion = "1"\n[metadata]\nlock-version = "1.1"\n[metadata.files]\nalpha = [{file = "a.whl", hash = "sha256:aa"}]\n'
    project = '[tool.poetry.dependencies]\nalpha = "*"\n'
    found = read_dependencies(written(tmp_path, poetry=lock, pyproject=project), LINUX)
    assert found.requirements == ("alpha==1 --hash=sha256:aa",)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"uv": "version = 2\n"}, "uv.lock is of format 2, and 1 is known"),
        ({"uv": "version = \n"}, "uv.lock is not valid TOML"),
        ({"uv": "version = 1\n"}, "names no package of the project itself"),
        ({"uv": UV_LOCK.replace('name = "gamma"\nversion', 'name = "delta"\nversion')}, "does not hold gamma"),
        ({"uv": UV_LOCK.replace("sys_platform == 'win32'", "sys_platform ~ 3")}, "has a marker that cannot be read"),
        ({"uv": UV_LOCK.replace("sha256:beta2", "").replace('hash = "", ', "")}, "has no hash of beta"),
        ({"poetry": POETRY_LOCK, "pyproject": POETRY_PROJECT + '[tool.poetry.group.dev.dependencies]\nnew = "*"\n'}, "does not hold new"),
        ({"poetry": POETRY_LOCK.replace('"2.1"', '"9.9"')}, "is of format '9.9'"),
        ({"requirements.txt": "alpha ==\n"}, "requirements.txt, line 1 cannot be read"),
        ({"requirements.txt": "-r gone.txt\n"}, "gone.txt is not a regular file"),
        ({"requirements.txt": "-r ../out.txt\n"}, "out.txt leads out of the project"),
        ({"pyproject": '[project]\nname = "a"\ndependencies = ["b =="]\n'}, "has a requirement that cannot be read: 'b =='"),
        ({"pyproject": '[dependency-groups]\ntest = [{include-group = "test"}]\n'}, "includes itself"),
        ({"pyproject": '[dependency-groups]\ntest = [{include-group = "gone"}]\n'}, "is included and not there"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_with_a_next_step(tmp_path: Path, files: dict[str, str], words: str) -> None:
    (tmp_path / "out.txt").write_text("x\n")
    root = tmp_path / "project"
    with pytest.raises(SetupFailure) as caught:
        read_dependencies(written(root, **files), LINUX)
    assert words in caught.value.message
    assert caught.value.next_step


def test_a_link_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("alpha\n")
    root = tmp_path / "project"
    root.mkdir()
    (root / "requirements.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(SetupFailure, match="leads out of the project"):
        read_dependencies(root, LINUX)


def test_the_order_of_the_files_and_that_none_is_told(tmp_path: Path) -> None:
    files = {"pyproject": '[project]\nname = "shop"\ndependencies = ["declared"]\n'}
    order = ["pyproject.toml"]
    assert read_dependencies(written(tmp_path, **files), LINUX).source == order[-1]
    written(tmp_path, **{"requirements.txt": "required\n"})
    assert read_dependencies(tmp_path, LINUX).source == "requirements.txt"
    written(tmp_path, poetry='[metadata]\nlock-version = "2.1"\n', pyproject="")
    assert read_dependencies(tmp_path, LINUX).source == "poetry.lock"
    written(tmp_path, uv=UV_LOCK)
    assert read_dependencies(tmp_path, LINUX).source == "uv.lock"
    empty = tmp_path / "empty"
    found = read_dependencies(written(empty, **{"setup.py": "raise SystemExit('run')\n"}), LINUX)
    assert found.requirements == ()
    assert "setup.py cannot be read without running code" in found.notes[0]


@pytest.mark.parametrize(
    ("line", "taken", "note"),
    [
        ("alpha==1.0  # why", "alpha==1.0", ""),
        ("Alpha[fast] >=1, <2 ; python_version > '3'", 'Alpha[fast]<2,>=1; python_version > "3"', ""),
        ("-e .", None, "line 1: an editable package is code of the project itself"),
        ("--editable=./lib", None, "an editable package"),
        ("./lib/thing.whl", None, "does not name a package of an index"),
        (".", None, "does not name a package of an index"),
        ("git+https://user:secret@code/x.git#egg=x", None, "does not name a package of an index"),
        ("https://host/x.whl", None, "does not name a package of an index"),
        ("alpha @ https://user:secret@host/x.whl", None, "alpha was left out"),
        ("--index-url https://user:secret@host/simple", None, "the index named there is not used"),
        ("-i https://user:secret@host/simple", None, "the index named there is not used"),
        ("-c constraints.txt", None, "constraints are not used"),
        ("--pre", None, "the option --pre is not used"),
        ("alpha==${VERSION}", None, "its meaning depends on a variable"),
        ("alpha==1 --config-settings=a=b", "alpha==1", "its option --config-settings is not used"),
        ("alpha==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb", "alpha==1 --hash=sha256:aa --hash=sha256:bb", ""),
        ("# nothing", None, ""),
    ],
)  # fmt: skip
def test_lines_of_requirements(tmp_path: Path, line: str, taken: str | None, note: str) -> None:
    found = read_dependencies(written(tmp_path, **{"requirements.txt": f"{line}\n"}), LINUX)
    assert found.requirements == (() if taken is None else (taken,))
    assert note in " ".join(found.notes)
    assert bool(found.notes) == bool(note)
    assert "secret" not in str(found), "no password of an address is told"
    assert found.is_locked == ("--hash" in line)


def test_requirements_for_tests_are_taken_and_others_told(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\n",
        "requirements/base.txt": "alpha==1 --hash=sha256:aa\n-r ../requirements.txt\n",
        "requirements-dev.txt": "tester\n",
        "requirements-docs.txt": "docs-only\n",
    }
    found = read_dependencies(written(tmp_path, **files), LINUX)
    assert found.source == "requirements-dev.txt, requirements.txt"
    assert found.requirements == ("tester", "alpha==1")
    assert not found.is_locked
    assert found.notes == (
        "Some lines have hashes and some have none, so the hashes are not used.",
        "requirements-docs.txt were left out: only those for tests are taken.",
    )


def test_what_a_project_declares_for_itself_and_its_tests() -> None:
    text = """
[project]
name = "Shop_Floor"
dynamic = ["dependencies"]
dependencies = ["alpha>=1", "direct @ https://host/x.whl"]
[project.optional-dependencies]
test = ["shop-floor[fast]", "tester"]
fast = ["gamma"]
[dependency-groups]
base = ["from-base"]
dev = ["dev-tool", {include-group = "base"}]
"""
    found = read_declared(tomllib.loads(text))
    assert found.requirements == ("alpha>=1", "gamma", "tester", "dev-tool", "from-base")
    assert [note.split(":")[0] for note in found.notes] == [
        "The extras fast were left out",
        "The dependency groups base were left out",
        "The project's dependencies are made by its build (dynamic), which is not run, so they are not known.",
        "direct was left out",
    ]


@pytest.mark.parametrize(
    ("files", "named", "expected"),
    [
        ({}, None, "3.12.1"),
        ({}, "3.11", "3.11.7"),
        ({".python-version": "3.11.2\n"}, None, "3.11.7"),
        ({".python-version": "# ours\npypy3\n"}, None, "3.12.1"),
        ({"pyproject": '[project]\nrequires-python = ">=3.10,<3.12"\n'}, None, "3.11.7"),
        ({"pyproject": '[tool.poetry.dependencies]\npython = "~3.11"\n'}, None, "3.11.7"),
        ({"pyproject": '[tool.poetry.dependencies]\npython = "^3.11"\n'}, None, "3.12.1"),
        ({".python-version": "3.11\n", "pyproject": '[project]\nrequires-python = ">=3.12"\n'}, None, "3.11.7"),
    ],
)
def test_the_python_of_a_project(tmp_path: Path, files: dict[str, str], named: str | None, expected: str) -> None:
    assert choose_python(written(tmp_path, **files), ["3.12.1", "3.11.7"], named) == expected


@pytest.mark.parametrize(
    ("files", "named", "words"),
    [
        ({}, "3.9", "you name with --python 3.9"),
        ({".python-version": "3.8\n"}, None, ".python-version names 3.8"),
        ({"pyproject": '[project]\nrequires-python = ">=3.13"\n'}, None, "requires-python is >=3.13"),
        ({"pyproject": '[project]\nrequires-python = "what"\n'}, None, "cannot be read: 'what'"),
    ],
)
def test_a_python_that_is_not_there(tmp_path: Path, files: dict[str, str], named: str | None, words: str) -> None:
    with pytest.raises(SetupFailure) as caught:
        choose_python(written(tmp_path, **files), ["3.12.1", "3.11.7"], named)
    assert words in caught.value.message


@given(st.text(max_size=200))
def test_no_text_of_requirements_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("project")
    (root / "requirements.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_dependencies(root, LINUX)
    except SetupFailure:
        return
    assert all("\n" not in line for line in found.requirements)


def test_the_digest_names_what_is_installed_and_for_which_python() -> None:
    one = Dependencies("requirements.txt", ("a==1",))
    digests = {
        dependency_digest(one, "3.11.7"),
        dependency_digest(one, "3.12.1"),
        dependency_digest(Dependencies("requirements.txt", ("a==2",)), "3.11.7"),
        dependency_digest(Dependencies("requirements.txt", ("a==1",), is_locked=True), "3.11.7"),
    }
    assert len(digests) == 4
    assert dependency_digest(Dependencies("pyproject.toml", ("a==1",)), "3.11.7") in digests
