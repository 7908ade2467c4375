from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import SettingsError
from testwright.settings import (
    MODEL_KEY_VARIABLE,
    OPTION_NAMES,
    Options,
    Settings,
    is_python_name,
    parse_options,
    resolve_settings,
)


def resolve(workspace: Path, pyproject: str = "", **sources: object) -> Settings:
    if pyproject:
        (workspace / "pyproject.toml").write_text(pyproject, "utf-8")
    environ = sources.pop("environ", {})
    return resolve_settings(workspace, environ=environ, cwd=workspace, **sources)  # type: ignore[arg-type]


def test_defaults_without_any_source(tmp_path: Path) -> None:
    assert resolve(tmp_path) == Settings()
    assert (Settings().coverage_threshold, Settings().budget, Settings().seed, Settings().max_iterations) == (
        70,
        30,
        0,
        3,
    )


def test_each_source_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    pyproject = "[tool.testwright]\ncoverage-threshold = 50\nbudget = 5\nseed = 1\nmax-iterations = 2\n"
    settings = resolve(
        tmp_path,
        pyproject,
        environ={"TESTWRIGHT_BUDGET": "6", "TESTWRIGHT_SEED": "2", "TESTWRIGHT_MAX_ITERATIONS": "4", "PATH": "/bin"},
        editor=Options(seed=3, max_iterations=5),
        command_line=Options(max_iterations=6),
    )
    assert settings.coverage_threshold == 50.0
    assert settings.budget == 6.0
    assert settings.seed == 3
    assert settings.max_iterations == 6
    assert dict(settings.origins) == {
        "coverage_threshold": "[tool.testwright] in pyproject.toml",
        "budget": "environment",
        "seed": "editor",
        "max_iterations": "command line",
    }


@pytest.mark.parametrize(
    ("line", "field", "default"),
    [
        ('box = "none"', "box", "auto"),
        ('box = "landlock"', "box", "auto"),
        ('pass-env = ["AWS_SECRET_ACCESS_KEY"]', "pass_env", ()),
        ('pass_env = ["AWS_SECRET_ACCESS_KEY"]', "pass_env", ()),
        ('python = "/home/someone/.keys/python"', "python", None),
        ('python = "../elsewhere/bin/python"', "python", None),
        ('python = "~/bin/python"', "python", None),
        (r'python = "..\\elsewhere\\python.exe"', "python", None),
        ('model-base-url = "https://example.org/v1"', "model_base_url", None),
        ('model-registry = "/home/someone/models.yaml"', "workspace_registry", None),
        ('model-registry = "../models.yaml"', "workspace_registry", None),
        ('data-collection = "allow"', "data_collection", "allow"),
        ("max-model-cost = 5", "max_model_cost", 0.0),
        ("max-model-cost = 0", "max_model_cost", 0.0),
        ("max-model-requests = 61", "max_model_requests", 60),
        ("max-model-tokens = 2000001", "max_model_tokens", 2_000_000),
        ("model-deadline = 1801", "model_deadline", 1800.0),
    ],
)
def test_a_repository_chooses_neither_box_nor_destination_nor_costs(
    tmp_path: Path, line: str, field: str, default: object
) -> None:
    settings = resolve(tmp_path, f"[tool.testwright]\n{line}\n")
    assert getattr(settings, field) == default
    (note,) = settings.notes
    assert "is not used: a repository m" in note
    option = line.partition(" = ")[0].replace("_", "-")
    assert f"TESTWRIGHT_{option.replace('-', '_').upper()} if you want it" in note
    assert (f"--{option}" in note) is (option in ("box", "pass-env", "python"))


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ('preferred-model = "a/b:free"', "preferred_model", "a/b:free"),
        ('fallback-models = ["a", "b", "a"]', "fallback_models", ("a", "b")),
        ('data-collection = "deny"', "data_collection", "deny"),
        ("max-model-requests = 5", "max_model_requests", 5),
        ("max-model-tokens = 2000000", "max_model_tokens", 2_000_000),
        ("model-deadline = 60", "model_deadline", 60.0),
    ],
)
def test_a_repository_may_name_models_and_be_stricter(tmp_path: Path, line: str, field: str, value: object) -> None:
    settings = resolve(tmp_path, f"[tool.testwright]\n{line}\n")
    assert getattr(settings, field) == value
    assert settings.notes == ()


def test_a_registry_of_the_repository_is_kept_apart_from_the_users(tmp_path: Path) -> None:
    pyproject = '[tool.testwright]\nmodel-registry = "models.yaml"\n'
    settings = resolve(tmp_path, pyproject, environ={"TESTWRIGHT_MODEL_REGISTRY": "mine.yaml"})
    assert settings.workspace_registry == tmp_path / "models.yaml"
    assert settings.model_registry == tmp_path / "mine.yaml"
    assert dict(settings.origins) == {
        "workspace_registry": "[tool.testwright] in pyproject.toml",
        "model_registry": "environment",
    }
    assert resolve(tmp_path, pyproject).model_registry is None


