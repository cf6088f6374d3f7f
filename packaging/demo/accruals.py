"""Accrual files as the partner writes them, and the feedback files that come back: made, counted and read here
by rules of their own, so that what the gateway says can be held against something that is not the gateway."""
import dataclasses

DAY = "2026-11-20"
CANARY = "CANARY-STORE-7731"  # stands in every record: found on disk, it is plaintext that was left behind


@dataclasses.dataclass
class Record:
    member: str
    reference: str
    points: str
    amount: str = "12.30"
    at: str = DAY + "T10:11:12+08:00"
    store: str = CANARY
    currency: str = "CNY"
    category: str = "GROCERY"

    def line(self):
        return "|".join(["D", self.member, self.reference, self.points, self.amount, self.at, self.store,
                         self.currency, self.category])


def records(count, *, prefix="R", points=100, members=50, broken=()):
    """`count` good records; those whose ordinal (from 1) is in `broken` break the points rule."""
    made = []
    for i in range(1, count + 1):
        value = 100000 + i if i in broken else points + i % 7
        made.append(Record(f"M{i % members:09d}", f"{prefix}-{i:08d}", str(value)))
    return made


def text(made, *, sequence=1, count=None, total=None, header=None, trailer=None, end="\n"):
    """The whole file. `count` and `total` override what the trailer declares; `header` and `trailer` the whole line."""
    if total is None:
        total = sum(int(r.points) for r in made if r.points.isdigit())
    lines = [header if header is not None else f"H|ACME|{DAY}|{sequence:06d}|1"]
    lines += [r.line() if isinstance(r, Record) else r for r in made]
    lines.append(trailer if trailer is not None else f"T|{len(made) if count is None else count}|{total}")
    return end.join(line for line in lines if line != "") + end


@dataclasses.dataclass
class Feedback:
    """A decrypted feedback or exception file."""
    verdict: str
    code: str
    message: str
    results: list       # (reference, "OK" | "REJECTED" | "DUPLICATE", code), in the file's order
    lines: int
    accepted: int
    rejected: int
    duplicates: int
    amount: int
    raw: str

    def of(self, reference):
        return [(result, code) for key, result, code in self.results if key == reference]


def parse_feedback(raw):
    lines = raw.splitlines()
    header, trailer = lines[0].split("|"), lines[-1].split("|")
    assert header[0] == "H", f"a feedback file begins with a header, not {lines[0]!r}"
    assert trailer[0] == "T", f"a feedback file ends with a trailer, not {lines[-1]!r}"
    results = []
    for line in lines[1:-1]:
        fields = line.split("|")
        assert fields[0] == "D", f"not a record of a feedback file: {line!r}"
        results.append((fields[-3], fields[-2], fields[-1]))
    numbers = [int(field or 0) for field in trailer[1:6]]
    return Feedback(header[-3], header[-2], header[-1], results, *numbers, raw)
