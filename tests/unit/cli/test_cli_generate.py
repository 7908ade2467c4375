from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from testwright.cli.running import Messages
from testwright.errors import TargetError
from testwright.model import ModelUse, RunEvent, RunReport

from .conftest import REPORT, FakeService, failed

BELOW = replace(REPORT, threshold_reached=False)


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([REPORT], 0),
        ([replace(REPORT, status="nothing-to-add")], 0),
        ([replace(REPORT, status="dry-run", diff="-a\n+b\n")], 0),
        ([BELOW], 1),
        ([replace(BELOW, status="nothing-to-add")], 1),
        ([failed("usage")], 2),
        ([failed("settings")], 2),
        ([failed("target")], 3),
        ([failed("nothing-proven")], 3),
        ([failed("write-conflict")], 3),
        ([failed("box-unavailable")], 3),
        ([failed("a-slug-of-tomorrow")], 3),
        ([REPORT, BELOW, REPORT], 1),
        ([failed("usage"), failed("target"), REPORT], 3),
        ([failed("usage"), BELOW], 2),
    ],
)
def test_exit_code(testwright: Any, service: FakeService, reports: list[RunReport], code: int) -> None:
    service.answers = [*reports]
    assert testwright("generate", *(f"{number}.py" for number in range(len(reports)))).code == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate"], "Give at least one PATH"),
        (["generate", "a.py", "--no-such-option"], "No such option"),
        (["generate", "a.py", "--box", "vault"], "'vault' is not one of"),
        (["generate", "a.py", "--engine", "other"], "'other' is not one of"),
        (["generate", "a.py", "--agent-box", "landlock"], "'landlock' is not one of"),
        (["generate", "a.py", "--max-iterations", "x"], "'x' is not a valid integer"),
        (["generate", "a.py", "--placement", "nearby"], "'nearby' is not one of"),
        (["generate", "a.py", "--seed", "x"], "'x' is not a valid integer"),
        (["generate", "a.py", "b.py", "--output", "test_a.py"], "one target only"),
        (["generate", "a.py", "--module", "b", "--output", "test_a.py"], "one target only"),
        (["generate", "a.py", "b.py", "--record", "run.jsonl"], "--record names one file"),
        (["generate", "a.py", "b.py", "--replay", "run.jsonl"], "--replay names one file"),
        (["generate", "a.py", "--record", "a.jsonl", "--replay", "b.jsonl"], "do not go together"),
        (["invent"], "No such command"),
    ],
)
def test_wrong_usage_is_told_and_exits_with_2(
    testwright: Any, service: FakeService, arguments: list[str], words: str
) -> None:
    outcome = testwright(*arguments)
    assert outcome.code == 2
    assert words in outcome.stderr
    assert outcome.stdout == ""
    assert service.requests == []


@pytest.mark.parametrize("engine", ["auto", "embedded", "openhands"])
def test_each_engine_can_be_named(testwright: Any, service: FakeService, engine: str) -> None:
    testwright("generate", "a.py", "--engine", engine)
    assert service.requests[0].settings.engine == engine


def test_what_was_said_about_an_agent_arrives(testwright: Any, service: FakeService) -> None:
    testwright(
        *("generate", "a.py", "--agent-box", "bubblewrap", "--agent-sdk", "newest", "--max-iterations", "5"),
        *("--preferred-model", "vendor/coder", "--max-model-cost", "0.5", "--model-deadline", "600"),
    )
    options = service.requests[0].settings
    assert (options.agent_box, options.agent_sdk, options.max_iterations) == ("bubblewrap", "newest", 5)
    assert (options.preferred_model, options.max_model_cost, options.model_deadline) == ("vendor/coder", 0.5, 600.0)


def test_what_was_not_said_is_left_to_other_settings(testwright: Any, service: FakeService) -> None:
    testwright("generate", "src/a.py")
    (request,) = service.requests
    assert request.path == Path("src/a.py")
    assert (request.symbol, request.module, request.workspace) == (None, None, None)
    options = request.settings
    assert {getattr(options, name) for name in options.__slots__} == {None}


