#!/usr/bin/env python3
"""Writes the files of mainframes into a folder (this one): the good ones by GnuCOBOL from mainframe.cob and
gnucobol.cob, blocked here, and the bad ones by changing bytes of these. `generate` does not call it: it needs cobc."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def compiled(name, *options):
    """What the program writes."""
    with tempfile.TemporaryDirectory() as work:
        program = os.path.join(work, name)
        subprocess.run(["cobc", "-x", "-free", *options, "-o", program, os.path.join(HERE, f"{name}.cob")], check=True,
                       cwd=work)
        subprocess.run([program], check=True, cwd=work)
        with open(os.path.join(work, f"{name}.good.dat"), "rb") as file:
            return file.read()


def changed(data, old, new):
    assert data.count(old) == 1, old
    return data.replace(old, new)


def lines_of(data):
    """With their descriptor words, which count themselves."""
    lines = []
    while data:
        length = int.from_bytes(data[:2], "big")
        lines.append(data[:length])
        data = data[length:]
    return lines


def word(length):
    return length.to_bytes(2, "big") + b"\0\0"


def block(*lines):
    inner = b"".join(word(4 + len(line)) + line for line in lines)
    return word(4 + len(inner)) + inner


def blocked():
    def posting(name, reference, points):
        return ("D" + name.ljust(6) + reference).encode("cp273") + points
    notes = ["N" + text.ljust(8) for text in ("ERSTE", "ZWEITE", "ALLEIN")]
    first, second, alone = (text.encode("cp273") for text in notes)
    return b"".join([block(posting("MÜLLER", "R001", b"\xf0\xf0\xf1\xf2\xc0"), first), block(second),
                     block(posting("ÄÖÜ", "R002", b"\xf0\xf0\xf0\xf1\xd0"),
                           posting("ABEL", "R003", b"\xf0\xf0\xf0\xf0\xf7"), alone),
                     block("T003".encode("cp273") + b"\x00\x11\x7c")])


def shifting():
    """Characters of two bytes between SO and SI."""
    def encoded(text):
        return subprocess.run(["iconv", "-f", "UTF-8", "-t", "IBM1388"], input=text.encode(), check=True,
                              capture_output=True).stdout
    names = [encoded(name).ljust(12, b"\x40") for name in ("王小明", "李A", "ABEL")]
    return b"".join([*(b"\xc4" + encoded(f"R{n}") + name + b"\x00\x12\x3c" for n, name in enumerate(names, 1)),
                     encoded("T3").ljust(18, b"\x40")])


def files():
    good = compiled("mainframe", "-fsign=EBCDIC")
    header, first, second, third, trailer = lines_of(good)
    amount = bytes.fromhex("0000000000123456789C")
    yield "mainframe.good", good
    yield "mainframe.bad-half-byte", changed(good, amount, bytes.fromhex("00000000001A3456789C"))
    yield "mainframe.bad-sign", changed(good, amount, bytes.fromhex("00000000001234567891"))
    yield "mainframe.bad-beyond", changed(good, amount, bytes.fromhex("9223372036854775808C"))
    yield "mainframe.bad-total-beyond", changed(good, amount, bytes.fromhex("9223372036854775807C"))
    yield "mainframe.bad-total", changed(good, trailer[-10:], trailer[-10:-1] + b"\x6c")
    yield "mainframe.bad-count", header + first + third + trailer
    yield "mainframe.bad-cut", good[:-3]
    yield "mainframe.bad-word", header + b"\0\x4c\0\x01" + first[4:] + second + third + trailer
    yield "mainframe.bad-length", header + word(30) + first[4:30] + second + third + trailer
    yield "mainframe.bad-no-words", b"".join(line[4:] for line in lines_of(good))
    yield "mainframe.bad-blocked", b"".join(word(4 + len(line)) + line for line in lines_of(good))
    own = compiled("gnucobol")
    yield "gnucobol.good", own
    yield "gnucobol.bad-zone", changed(own, b"00000030u", b"00000030N")
    yield "gnucobol.bad-counted", b"".join(word(4 + n) + line for n, line in ((27, own[4:31]), (27, own[35:62]),
                                                                              (14, own[66:])))
    shifted = shifting()
    yield "shifting.good", shifted
    yield "shifting.bad-open", changed(shifted, b"\x0f\xc1", b"\xc1\xc1")
    yield "shifting.bad-half", changed(shifted, b"\x0f\xc1", b"\x41\x0f")
    tape = blocked()
    yield "blocked.good", tape
    yield "blocked.bad-cut", tape[:-8]
    yield "blocked.bad-length", changed(tape, word(57), word(56))
    yield "blocked.bad-zone", changed(tape, b"\xf1\xd0", b"\xf1\xe0")


def main(folder):
    for name, data in files():
        with open(os.path.join(folder, f"{name}.dat"), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE)
