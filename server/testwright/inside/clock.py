"""A shifted wall clock, to find tests that depend on the date: the mechanism named ``datetime-patch``.

``time.time``, ``time_ns``, ``localtime``, ``gmtime``, ``ctime``, ``asctime``, ``strftime`` (their default argument) and
``datetime.now``, ``utcnow``, ``today``, ``date.today`` all move by the same amount. No class is replaced: the entries
of the type's own dictionary are, so that ``isinstance``, subclasses and pickling hold, and so that a module which has
imported ``datetime`` by name sees it too. Functions of ``time`` are shifted for whoever looks them up from now on; the
module under test is imported later. ``monotonic``, ``perf_counter``, ``process_time``, file times, and clocks that
compiled code reads by itself do not move.
"""

# Local time without a zone is what this module is about.
# ruff: noqa: DTZ002, DTZ003, DTZ005, DTZ006, DTZ011
import datetime as dt
import gc
import time
import warnings
from typing import Any, Callable, Dict

MECHANISM = "datetime-patch"
NONE = "none"

_real_time = time.time
_real_time_ns = time.time_ns


class _Replacement:
    """Stands for a built-in function of ``time``; like one, it is no method when it is put into a class."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        original = getattr(time, name)
        self._call = call
        self.__name__ = name
        self.__qualname__ = name
        self.__module__ = "time"
        self.__doc__ = original.__doc__
        self.__text_signature__ = getattr(original, "__text_signature__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __reduce__(self) -> str:
        return self.__name__

    def __repr__(self) -> str:
        return f"<built-in function {self.__name__}>"


def shift(seconds: float) -> str:
    """Shift the wall clock of this process for good.

    Args:
        seconds: How far; negative for the past.

    Returns:
        The mechanism that holds now: ``datetime-patch``, or ``none`` when this interpreter does not allow it.
    """
    if not seconds:
        return NONE
    saved = {name: getattr(time, name) for name in _time_functions(0)}
    for name, call in _time_functions(seconds).items():
        setattr(time, name, _Replacement(name, call))
    try:
        undo = _patch_datetime(seconds)
    except Exception:
        undo = None
    if undo is not None and _holds(seconds):
        return MECHANISM
    for name, function in saved.items():
        setattr(time, name, function)
    if undo is not None:
        undo()
    return NONE


def _time_functions(seconds: float) -> Dict[str, Callable[..., Any]]:
    whole = int(seconds * 1_000_000_000)
    localtime, gmtime, ctime, asctime, strftime = time.localtime, time.gmtime, time.ctime, time.asctime, time.strftime

    def now() -> float:
        return _real_time() + seconds

    def now_ns() -> int:
        return _real_time_ns() + whole

    return {
        "time": now,
        "time_ns": now_ns,
        "localtime": lambda secs=None, /: localtime(now() if secs is None else secs),
        "gmtime": lambda secs=None, /: gmtime(now() if secs is None else secs),
        "ctime": lambda secs=None, /: ctime(now() if secs is None else secs),
        "asctime": lambda *given: asctime(*(given or (localtime(now()),))),
        "strftime": lambda format, *given: strftime(format, *(given or (localtime(now()),))),  # noqa: A006
    }


def _patch_datetime(seconds: float) -> Callable[[], None]:
    """Put shifted ``now`` and ``utcnow`` into the type; ``today`` asks ``time.time``, which is shifted already."""
    import ctypes  # noqa: PLC0415 - some interpreters have none; then the clock stays as it is

    kind = dt.datetime
    entries = gc.get_referents(kind.__dict__)[0]
    from_timestamp = entries["fromtimestamp"]
    utc_now = entries["utcnow"]
    delta = dt.timedelta(seconds=seconds)
    before = {name: entries[name] for name in ("now", "utcnow")}

    def now(cls: Any, tz: Any = None) -> Any:
        return from_timestamp.__get__(None, cls)(_real_time() + seconds, tz)

    def utcnow(cls: Any) -> Any:
        return utc_now.__get__(None, cls)() + delta

    now.__qualname__, utcnow.__qualname__ = "datetime.now", "datetime.utcnow"
    now.__doc__, utcnow.__doc__ = before["now"].__doc__, before["utcnow"].__doc__

    def put(values: Dict[str, Any]) -> None:
        entries.update(values)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))

    put({"now": classmethod(now), "utcnow": classmethod(utcnow)})
    return lambda: put(before)


def _holds(seconds: float) -> bool:
    """Whether every clock that is promised has moved (to within a minute)."""
    expected = _real_time() + seconds
    here = dt.datetime.fromtimestamp(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utc = dt.datetime.utcnow().replace(tzinfo=dt.timezone.utc).timestamp()
    seen = [
        time.time(),
        time.time_ns() / 1e9,
        time.mktime(time.localtime()),
        dt.datetime.now().timestamp(),
        dt.datetime.now(dt.timezone.utc).timestamp(),
        dt.datetime.today().timestamp(),
        utc,
    ]
    near = all(abs(value - expected) < 60 for value in seen)
    return near and abs((dt.date.today() - here.date()).days) <= 1 and isinstance(here, dt.datetime)
