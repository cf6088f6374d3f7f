"""States of earlier builds (tests/corpus/state-*): today's program opens them, brings them up to date, answers what
they answered, and takes up the work that they left."""
import contextlib
import json
import os
import tarfile

from accrual_interface import AccrualInterface
from harness import equal, test
from world import World

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../corpus")
MOVING = {"attempts", "problem", "due_at", "next_at", "told", "told_at",
          "interface_answer"}  # of what the lane works on again


@contextlib.contextmanager
def old_state(name):
    """A world with that state, not started; its interface; the answers of the build that made it."""
    folder = os.path.join(CORPUS, name)
    with World(local=True) as world, AccrualInterface(world.folder) as interface:
        with tarfile.open(os.path.join(folder, "state.tar.gz")) as archive:
            archive.extractall(world.folder)
        endpoint = interface.endpoint()
        places = {"@folder@": world.folder, "@partner@": os.path.join(world.folder, "partner"),
                  "@acme@": world.keys.acme,
                  "@gateway@": world.keys.gateway, "@port@": str(interface.port), "@authority@": endpoint["ca-file"]}
        with open(os.path.join(folder, "sallyport.conf")) as file:
            text = file.read()
        for place, value in places.items():
            text = text.replace(place, value)
        with open(world.path, "w") as file:
            file.write(text)
        with open(os.path.join(folder, "expected.json")) as file:
            yield world, interface, json.load(file)


def assert_within(seen, expected, where):
    """Everything that was answered is answered, and the same; more may be."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            if name not in MOVING:
                assert name in seen, f"{where} has no {name} any more: {seen!r}"
                assert_within(seen[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(seen) >= len(expected), f"{where}: {len(seen)} rows, {len(expected)} expected"
        for i, value in enumerate(expected):
            assert_within(seen[i], value, f"{where}[{i}]")
    else:
        equal(seen, expected, where)


@test
def the_state_of_af36c8b_is_opened_answers_as_it_did_and_its_work_goes_on():
    with old_state("state-af36c8b") as (world, interface, expected):
        interface.plan(*["503"] * 1000)
        world.gateway.start()
        equal(world.gateway.stop(), 0, "the exit status")
        for name in ("balance", "entries", "files", "recon", "recon-show", "show", "show-held", "show-posting",
                     "trace"):
            seen, answer = world.gateway.json(*expected[name]["words"]), expected[name]["answer"]
            if name == "recon":  # the newest come first: statements of the days since then
                seen["tasks"] = seen["tasks"][-len(answer["tasks"]):]
            assert_within(seen, answer, name)
        chain = world.gateway.json("audit", "list")["records"]
        assert_within(chain[:len(expected["audit"]["answer"]["records"])], expected["audit"]["answer"]["records"],
                      "audit")
        world.gateway.ok("verify")
        with interface.lock:
            interface.planned.clear()
        world.gateway.start()
        row = world.gateway.wait_state("SENT_A.dat", "closed", seconds=60)
        equal((row["accepted"], row["rejected"], row["batches_posted"]), (49, 1, 3), "the file that was being posted")
        equal(interface.broken, [], "what the gateway did that the interface forbids")
        equal(world.gateway.run("release", "POINTS_E.dat").status, 0, "the held file's release")
        world.gateway.wait_state("POINTS_E.dat", "seen")
        equal(world.gateway.stop(), 0, "the exit status at the end")
        world.gateway.ok("verify")
