"""The small frame that the end-to-end tests stand in: tests are functions whose names are sentences, marked @test; a
wait has a deadline and says what it waited for; a skip is loud. Nothing sleeps in order to be in time."""
import os

from waiting import SCALE, Missing, Skip, equal, tail, wait_until  # noqa: F401: tests take these from here

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
TESTS = []  # of Test, in the order of their files


class Test:
    def __init__(self, run, *, needs_root=False, alone=False, quick=False, name=None):
        self.run, self.needs_root, self.alone, self.quick = run, needs_root, alone, quick
        self.name = name or run.__name__
        self.file = "/".join(run.__code__.co_filename.split(os.sep)[-2:])


def test(run=None, *, needs_root=False, alone=False, quick=False):
    """Marks a test. needs_root: mounts or users are made in the private namespace. alone: no other test beside it.
    quick: also part of the short run on the sanitizer build."""
    def mark(function):
        TESTS.append(Test(function, needs_root=needs_root, alone=alone, quick=quick))
        return function
    return mark(run) if run else mark


def has(text, part, what="the text"):
    assert part in text, f"{what} does not have {part!r}:\n{text}"


def lacks(text, part, what="the text"):
    assert part not in text, f"{what} has {part!r} but should not:\n{text}"