def test_what_was_said_arrives(testwright: Any, service: FakeService) -> None:
    testwright(
        *("generate", "a.py::Cart.total", "--workspace", "w", "--coverage-threshold", "0", "--budget", "12.5"),
        *(
            "--engine",
            "embedded",
            "--box",
            "none",
            "--python",
            "python3.12",
            "--output",
            "tests/test_a.py",
            "--dry-run",
        ),
        *("--placement", "beside", "--seed", "0", "--pass-env", "A", "--pass-env", "B"),
    )
    (request,) = service.requests
    assert (request.path, request.symbol, request.workspace) == (Path("a.py"), "Cart.total", Path("w"))
    options = request.settings
    assert options.coverage_threshold == 0
    assert options.budget == 12.5
    assert (options.engine, options.box, options.python) == ("embedded", "none", Path("python3.12"))
    assert options.output == Path("tests/test_a.py")
    assert options.placement == "beside"
    assert options.dry_run is True
    assert options.seed == 0
    assert options.seed is not None
    assert options.pass_env == ("A", "B")


@pytest.mark.parametrize("option", ["record", "replay"])
def test_the_file_of_a_record_arrives(testwright: Any, service: FakeService, tmp_path: Path, option: str) -> None:
    file = tmp_path / "run.jsonl"
    if option == "replay":
        file.write_text('{"testwright_tape":1,"made":0,"made_by":"testwright","chain":[]}\n')
    assert testwright("generate", "a.py", f"--{option}", str(file)).code == 0
    (request,) = service.requests
    assert {name: getattr(request, name) for name in ("record", "replay")} == {
        "record": None,
        "replay": None,
        option: file,
    }


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("record", "mine.txt", "exists already"),
        ("record", "none/run.jsonl", "there is no such folder"),
        ("replay", "mine.txt", "is no record of Testwright"),
        ("replay", "none.jsonl", "does not exist"),
    ],
)
def test_a_file_that_cannot_be_one_is_told_before_the_run(
    testwright: Any, service: FakeService, tmp_path: Path, *, option: str, name: str, words: str
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    outcome = testwright("generate", "a.py", f"--{option}", str(tmp_path / name))
    assert outcome.code == 2
    assert words in outcome.stderr
    assert service.requests == []
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_module_is_found_by_name(testwright: Any, service: FakeService) -> None:
    assert testwright("generate", "--module", "protocol_bridge", "--coverage-threshold", "70.0").code == 0
    (request,) = service.requests
    assert (request.path, request.module) == (None, "protocol_bridge")


def test_the_json_of_one_target_is_its_object(testwright: Any, service: FakeService) -> None:
    outcome = testwright("generate", "a.py", "--json")
    report = json.loads(outcome.stdout)
    assert outcome.stderr == ""
    assert report["status"] == "written"
    assert (report["success"], report["threshold_reached"]) == (True, True)
    assert report["test_file"] == "/work/shop/tests/test_cart.py"
    assert report["module"] == "shop.cart"
    assert report["coverage"]["before"]["line"] == 10.0
    assert report["coverage"]["after"] == {
        "line": 90.0,
        "branch": 75.0,
        "percent": 85.0,
        "missing_lines": [9],
        "missing_branches": [[9, 12], [14, -1]],
    }
    assert [test["name"] for test in report["tests"]["kept"]] == ["test_total", "test_total_empty", "test_add"]
    assert [test["reason"][:6] for test in report["tests"]["discarded"]] == ["adds n", "adds n", "failed"]
    assert report["seconds"] == {"analyse": 0.1, "explore": 3.4}
    assert (report["box"], report["seed"], report["stopped_by"]) == ("bubblewrap", 0, "plateau")
    assert report["interpreter"] == "/work/shop/.venv/bin/python"
    assert report["error"] is None


def test_the_json_of_several_targets_holds_all_runs(testwright: Any, service: FakeService) -> None:
    service.answers = [REPORT, failed("target", "No.")]
    outcome = testwright("generate", "a.py", "b.py", "--json")
    runs = json.loads(outcome.stdout)["runs"]
    assert [run["status"] for run in runs] == ["written", "failed"]
    assert runs[1]["error"] == {"slug": "target", "message": "No."}
    assert outcome.code == 3


def test_a_wrong_target_is_a_report_too(testwright: Any, service: FakeService) -> None:
    outcome = testwright("generate", "a.py::not a name", "b.py", "--json")
    runs = json.loads(outcome.stdout)["runs"]
    assert [run["status"] for run in runs] == ["failed", "written"]
    assert runs[0]["error"]["slug"] == "usage"
    assert outcome.code == 2


def test_events_are_json_lines_on_standard_error(testwright: Any, service: FakeService) -> None:
    service.answers = [failed("target", "No.")]
    outcome = testwright("generate", "a.py", "--json", "--events")
    events = [json.loads(line) for line in outcome.stderr.splitlines()]
    assert events == [
        {
            "kind": "phase",
            "target": "a.py",
            "phase": "explore",
            "message": "trying inputs",
            "elapsed": 0.25,
            "data": {"cases": 12},
        },
        {"kind": "error", "target": "a.py", "slug": "target", "message": "No."},
    ]
    assert json.loads(outcome.stdout)["status"] == "failed"


def test_what_a_person_sees(testwright: Any, service: FakeService) -> None:
    outcome = testwright("generate", "a.py")
    text = outcome.stdout
    assert "/work/shop/tests/test_cart.py  written: 3 tests for shop.cart" in text
    assert [line.split()[:2] for line in text.splitlines() if "Cart." in line] == [
        ["Cart.total", "2"],
        ["Cart.add", "1"],
    ]
    assert "10.0 % ->  90.0 %" in text
    assert "threshold 70 % reached" in text
    assert "14->exit" in text
    assert "9->12" not in text, "the missing line 9 says it already"
    assert "2 adds nothing to what is covered already" in text
    assert "1 failed with another hash seed" in text
    assert "bubblewrap, Python 3.12.1" in text
    assert "3.5 (analyse 0.1, explore 3.4)" in text
    assert "\x1b" not in text
    assert "next" not in text
    assert outcome.stderr == ""


def test_what_was_asked_of_models_is_told_one_on_a_line(testwright: Any, service: FakeService) -> None:
    uses = (ModelUse("a:free", "openrouter", 2, 2, 900, 100), ModelUse("b", "ollama", 1, 0, faults={"empty": 1}))
    service.answers = [replace(REPORT, models=uses)]
    lines = testwright("generate", "a.py").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:1] == ["Models"])
    assert lines[at].split(maxsplit=1)[1] == "asked a:free 2 times, 1,000 tokens, free, 0 s"
    assert lines[at + 1].strip() == "asked b once, 0 answers, 0 tokens, free, 0 s, faults: 1 empty"


