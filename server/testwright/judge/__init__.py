"""The judge: stability, coverage, minimising; verdicts with evidence."""
