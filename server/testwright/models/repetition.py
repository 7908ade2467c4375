"""Whether a text has run into a loop: the same phrase again and again until its end. Pure.

Models that decode likeliest tokens fall into loops that strengthen themselves and do not end (Holtzman et al., "The
Curious Case of Neural Text Degeneration", 2020), so two things tell a loop from honest repetition: it is exact and
goes on to the last character, and what ends it is the limit of tokens. The numbers are ours, chosen so that no source
file of the standard library and of our dependencies is hit, wherever it is cut off.
"""

from __future__ import annotations

LONGEST_PHRASE = 400
"""Characters of a phrase that is looked for."""
FEWEST_TIMES = 20
"""How often the end of a text must be repeated, partly said phrases not counted."""
SHORTEST_LOOP = 200
"""Characters that the repetitions must have together, ..."""
LARGEST_HONEST_SHARE = 0.5
"""... when they are at least this share of the whole text, ..."""
LONG_LOOP = 3_000
"""... or else as many as this."""
UNCUT_TIMES = 50
UNCUT_SHARE = 0.9
"""For a text that came to an end by itself: more repetitions, and hardly anything else."""

_SAMPLE = 50
_WINDOW = LONGEST_PHRASE * FEWEST_TIMES
"""Characters at the end that a phrase is looked for in."""


def loop_in(text: str, *, is_cut: bool) -> str | None:
    """The phrase that a text repeats until its end; None when it does not.

    Args:
        text: What a model has said.
        is_cut: Whether the limit of tokens has ended it.
    """
    body = text.rstrip() or text
    # The end of a loop stands there once more, one phrase earlier; that is quickly seen.
    if body.find(body[-_SAMPLE:], -_SAMPLE - LONGEST_PHRASE, -1) < 0:
        return None
    period = _period(body[-_WINDOW:])
    if period is None:
        return None
    phrase = body[-period:]
    length = _length_of_loop(body, period)
    times = length // period
    if not phrase.strip():
        return None  # blanks are laid out, not said
    if is_cut:
        is_loop = times >= FEWEST_TIMES and (
            length >= LONG_LOOP or (length >= SHORTEST_LOOP and length >= LARGEST_HONEST_SHARE * len(body))
        )
    else:
        is_loop = times >= UNCUT_TIMES and length >= LONG_LOOP and length >= UNCUT_SHARE * len(body)
    return phrase.strip() if is_loop else None


def _period(text: str) -> int | None:
    """The shortest phrase that the end of a text repeats at least as often as a loop does; None when there is none.

    The prefix function of Knuth, Morris and Pratt over the reversed text gives, for each length of its end, the
    shortest period of that.
    """
    back = text[::-1]
    borders = [0] * len(back)
    border = 0
    found: int | None = None
    for place in range(1, len(back)):
        while border and back[place] != back[border]:
            border = borders[border - 1]
        if back[place] == back[border]:
            border += 1
        borders[place] = border
        period = place + 1 - border
        if period <= LONGEST_PHRASE and place + 1 >= period * FEWEST_TIMES and place + 1 >= SHORTEST_LOOP:
            found = period
    return found


def _length_of_loop(text: str, period: int) -> int:
    """How many characters at the end of a text have that period."""
    place = len(text) - period
    while place > 0 and text[place - 1] == text[place - 1 + period]:
        place -= 1
    return len(text) - place
