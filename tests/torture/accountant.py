"""Partners of a storm, and their accountant. He reads what a partner sees: the files that were sent, the answers that
came back, the statement, and the other system's own list of credits. Nothing of the gateway's is asked."""
import collections
import dataclasses
import os

import accruals
from harness import equal

KINDS = ("good",) * 11 + ("copy", "unsigned", "torn", "trailer")


@dataclasses.dataclass
class Sent:
    name: str
    kind: str
    records: list
    broken: set


class Sender:
    """What goes into one folder: files of every kind, records that come twice, all of it by the dice."""

    def __init__(self, world, dice, folder, prefix):
        self.world, self.dice, self.prefix = world, dice, prefix
        self.folder = os.path.join(world.partner.root, folder)
        os.makedirs(self.folder, exist_ok=True)
        self.sent = []
        self.amount = {}  # key -> points that must be credited, once

    def send(self):
        number, kind = len(self.sent) + 1, self.dice.choice(KINDS)
        earlier = [s for s in self.sent if s.kind == "good"]
        if kind == "copy" and not earlier:
            kind = "good"
        name = f"{self.prefix}_{number:04d}.dat.pgp"
        if kind == "copy":
            source = self.dice.choice(earlier)
            sent = Sent(name, kind, source.records, source.broken)
        else:
            sent = self._compose(name, kind, number, earlier)
        self.sent.append(sent)
        if kind == "good":
            self.amount.update({r.reference: int(r.points) for i,
                                r in enumerate(sent.records, 1) if i not in sent.broken and r.reference})
        self._put(sent)
        return f"sends {name}, {kind}, of {len(sent.records)} records"

    def _compose(self, name, kind, number, earlier):
        count = self.dice.choice((1, 7, 60, 300))
        broken = {i for i in range(1, count + 1) if self.dice.random() < 0.03}
        made = accruals.records(count, prefix=f"{self.prefix}{number}", broken=broken, points=self.dice.randint(1, 900))
        if kind == "good" and earlier and self.dice.random() < 0.4:
            other = self.dice.choice(earlier)
            again = [r for i, r in enumerate(other.records, 1) if i not in other.broken][:5]
            made += again
        return Sent(name, kind, made, broken)

    def _put(self, sent):
        """As a careful partner does: a temporary name, a rename, the marker last."""
        partner = self.world.partner
        plain = accruals.text(sent.records, count=len(sent.records) + (sent.kind == "trailer"))
        partner.originals[sent.name] = plain
        sealed = partner.seal(plain, **({"signer": None} if sent.kind == "unsigned" else {}))
        if sent.kind == "torn":
            sealed = sealed[:len(sealed) * 2 // 3]
        for name, content in ((sent.name, sealed), (sent.name + ".ok", b"")):
            temporary = os.path.join(self.folder, ".being-written")
            with open(temporary, "wb") as file:
                file.write(content)
            os.rename(temporary, os.path.join(self.folder, name))


def answered(world, senders):
    """Names of what has no answer yet."""
    markers = set(world.partner.markers())
    return [s.name for sender in senders for s in sender.sent
            if not any(world.answer_name(s.name, kind) + ".ok" in markers for kind in ("FB", "EX"))]


def settle_accounts(world, sender):
    """{key: (account, points)} of what the answers say was credited; each rule that they break is told."""
    credited, told = {}, set(world.partner.received())
    for sent in sender.sent:
        names = [n for n in (world.answer_name(sent.name, kind) for kind in ("FB", "EX")) if n in told]
        equal(len(names), 1, f"answers to {sent.name} ({names})")
        answer = accruals.parse_feedback(world.partner.open(names[0]))
        for key, points in check_answer(sent, answer):
            assert key not in credited, f"{key} was credited twice: the second time by {names[0]}"
            credited[key] = points
    lost = sorted(set(sender.amount) - set(credited))
    assert not lost, f"never credited, though sent and well: {len(lost)} records, such as {lost[:3]}"
    wrong = [key for key, points in credited.items() if sender.amount.get(key) != points]
    assert not wrong, f"credited, but not so: {wrong[:3]}"
    return credited


def check_answer(sent, answer):
    """(key, points) of the lines that the answer calls credited."""
    if sent.kind not in ("good", "copy"):
        equal(answer.accepted, 0, f"accepted of {sent.name}, which is {sent.kind}")
        return []
    tally = collections.Counter(result for _, result, _ in answer.results)
    if answer.results:
        equal((len(answer.results), tally["OK"]), (len(sent.records), answer.accepted),
              f"lines and accepted lines of {sent.name}")
    credited = [(record.reference, int(record.points)) for record, (key, result, _) in zip(sent.records, answer.results)
                if result == "OK" and equal(key, record.reference, "a line's key") is None]
    equal(answer.amount, sum(points for _, points in credited), f"the amount of {sent.name}'s answer")
    return credited
