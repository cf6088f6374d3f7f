"""The toy capability: its table, its service, its route and its command, each by its row alone."""
from harness import equal, has, test
from reconciliation import served


@test
def a_note_is_kept_by_the_toy_service_and_read_by_its_route_and_its_command():
    with served() as (world, requests):
        equal(requests.get("/v1/toy/notes").json(), {"notes": 0}, "by the route")
        equal(requests.get("/v1/toy/notes", token="").status, 401, "without a token")
        equal(requests.curl("/v1/toy/notes", "-X", "POST").status, 405, "another method")
        equal(world.gateway.json("toy", "--note", "a word"), {"notes": 1}, "by the command")
        equal(requests.get("/v1/toy/notes").json(), {"notes": 1}, "by the route, afterwards")
        has(world.gateway.ok("--help").out, "takes notes, in the tests only", "the help")
        world.gateway.ok("verify")