@pytest.mark.parametrize(
    ("origins", "phases", "words"),
    [
        (
            ("embedded:search", "openhands", "openhands"),
            ("explore", "agent"),
            "1 of the embedded engine, 2 of the agent",
        ),
        (("embedded:search",) * 3, ("explore", "agent"), "3 of the embedded engine, none of the agent"),
        (("openhands",) * 3, ("agent",), "3 of the agent"),
        (("embedded:search",) * 3, ("explore",), None),
    ],
    ids=["both", "agent in vain", "agent alone", "no agent"],
)
def test_who_proposed_the_tests_is_told(
    testwright: Any,
    service: FakeService,
    origins: tuple[str, ...],
    phases: tuple[str, ...],
    words: str | None,
) -> None:
    kept = tuple(replace(test, origin=origin) for test, origin in zip(REPORT.kept, origins, strict=True))
    service.answers = [replace(REPORT, kept=kept, seconds=dict.fromkeys(phases, 1.0))]
    lines = [line.strip() for line in testwright("generate", "a.py").stdout.splitlines()]
    told = [line.split(maxsplit=1)[1] for line in lines if line.startswith("Tests ") and "of the" in line]
    assert told == ([] if words is None else [words])


def test_below_the_threshold_the_next_step_is_told(testwright: Any, service: FakeService) -> None:
    service.answers = [replace(BELOW, stopped_by="wall")]
    text = testwright("generate", "a.py").stdout
    assert "threshold 70 % not reached" in text
    assert "--budget" in text


def test_an_unknown_baseline_is_not_shown_as_a_number(testwright: Any, service: FakeService) -> None:
    service.answers = [replace(REPORT, coverage_before=None, notes=("The suite needs the network.",))]
    text = testwright("generate", "a.py").stdout
    assert "unknown ->  90.0 %" in text
    assert "The suite needs the network." in text


def test_text_of_the_user_is_no_markup(testwright: Any, service: FakeService) -> None:
    service.answers = [replace(REPORT, test_file="/w/[red]x[/red]/:smile:.py", notes=("[bold]a[/bold] [/nope]",))]
    text = testwright("generate", "a.py").stdout
    assert "/w/[red]x[/red]/:smile:.py" in text
    assert "[bold]a[/bold] [/nope]" in text


def test_a_dry_run_prints_the_diff_alone(testwright: Any, service: FakeService) -> None:
    diff = "--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-[old]\n+" + "x" * 300 + "\n\\ No newline at end of file\n"
    service.answers = [replace(REPORT, status="dry-run", diff=diff)]
    outcome = testwright("generate", "a.py", "--dry-run")
    assert outcome.stdout == diff
    assert "dry run, nothing written" in outcome.stderr


