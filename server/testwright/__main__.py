"""``python -m testwright`` is the ``testwright`` program of that Python, wherever its scripts are."""

from testwright.cli import main

if __name__ == "__main__":
    main()
