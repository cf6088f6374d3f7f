"""The small frame that the end-to-end tests stand in: tests are functions whose names are sentences, marked @test; a wait
has a deadline and says what it waited for; a skip is loud. Nothing sleeps in order to be in time."""
import os
import time

TESTS = []  # of Test, in the order of their files


class Skip(Exception):
    """The machine lacks what the test needs; the message says what."""


class Test:
    def __init__(self, run, *, needs_root=False, alone=False, quick=False, name=None):
        self.run, self.needs_root, self.alone, self.quick = run, needs_root, alone, quick
        self.name = name or run.__name__
        self.file = os.path.basename(run.__code__.co_filename)


def test(run=None, *, needs_root=False, alone=False, quick=False):
    """Marks a test. needs_root: mounts or users are made in the private namespace. alone: no other test beside it.
    quick: also part of the short run on the sanitizer build."""
    def mark(function):
        TESTS.append(Test(function, needs_root=needs_root, alone=alone, quick=quick))
        return function
    return mark(run) if run else mark


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


def has(text, part, what="the text"):
    assert part in text, f"{what} does not have {part!r}:\n{text}"


def lacks(text, part, what="the text"):
    assert part not in text, f"{what} has {part!r} but should not:\n{text}"


def tail(path, lines=40):
    try:
        with open(path, errors="backslashreplace") as file:
            return f"--- the last lines of {os.path.basename(path)}\n" + "".join(file.readlines()[-lines:])
    except OSError as error:
        return f"--- {path}: {error}"
