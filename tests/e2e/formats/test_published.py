"""The layouts that are shipped, in feeds: each passes the check, and its good file is what a feed takes."""
import os

from harness import TOP, equal, test
from world import World

# format: the key's fields, account, amount; and how many records of its good file are credited: not all have keys of
# their own
FEEDS = {
    "aba": ("reference", "account", "amount", 2), "ach-p01": ("reference", "account", "amount", 3),
    "aeb43": ("document", "account", "amount", 3), "alipay": ("trade kind", "order", "amount", 2),
    "bai2": ("bank_reference", "account", "amount", 3), "bgmax": ("number", "receiver", "amount", 4),
    "cfonb120": ("reference", "account", "amount", 3), "clieop03": ("account", "payer_account", "amount", 2),
    "cnab240": ("reference", "payee_account", "amount", 2), "cnab400": ("slip", "company_account", "paid", 3),
    "elixir": ("account", "name", "amount", 2), "huadan": ("number", "caller", "fee", 3),
    "ktl": ("archive", "account", "amount", 3), "mainframe": ("reference", "account", "amount", 3),
    "masav": ("employee", "account", "amount", 3),
    "mt940": ("reference", "account", "amount", 4), "nacha": ("trace", "account", "amount", 3),
    "ocr-giro": ("number", "own_account", "amount", 3), "riba": ("number", "company", "amount", 2),
    "star-accrual": ("ticket", "member", "miles", 4), "unionpay-zm": ("query", "order", "amount", 3),
    "wechat": ("payment state", "payer", "settled", 3), "x12-835": ("claim", "set_number", "paid", 4),
    "yibao-3202": ("setl_id", "psn_no", "fund_pay_sumamt", 3), "zengin": ("customer", "account", "amount", 3),
}

FEED = """
  feed "%(name)s" {
    partner = "acme-bank"  layout = "%(name)s"  key = { %(key)s }
    source { endpoint = "main"  path = "/outgoing/%(name)s"  match = '*' }
    on-reject = record
    process ledger { name = "%(name)s"  account = "%(account)s"  amount = "%(amount)s" }
    feedback { endpoint = "main"  path = "/incoming"  name = '{stem}_FB.dat.pgp' }
  }"""


@test
def each_published_format_is_what_a_feed_takes():
    layouts = os.path.join(TOP, "conf/samples/layouts")
    equal(sorted(name.removesuffix(".conf") for name in os.listdir(layouts)), sorted(FEEDS), "the layouts")
    with World(local=True) as world:
        feeds = [FEED % {"name": name, "key": '"%s"' % '", "'.join(key.split()), "account": account, "amount": amount}
                 for name, (key, account, amount, _) in FEEDS.items()]
        world.write_configuration()
        with open(world.path) as file:
            text = file.read()
        with open(world.path, "w") as file:
            file.write("".join(f'include("{layouts}/{name}.conf")\n' for name in FEEDS))
            file.write(text + 'lane "published" {' + "".join(feeds) + "\n}\n")
        world.gateway.ok("check")
        for name, (*_, credited) in FEEDS.items():
            path = os.path.join(TOP, "tests/corpus/formats", f"{name}.good.dat")
            told = world.gateway.run("try", name, path, "--plain", "--json").json()
            equal((name, told["accepted"], told["totals"]["accepted"]), (name, True, credited), str(told))
