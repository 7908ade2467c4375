"""Warnings about what holds for a while, such as a setting that is not used: each is shown once while it holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable


class Warnings:
    """Sentences that hold, by their source.

    Args:
        show: Shows one to the user.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._holding: dict[Hashable, frozenset[str]] = {}

    def hold(self, source: Hashable, sentences: Iterable[str]) -> None:
        """Take what holds of a source now; what does not hold of any source yet is shown.

        Args:
            source: What they are about: a folder, a file.
            sentences: All that hold of it; none forgets it.
        """
        now = tuple(dict.fromkeys(sentences))
        known = frozenset().union(*self._holding.values())
        self._holding[source] = frozenset(now)
        if not now:
            del self._holding[source]
        for sentence in now:
            if sentence not in known:
                self._show(sentence)