def test_models_are_named_by_common_variables_too_and_ours_are_stronger(tmp_path: Path) -> None:
    common = {"PREFERRED_MODEL": " first ", "FALLBACK_MODELS": "second, third,,"}
    settings = resolve(tmp_path, environ=common)
    assert (settings.preferred_model, settings.fallback_models) == ("first", ("second", "third"))
    settings = resolve(tmp_path, environ={**common, "TESTWRIGHT_PREFERRED_MODEL": "ours"})
    assert (settings.preferred_model, settings.fallback_models) == ("ours", ("second", "third"))
    settings = resolve(tmp_path, environ={"PREFERRED_MODEL": "", "FALLBACK_MODELS": " "})
    assert (settings.preferred_model, settings.fallback_models) == (None, ())
    with pytest.raises(SettingsError, match="fallback-models in the command line is 'two words'"):
        resolve(tmp_path, command_line=Options(fallback_models=("one", "two words")))
    with pytest.raises(SettingsError, match="PREFERRED_MODEL in the environment is 'two words'"):
        resolve(tmp_path, environ={"PREFERRED_MODEL": "two words"})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (Options(agent_box="podman"), "auto, docker, bubblewrap, none"),  # type: ignore[arg-type]
        (Options(agent_sdk="1.34"), "pinned, newest"),  # type: ignore[arg-type]
        (Options(agent_image_base="--privileged"), "the name of an image"),
        (Options(agent_image_base="python 3.12"), "the name of an image"),
        (Options(agent_image_base=""), "the name of an image"),
    ],
)
def test_what_the_agent_is_made_of_is_one_of_a_few_things_or_an_image(
    tmp_path: Path, options: Options, told: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(tmp_path, command_line=options)
    assert told in caught.value.next_step


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:hunter2@example.org/v1", "has a name or a password"),
        ("ftp://example.org", "does not begin with http"),
        ("", "is empty"),
        ("https://", "has no host"),
    ],
)
def test_a_wrong_address_is_told_without_what_may_be_a_password(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(SettingsError, match=f"model-base-url in the command line {told}") as caught:
        resolve(tmp_path, command_line=Options(model_base_url=url))
    assert "hunter2" not in str(caught.value)
    assert "http://localhost:11434/v1" in caught.value.next_step


def test_the_address_of_models_loses_its_last_slash(tmp_path: Path) -> None:
    environ = {"TESTWRIGHT_MODEL_BASE_URL": "http://localhost:11434/v1/"}
    assert resolve(tmp_path, environ=environ).model_base_url == "http://localhost:11434/v1"


def test_the_variable_of_a_key_is_no_setting_and_no_mistake(tmp_path: Path) -> None:
    assert resolve(tmp_path, environ={MODEL_KEY_VARIABLE: "sk-canary"}) == Settings()


def test_the_user_can_say_what_a_repository_cannot(tmp_path: Path) -> None:
    settings = resolve(
        tmp_path,
        '[tool.testwright]\nbox = "bubblewrap"\n',
        environ={"TESTWRIGHT_BOX": "none", "TESTWRIGHT_PASS_ENV": "CI, DATABASE_URL CI"},
        command_line=Options(python=Path("py/bin/python")),
    )
    assert settings.box == "none"
    assert settings.pass_env == ("CI", "DATABASE_URL")
    assert settings.python == tmp_path / "py/bin/python"


def test_a_repository_may_name_an_interpreter_of_its_own_or_a_version(tmp_path: Path) -> None:
    assert resolve(tmp_path, '[tool.testwright]\npython = "envs/dev"\n').python == tmp_path / "envs/dev"
    assert resolve(tmp_path, '[tool.testwright]\npython = "python3.12"\n').python == Path("python3.12")


def test_a_repository_may_say_where_its_tests_go_and_the_user_otherwise(tmp_path: Path) -> None:
    pyproject = '[tool.testwright]\nplacement = "beside"\n'
    assert resolve(tmp_path, pyproject).placement == "beside"
    assert resolve(tmp_path, editor=Options(placement="tests")).placement == "tests"
    assert resolve(tmp_path, command_line=Options(placement="auto")).placement == "auto"


@pytest.mark.parametrize("line", ['output = "tests/test_x.py"', "dry-run = true"])
def test_what_belongs_to_one_run_is_an_error_in_a_file(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match="belongs to one run"):
        resolve(tmp_path, f"[tool.testwright]\n{line}\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("coverage-threshold = 101", "from 0 to 100"),
        ("coverage-threshold = nan", "from 0 to 100"),
        ("coverage-threshold = true", "from 0 to 100"),
        ('coverage-threshold = "70"', "from 0 to 100"),
        ("budget = 0", "from 1 to 3600"),
        ("budget = inf", "from 1 to 3600"),
        ("seed = -1", "from 0 to 4294967295"),
        ("seed = 1.5", "from 0 to 4294967295"),
        ("max-iterations = 0", "from 1 to 20"),
        ('engine = "magic"', "auto, embedded, openhands"),
        ('preferred-model = "two words"', "without spaces"),
        ('preferred-model = "a,b"', "without spaces and commas"),
        ('fallback-models = "a"', "a list of at most 20 names"),
        ("fallback-models = 5", "a list of at most 20 names"),
        ("data-collection = 5", "allow, deny"),
        ("max-model-requests = 0", "from 1 to 10000"),
        ("max-model-tokens = true", "from 1 to 1000000000"),
        ("model-deadline = 0.5", "from 1 to 21600"),
        ('placement = "nearby"', "auto, tests, beside"),
        ("placement = true", "auto, tests, beside"),
        ("python = 3.12", "a path"),
    ],
)
def test_a_wrong_value_names_file_key_value_and_what_is_allowed(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(tmp_path, f"[tool.testwright]\n{line}\n")
    key, _, value = line.partition(" = ")
    assert key in caught.value.message
    assert "pyproject.toml" in caught.value.message
    assert value.strip('"') in caught.value.message.replace("True", "true")
    assert told in caught.value.next_step
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("pyproject", "environ", "near"),
    [
        ("[tool.testwright]\ncoverage-treshold = 50\n", {}, "Did you mean coverage-threshold?"),
        ("", {"TESTWRIGHT_BUGDET": "5"}, "Did you mean TESTWRIGHT_BUDGET?"),
        ("[tool.testwright]\nzzz = 50\n", {}, "Known: coverage-threshold, budget"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_closest_one(
    tmp_path: Path, pyproject: str, environ: dict[str, str], near: str
) -> None:
    with pytest.raises(SettingsError, match="is not a setting") as caught:
        resolve(tmp_path, pyproject, environ=environ)
    assert near in caught.value.next_step


def test_variables_of_our_prefix_that_are_like_no_setting_are_noted(tmp_path: Path) -> None:
    settings = resolve(
        tmp_path, environ={"TESTWRIGHT_WHATEVER": "1", "TESTWRIGHT_CACHE_DIR": "/x", "TESTWRIGHT_SEED": ""}
    )
    assert settings.notes == ("The variable TESTWRIGHT_WHATEVER is no setting of Testwright, so it changes nothing.",)
    assert settings.seed == 0


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DRY_RUN", "1", True),
        ("DRY_RUN", "No", False),
        ("COVERAGE_THRESHOLD", " 80.5 ", 80.5),
        ("SEED", "7", 7),
        ("ENGINE", "embedded", "embedded"),
        ("PLACEMENT", "tests", "tests"),
        ("MAX_MODEL_COST", "0.5", 0.5),
        ("MAX_MODEL_REQUESTS", "100", 100),
        ("MAX_MODEL_TOKENS", "5", 5),
        ("MODEL_DEADLINE", "21600", 21600.0),
        ("FALLBACK_MODELS", "a b,c", ("a", "b", "c")),
    ],
)
def test_variables_are_read_as_their_kind(tmp_path: Path, name: str, text: str, value: object) -> None:
    assert getattr(resolve(tmp_path, environ={"TESTWRIGHT_" + name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"), [("DRY_RUN", "perhaps"), ("SEED", "1.5"), ("BUDGET", "soon"), ("BOX", "jail")]
)
def test_a_variable_with_a_wrong_value_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"TESTWRIGHT_{name} in the environment is '{text}'"):
        resolve(tmp_path, environ={"TESTWRIGHT_" + name: text})


@pytest.mark.parametrize(
    "name",
    ["OPENROUTER_API_KEY", "PATH", "HOME", "LD_PRELOAD", "PYTHONPATH", "TESTWRIGHT_BOX", "DYLD_INSERT_LIBRARIES"],
)
def test_some_variables_never_enter_a_box(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="never enters a box"):
        resolve(tmp_path, command_line=Options(pass_env=(name,)))


@pytest.mark.parametrize("name", ["A=B", "A B", "", "1A", "Ä"])
def test_what_is_no_name_of_a_variable_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="names of variables"):
        resolve(tmp_path, command_line=Options(pass_env=(name,)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[tool.testwright\n", "at line 1"),
        (b"[tool]\nx = 1\ny = [\n", "not valid TOML"),
        (b"# ok\nname = '\xff'\n", "not UTF-8 (line 2)"),
        (b"a=" + b"[" * 5000, "nested too deeply"),
        (b"#" * (1024 * 1024 + 1), "larger than 1024 KiB"),
        (b"[tool]\ntestwright = 3\n", "must be a table"),
    ],
)
def test_a_broken_pyproject_is_told_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        resolve(tmp_path)
    assert told in caught.value.message
    assert caught.value.next_step


def test_a_folder_called_pyproject_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(SettingsError, match="not a regular file"):
        resolve(tmp_path)


def test_the_same_key_in_two_spellings_is_an_error() -> None:
    with pytest.raises(SettingsError, match="twice"):
        parse_options({"dry-run": True, "dryRun": True}, origin="the editor")


def test_relative_paths_are_relative_to_the_current_folder(tmp_path: Path) -> None:
    settings = resolve_settings(
        tmp_path / "work", environ={}, command_line=Options(output=Path("t/test_x.py")), cwd=tmp_path / "here"
    )
    assert settings.output == tmp_path / "here/t/test_x.py"


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("python3.12", True),
        ("3.12", True),
        ("3.12.1", True),
        ("pypy3.10", True),
        ("python", True),
        (".venv", False),
        ("bin/python3.12", False),
        ("venv312", False),
        ("python3.12-config", False),
    ],
)
def test_names_of_interpreters(text: str, is_name: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_python_name(Path(text)) is is_name


@given(st.sampled_from(OPTION_NAMES), st.sampled_from(["kebab", "snake", "camel"]))
def test_every_option_is_known_in_every_spelling(name: str, spelling: str) -> None:
    values: dict[str, object] = {
        "coverage_threshold": 1.0,
        "budget": 2.0,
        "engine": "auto",
        "box": "auto",
        "python": "3.12",
        "output": "x.py",
        "placement": "beside",
        "dry_run": True,
        "seed": 4,
        "pass_env": ["A"],
        "max_iterations": 5,
        "agent_box": "docker",
        "agent_sdk": "newest",
        "agent_image_base": "registry.example:5000/python:3.12-slim",
        "preferred_model": "qwen/qwen3-coder:free",
        "fallback_models": ["a", "b"],
        "model_base_url": "http://localhost:11434/v1",
        "model_registry": "models.yaml",
        "data_collection": "deny",
        "max_model_cost": 1,
        "max_model_requests": 2,
        "max_model_tokens": 3,
        "model_deadline": 4,
    }
    first, *rest = name.split("_")
    spelled = {"kebab": name.replace("_", "-"), "snake": name, "camel": first + "".join(part.title() for part in rest)}
    options = parse_options({spelled[spelling]: values[name]}, origin="a test")
    assert getattr(options, name) is not None
    assert sum(getattr(options, other) is not None for other in OPTION_NAMES) == 1


SAID = st.fixed_dictionaries(
    {},
    optional={
        "box": st.sampled_from(["none", "auto", "landlock"]),
        "agent-box": st.sampled_from(["none", "docker"]),
        "agentSdk": st.sampled_from(["pinned", "newest"]),
        "agent_image_base": st.sampled_from(["evil.example/python", "python"]),
        "pass-env": st.lists(st.sampled_from(["A", "B"])),
        "python": st.sampled_from(["3.12", "../py", "/bin/python", "envs/dev"]),
        "model-base-url": st.sampled_from(["https://example.org", "http://localhost:1/v1"]),
        "modelRegistry": st.sampled_from(["m.yaml", "../m.yaml", "/m.yaml", "~/m.yaml", "a/../../m.yaml", "C:m.yaml"]),
        "data_collection": st.sampled_from(["allow", "deny"]),
        "max-model-cost": st.floats(0, 1000),
        "max-model-requests": st.integers(1, 10_000),
        "max-model-tokens": st.integers(1, 1_000_000_000),
        "model-deadline": st.floats(1, 21_600),
    },
)


@given(SAID)
def test_whatever_a_repository_says_gives_it_nothing(said: dict[str, object]) -> None:
    def line(key: str, value: object) -> str:
        return f"{key} = {json.dumps(value)}\n"

    with tempfile.TemporaryDirectory() as folder:
        text = "[tool.testwright]\n" + "".join(line(key, value) for key, value in said.items())
        settings = resolve(Path(folder), text)
        default = Settings()
        assert (settings.box, settings.pass_env) == (default.box, default.pass_env)
        assert (settings.agent_box, settings.agent_sdk, settings.agent_image_base) == ("auto", None, None)
        assert settings.model_base_url is None
        assert settings.model_registry is None
        assert settings.max_model_cost == 0
        assert settings.data_collection == said.get("data_collection", "allow")
        assert settings.max_model_requests <= default.max_model_requests
        assert settings.max_model_tokens <= default.max_model_tokens
        assert settings.model_deadline <= default.model_deadline
        for path in (settings.workspace_registry, settings.python):
            assert path in (None, Path("3.12")) or path.resolve().is_relative_to(Path(folder).resolve())
