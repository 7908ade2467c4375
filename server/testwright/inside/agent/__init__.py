"""The agent's program: OpenHands' SDK in a box, on an interpreter of its own (Python 3.12 or 3.13), behind one pipe.

``bootstrap`` is what is started, ``program`` what it then runs. Only these modules may import ``openhands``; nothing of
``testwright_inside`` but this package is used by them.
"""
