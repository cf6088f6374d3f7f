"""Waiting with a deadline that says what was waited for, and one comparison. Nothing sleeps in order to be in time."""
import os
import time


class Skip(Exception):
    """The machine lacks what the test needs; the message says what."""


class Missing(Skip):
    """A package of packaging/packages is not here: in continuous integration, where all of them are, that is a
    failure."""


SCALE = float(os.environ.get("SALLYPORT_TEST_PATIENCE", "1"))  # slower builds wait longer


def wait_until(what, condition, *, seconds=30, pause=0.03, log=None):
    """Polls until `condition` gives something true, and returns it. A deadline that passes fails with `what`, the last
    exception of the condition if it raised one, and the tail of the log."""
    end = time.monotonic() + seconds * SCALE
    problem = None
    while True:
        try:
            value = condition()
            problem = None
        except (AssertionError, OSError, KeyError, ValueError, LookupError) as error:
            value, problem = None, error
        if value:
            return value
        if time.monotonic() > end:
            text = f"waited {seconds * SCALE:.0f} s for: {what}"
            if problem is not None:
                text += f"\n  last seen: {type(problem).__name__}: {problem}"
            if log is not None:
                text += "\n" + log()
            raise AssertionError(text)
        time.sleep(pause)


def equal(seen, expected, what):
    assert seen == expected, f"{what}: {seen!r}, expected {expected!r}"


def tail(path, lines=40):
    try:
        with open(path, errors="backslashreplace") as file:
            return f"--- the last lines of {os.path.basename(path)}\n" + "".join(file.readlines()[-lines:])
    except OSError as error:
        return f"--- {path}: {error}"
