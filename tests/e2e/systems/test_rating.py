"""rating: what usage costs, tried on a file with the tables that are in force; and what the check says of a rating."""
import os

import rates
from harness import equal, has, test
from packers import finish, opened
from world import World

USAGE = {"type": "delimited", "delimiter": "|",
         'record "D"': {'field "serial"': {"type": "text"}, 'field "msisdn"': {"type": "text", "mask": True},
                        'field "started"': {"type": "timestamp"}, 'field "seconds"': {"type": "integer"},
                        'field "product_code"': {"type": "text"}, 'field "zone_code"': {"type": "text"},
                        'field "tier"': {"type": "text", "optional": True}},
         'trailer "T"': {'field "count"': {"type": "integer", "control": "count"}}}


def music():
    return {"layout": "usage", "account": "msisdn", "event-time": "started", "scale": 6,
            "quantity": {"value": "seconds", "increment": 6, "first": 30},
            'lookup "rate"': {"table": "rates", "key": ["product_code", "zone_code"]},
            'step "minutes"': {"amount": "price(quantity, rate, 60)"},
            'step "member"': {"when": "tier IS NOT NULL", "amount": "portion(amount, 95, 100)"},
            "round": {"mode": "half-up", "scale": 2},
            'example "tie"': {"in": "seconds=78 rate=0.25", "out": "0.33"}}


def configure(world):
    feed = rates.feed(world)
    world.configuration.layouts["usage"] = USAGE
    world.configuration.lanes = {"points": [feed]}
    world.configuration.lane_settings['rating "music"'] = music()
    return feed


def usage(world, *records):
    path = os.path.join(world.folder, "usage.dat")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"D|{i}|13800000000|{record}\n" for i, record in enumerate(records)) + f"T|{len(records)}\n")
    return path


@test
def a_file_of_usage_is_rated_with_the_tables_in_force_and_nothing_is_booked():
    with World(local=True) as world:
        feed = configure(world)
        world.start()
        path = usage(world, "2024-11-30T23:59:59.999+08:00|78|P1|home|", "2024-12-01T00:00:00+08:00|78|P1|home|",
                     "2024-11-30T16:00:00Z|60|P1|home|gold", "2023-06-01T00:00:00Z|60|P1|home|",
                     "2024-06-01T00:00:00Z|60|P7|home|", "2024-06-01T00:00:00Z|-1|P1|home|")
        early = world.gateway.json("rating", "try", path)
        equal((early["rated"], early["suspended"]), (0, 6), "before anything is loaded")
        feed.drop("RATES_1.pgp", world.partner.seal(rates.text("full", 1, [
            rates.rate("P1", "0.2500", "2024-01-01", "2024-11-30"), rates.rate("P1", "0.3000", "2024-12-01")])))
        equal(opened(world, feed, "RATES_1_FB.dat.pgp").verdict, "ACCEPTED", "the rates")
        tried = world.gateway.json("rating", "try", path)
        told = [(r["status"], r.get("amount", r.get("code"))) for r in tried["records"]]
        equal(told, [("rated", "0.33"), ("rated", "0.39"), ("rated", "0.29"), ("suspended", "B002"),
                     ("suspended", "B001"), ("rejected", "B005")], "each record")
        equal((tried["rated"], tried["total"]), (3, "1.01"), "the sum")
        first = tried["records"][0]
        equal([(s["step"], s["change"]) for s in first["steps"]], [("minutes", "0.325000"), ("rounding", "0.005000")],
              "the steps")
        equal([(r["table"], r["version"]) for r in first["rows"]], [("rates", 1)], "the rows")
        has(world.gateway.ok("rating", "try", path).out, "minutes 0.325000, rounding 0.005000", "the table for people")
        equal(world.gateway.json("entries")["entries"], [], "credits")
        with open(path, "a", encoding="utf-8") as file:
            file.write("D|9|1|x|1|P1|home|\n")
        has(world.gateway.run("rating", "try", path).err, "line 8", "a line behind the trailer")
        equal(world.gateway.run("rating", "try", path, "--name", "none").status, 4, "a rating that is none")
        finish(world)


@test
def the_check_computes_the_examples_and_refuses_a_bare_product_of_money():
    with World(local=True) as world:
        configure(world)
        world.write_configuration()
        equal(world.gateway.run("check").status in (0, 12), True, "the right one")
        rating = world.configuration.lane_settings['rating "music"']
        rating['example "tie"'] = {"in": "seconds=78 rate=0.25", "out": "0.32"}
        world.write_configuration()
        wrong = world.gateway.run("check")
        equal(wrong.status, 3, "a wrong example")
        has(wrong.err + wrong.out, 'example "tie" comes to 0.33, and not to 0.32', "the check")
        rating['step "minutes"'] = {"amount": "quantity * rate / 60"}
        world.write_configuration()
        has(world.gateway.run("check").err + world.gateway.run("check").out,
            "minutes: * is not for amounts: say price(quantity, rate, per)", "the check")
