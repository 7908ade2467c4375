from __future__ import annotations

import pytest

from testwright.provisioning.setup_words import setup_failure

# What uv 0.13 and pip 26 have said.
NO_SPACE = "error: Failed to install: big-1.0-py3-none-any.whl (big==1.0)\n  cause: failed to write to file\n  cause: No space left on device (os error 28)\n"
HASH = """error: Failed to install: a-1.0-py3-none-any.whl (a==1.0)
  cause: Hash mismatch for `a==1.0`

Expected:
  sha256:00

Computed:
  sha256:11
"""
REFUSED = "error: Request failed after 3 retries\n  cause: Failed to fetch: `http://ada:secret-word@127.0.0.1:1/simple/a/`\n  cause: error sending request for url\n  cause: tcp connect error: Connection refused (os error 111)\n"
ABSENT = "error: No solution found when resolving dependencies:\n  cause: Because a was not found in the package registry and you require a==1.0, we can conclude that your requirements are unsatisfiable.\n"
CERTIFICATE = (
    "error: Failed to fetch: `https://index.example/simple/a/`\n  cause: invalid peer certificate: UnknownIssuer\n"
)
DENIED = "error: Failed to fetch: `https://index.example/simple/a/`\n  cause: HTTP status client error (401 Unauthorized) for url\n"
PIP = "WARNING: skipped\nERROR: Could not find a version that satisfies the requirement uv==0.13.9 (from versions: none)\nERROR: No matching distribution found for uv==0.13.9\n"


@pytest.mark.parametrize(
    ("output", "message", "cause"),
    [
        (NO_SPACE, "The disk is full.", "No space left on device"),
        (HASH, "is not the one that was locked", "Hash mismatch for `a==1.0`"),
        (REFUSED, "could not be reached", "Connection refused"),
        (ABSENT, "does not have a package that is needed", "a was not found"),
        (CERTIFICATE, "certificate is not trusted here", "UnknownIssuer"),
        (DENIED, "wants other credentials", "401 Unauthorized"),
        (PIP, "does not have a package that is needed", "No matching distribution found for uv==0.13.9"),
        ("error: Permission denied (os error 13)\n", "could not be written", "Permission denied"),
        ("what\n", "uv ended with code 2.", ""),
        ("", "uv ended with code 2.", ""),
    ],
)
def test_each_failure_has_a_sentence_and_a_next_step(output: str, message: str, cause: str) -> None:
    error = setup_failure("uv", 2, output)
    assert message in error.message
    assert cause in error.message
    assert error.message.startswith("The agent was not set up")
    assert error.next_step
    assert "\n" not in str(error)


def test_no_password_is_told() -> None:
    assert "secret-word" not in str(setup_failure("uv", 2, REFUSED))
    assert "****@127.0.0.1:1" in str(setup_failure("uv", 2, REFUSED))


def test_a_long_cause_is_cut() -> None:
    error = setup_failure("uv", 2, f"error: {'x' * 1000}\n")
    assert len(error.message) < 500
    assert error.message.endswith("…")


def test_colours_are_taken_out() -> None:
    assert "uv says: bad thing" in setup_failure("uv", 2, "\x1b[1m\x1b[31merror\x1b[39m\x1b[0m: bad thing\n").message


def test_a_signal_is_told() -> None:
    assert setup_failure("uv", -9, "").message == "uv was ended by signal 9."
