"""The toy capability: its setting, its table, its service, its route and its command, each by its row alone."""
from harness import equal, has, test
from reconciliation import Requests
from world import World


@test
def a_note_is_kept_by_the_toy_service_and_read_by_its_route_and_its_command():
    with World(local=True) as world:
        requests = Requests(world).apply()
        world.configuration.lane_settings["toy-notes"] = {"most": 1}
        world.start()
        requests.wait_up()
        equal(requests.get("/v1/toy/notes", is_described=False).json(), {"notes": 0}, "by the route")
        equal(requests.get("/v1/toy/notes", token="", is_described=False).status, 401, "without a token")
        equal(requests.curl("/v1/toy/notes", "-X", "POST", is_described=False).status, 405, "another method")
        equal(world.gateway.json("toy", "--note", "a word"), {"notes": 1}, "by the command")
        equal(requests.get("/v1/toy/notes", is_described=False).json(), {"notes": 1}, "by the route, afterwards")
        equal(world.gateway.run("toy", "--note", "one more").status, 7, "one more than the setting allows")
        equal(requests.get("/v1/toy/notes", is_described=False).json(), {"notes": 1}, "by the route, once more")
        has(world.gateway.ok("--help").out, "takes notes, in the tests only", "the help")
        world.gateway.ok("verify")
