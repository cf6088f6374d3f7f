"""Runs tests in a namespace of their own, several at a time: one line per test, and the totals as the last line."""
import concurrent.futures
import os
import sys
import threading
import time
import traceback

import gateway
import harness
import world

_printing = threading.Lock()


def into_namespace():
    """As root: this same program again, alone in a network, mount and process namespace where lo is up. bash is the
    first process there and reaps orphans; all that is left ends with it."""
    if os.geteuid() != 0 or os.environ.get("SALLYPORT_TEST_INSIDE"):
        return
    os.environ["SALLYPORT_TEST_INSIDE"] = "1"
    alone = ["unshare", "-n", "-m", "-p", "-i", "-f", "--mount-proc", "--kill-child"]
    if os.system(" ".join(alone) + " ip link set lo up 2>/dev/null") == 0:
        script = 'ip link set lo up && "$@"; exit $?'
        os.execvp("unshare", [*alone, "bash", "-c", script, "bash", sys.executable, *sys.argv])
    print("no private namespace here (a container?): tests that need one are skipped", flush=True)
    os.environ["SALLYPORT_TEST_INSIDE"] = "no"


def say(word, name, seconds, text=""):
    with _printing:
        print(f"{word:<7} {name} ({seconds:.1f} s)" + (": " + text if text else ""), flush=True)


def _run_one(test, counts):
    begun = time.monotonic()
    try:
        if test.needs_root and os.environ.get("SALLYPORT_TEST_INSIDE") != "1":
            raise harness.Skip("needs root and a private namespace")
        test.run()
        word, text = "passed", ""
    except harness.Skip as skip:
        word = "FAILED" if isinstance(skip, harness.Missing) and os.environ.get("CI") else "SKIPPED"
        text = str(skip)
    except BaseException:  # whatever it was, it is this test's failure
        word, text = "FAILED", "\n" + traceback.format_exc()
    with _printing:
        counts[word] += 1
    say(word, test.name, time.monotonic() - begun, text)


def run_tests(tests, jobs, end=lambda: None):
    """The exit status. `tests` may be a generator: what it does before it yields runs inside the namespace. `end` is
    called before the totals."""
    if not os.access(gateway.BINARY, os.X_OK):
        sys.exit(f"{gateway.BINARY} is not there: build it, or name it with SALLYPORT=")
    counts = {"passed": 0, "FAILED": 0, "SKIPPED": 0}
    try:
        world.keys()
        tests = list(tests)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda t: _run_one(t, counts), [t for t in tests if not t.alone]))
        for test in tests:
            if test.alone:
                _run_one(test, counts)
    finally:
        keep = counts["FAILED"] and os.environ.get("SALLYPORT_TEST_KEEP")
        if keep:
            print(f"kept: {world.run_folder()}", flush=True)
        world.close_run(keep=keep)
    end()
    print(f"{counts['passed']} passed, {counts['FAILED']} failed, {counts['SKIPPED']} skipped", flush=True)
    return 1 if counts["FAILED"] or not counts["passed"] else 0
