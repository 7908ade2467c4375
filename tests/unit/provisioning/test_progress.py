from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from testwright.provisioning import progress
from testwright.provisioning.progress import SetupProgress, watched


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (SetupProgress("fetching", 120, 184, 310), "fetching packages: 120 of 184, 310 MB"),
        (SetupProgress("fetching", 0, 184), "fetching packages: 0 of 184"),
        (SetupProgress("fetching", 3, None), "fetching packages: 3"),
        (SetupProgress("fetching", 0, 0), "fetching packages"),
        (SetupProgress("trying"), "importing it once in a box"),
    ],
)
def test_progress_in_words(event: SetupProgress, words: str) -> None:
    assert event.words == words


async def test_packages_are_counted_as_they_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LOOK_SECONDS", 0.01)
    cache, site = tmp_path / "cache", tmp_path / "site"
    (cache / "archive-v0" / "old").mkdir(parents=True)
    told: list[SetupProgress] = []
    seen = asyncio.Event()

    def tell(event: SetupProgress) -> None:
        told.append(event)
        seen.set()

    async with watched(cache, site, 2, 3, tell):
        await seen.wait()
        await asyncio.sleep(0.1)  # some looks at which nothing is new
        for name in ("one", "two"):
            (cache / "archive-v0" / name).mkdir()
            (cache / "archive-v0" / name / "data").write_bytes(b"x" * 1_500_000)
        while told[-1].done < 2:
            seen.clear()
            await seen.wait()
        for name in ("a", "b", "c"):
            (site / f"{name}-1.0.dist-info").mkdir(parents=True)

    assert told[0] == SetupProgress("fetching", 0, 2), "what was there before is not counted"
    assert SetupProgress("fetching", 2, 2, 3) in told
    assert told[-1] == SetupProgress("installing", 3, 3)
    assert len(told) == len(set(told)), "nothing is told twice"
