"""Which mutants of the sample Testwright's selection could not have seen.

Testwright selects tests by half of its own mutants. The sample here is drawn without regard to that, so some of it may
coincide with what tests were selected by; a figure over the rest is not flattered by the selection.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mutants import Mutant, signature

from testwright.inside.mutants import apply, enumerate_mutants, for_selection


def unseen(source: str, sample: Sequence[Mutant]) -> list[bool]:
    """Say of each mutant whether none that tests may be selected by does the same.

    Args:
        source: The module's text.
        sample: Mutants of it.
    """
    tree = ast.parse(source)
    selecting = for_selection(enumerate_mutants(source, drop_equivalent=False))
    known = {signature(apply(tree, mutant)) for mutant in selecting}
    return [signature(mutant.source) not in known for mutant in sample]
