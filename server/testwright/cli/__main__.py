"""``python -m testwright.cli``."""

from testwright.cli import main

main()