def test_a_failure_is_a_sentence_on_standard_error(testwright: Any, service: FakeService) -> None:
    service.answers = [failed("import-failure", "The module needs numpy [x]. Install it.")]
    outcome = testwright("generate", "a.py")
    assert outcome.stderr == "testwright: The module needs numpy [x]. Install it.\n"
    assert outcome.stdout == ""


def test_the_notes_of_a_failure_are_told_with_it(testwright: Any, service: FakeService) -> None:
    service.answers = [replace(failed("agent", "The agent broke off."), notes=("It is saved in [x].", "Mind that."))]
    outcome = testwright("generate", "a.py")
    assert outcome.stderr == "testwright: The agent broke off.\nnote  It is saved in [x].\nnote  Mind that.\n"
    events = testwright("generate", "a.py", "--events").stderr
    assert "note  " not in events, "they are lines of JSON already"


@pytest.mark.parametrize("ends", [KeyError("lost"), TargetError("It has gone.")], ids=["our own", "told"])
def test_what_a_run_has_told_before_it_broke_off_is_in_its_report(
    testwright: Any, service: FakeService, ends: Exception
) -> None:
    service.answers, service.notes = [ends], ("What was proven is saved in x.",)
    report = json.loads(testwright("generate", "a.py", "--json").stdout)
    assert report["notes"] == ["What was proven is saved in x."]


def test_at_a_terminal_one_line_tells_how_far_it_is() -> None:
    screen = io.StringIO()
    messages = Messages(events=False)
    messages.console = Console(file=screen, force_terminal=True, width=120)
    step = "step 7: running pytest, 3 [red]failed"
    data: dict[str, float | int | str] = {"requests": 14, "cost": 0.02, "covered": 78.57}
    with messages.progress("a[b].py") as on_event:
        on_event(RunEvent("progress", "agent", step, 130.2, data))
        on_event(RunEvent("note", "agent", "A note is no step.", 130.3))
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert f"a[b].py: {step}, 2 min 10 s, 14 requests, $0.02, 78 % covered" in told
    assert "A note is no step." not in told


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_an_error_of_our_own_is_a_sentence_and_costs_no_other_target(
    testwright: Any, service: FakeService, arguments: list[str]
) -> None:
    service.answers = [KeyError("lost"), REPORT]
    outcome = testwright("generate", "a.py", "b.py", *arguments)
    assert outcome.code == 3
    assert "Traceback" not in outcome.stderr
    assert "KeyError: 'lost'. Run again with --debug" in outcome.stderr
    assert len(service.requests) == 2
    if arguments:
        assert [run["status"] for run in json.loads(outcome.stdout)["runs"]] == ["failed", "written"]


def test_debug_shows_the_traceback(testwright: Any, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.answers = [KeyError("lost")]
    arguments = ("generate", "a.py", "--debug")
    monkeypatch.setattr(sys, "argv", ["testwright", *arguments])
    outcome = testwright(*arguments)
    assert outcome.code == 3
    assert "Traceback (most recent call last)" in outcome.stderr


# Started as a program of its own: a service that never ends, or that says what was loaded.
DRIVER = """
import asyncio, sys
import testwright.cli
import testwright.cli.generating as generating

class Endless:
    def __init__(self, *_): pass
    async def generate(self, request, on_event):
        print("started", file=sys.stderr, flush=True)
        try:
            await asyncio.sleep(60)
        finally:
            print("cleaned up", file=sys.stderr, flush=True)

generating.UnitTestGenerationService = Endless
sys.exit(testwright.cli.run(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "generate", "a.py", "b.py", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "started\n"
    begun = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - begun < 3
    assert stderr == "cleaned up\ntestwright: Cancelled: nothing was written for a.py.\n"
    runs = json.loads(stdout)["runs"]
    assert [(run["status"], run["error"]["slug"]) for run in runs] == [("cancelled", "cancelled")]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, testwright.cli\n"
        "code = testwright.cli.run(['generate', '--help'])\n"
        "print([name for name in ('rich', 'pydantic', 'asyncio', 'testwright.service') if name in sys.modules])\n"
        "sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    assert "--coverage-threshold" in ended.stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "testwright.cli", "--help"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert ended.stderr == ""


def test_a_name_that_the_terminal_cannot_show_is_escaped() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "testwright.cli", "generate", "nächte\udcff.py"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 2
    assert b"n\\xe4chte" in ended.stderr
    assert b"Traceback" not in ended.stderr
