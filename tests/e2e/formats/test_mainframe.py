"""What GnuCOBOL writes, as a mainframe does, is credited to the cent, and answered so that GnuCOBOL reads it."""
import os
import subprocess
import sys
import tempfile

from harness import TOP, equal, has, test
from world import World

FORMATS = os.path.join(TOP, "tests/corpus/formats")
READER = """
IDENTIFICATION DIVISION.
PROGRAM-ID. ANSWERS.
ENVIRONMENT DIVISION.
INPUT-OUTPUT SECTION.
FILE-CONTROL.
  SELECT ANSWERS ASSIGN TO "answers" ORGANIZATION SEQUENTIAL.
DATA DIVISION.
FILE SECTION.
FD ANSWERS.
01 ANSWER.
  05 FILLER PIC X.
  05 REFERS-TO PIC X(10).
  05 AMOUNT PIC S9(17)V99 COMP-3.
  05 POINTS PIC S9(9) COMP.
  05 BALANCE PIC S9(9)V99.
  05 BALANCE-BYTES REDEFINES BALANCE PIC X(11).
  05 FILLER PIC X(4).
  05 OUTCOME PIC X(9).
WORKING-STORAGE SECTION.
01 A PIC X(32) VALUE "0123456789ABCDEFGHIJKLMNOPQR- {}".
01 E PIC X(32) VALUE X"F0F1F2F3F4F5F6F7F8F9" & X"C1C2C3C4C5C6C7C8C9" & X"D1D2D3D4D5D6D7D8D9" & X"6040C0D0".
01 SHOWN-AMOUNT PIC -(17)9.99.
01 SHOWN-POINTS PIC -(9)9.
01 SHOWN-BALANCE PIC -(9)9.99.
01 AT-END PIC 9 VALUE 0.
PROCEDURE DIVISION.
  OPEN INPUT ANSWERS.
  PERFORM UNTIL AT-END = 1
    READ ANSWERS AT END MOVE 1 TO AT-END
    NOT AT END
      INSPECT REFERS-TO CONVERTING E TO A
      INSPECT BALANCE-BYTES CONVERTING E TO A
      INSPECT OUTCOME CONVERTING E TO A
      MOVE AMOUNT TO SHOWN-AMOUNT
      MOVE POINTS TO SHOWN-POINTS
      MOVE BALANCE TO SHOWN-BALANCE
      DISPLAY REFERS-TO " " FUNCTION TRIM(SHOWN-AMOUNT) " " FUNCTION TRIM(SHOWN-POINTS) " "
        FUNCTION TRIM(SHOWN-BALANCE) " " OUTCOME(1:2)
    END-READ
  END-PERFORM.
  CLOSE ANSWERS.
  STOP RUN.
"""


def content(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def lines_of(data):
    """Behind their descriptor words."""
    lines = []
    while data:
        length = int.from_bytes(data[:2], "big")
        assert 4 <= length <= len(data) and data[2:4] == b"\0\0", data[:4]
        lines.append(data[4:length])
        data = data[length:]
    return lines


def read_by_cobol(work, lines):
    with open(os.path.join(work, "answers.cob"), "w") as file:
        file.write(READER)
    with open(os.path.join(work, "answers"), "wb") as file:
        file.write(b"".join(line[:49] for line in lines))
    subprocess.run(["cobc", "-x", "-free", "-fsign=EBCDIC", "-o", "read", "answers.cob"], check=True, cwd=work)
    return subprocess.run([os.path.join(work, "read")], check=True, cwd=work, capture_output=True,
                          text=True).stdout.splitlines()


def world_of():
    world = World(local=True)
    world.configuration.layouts = {}
    world.configuration.extra = f'include("{TOP}/conf/samples/layouts/mainframe.conf")\n'
    world.feed.settings.update({"layout": "mainframe", "business-date": "day"})
    world.feed.rules, world.feed.batch = {}, None
    world.feed.ledger.update({"account": "account", "amount": "amount"})
    world.feed.feedback.update({"columns": ["reference", "amount", "points", "balance", "token"],
                                "explain": ["line", "field", "reason"]})
    return world


@test(quick=True)
def what_a_mainframe_sends_is_credited_to_the_cent_and_answered_in_kind():
    with tempfile.TemporaryDirectory() as work, world_of() as world:
        subprocess.run([sys.executable, os.path.join(FORMATS, "mainframe.py"), work], check=True)
        for name in sorted(os.listdir(work)):
            equal(content(work, name), content(FORMATS, name), f"{name}, as GnuCOBOL writes it now")
        world.start()
        has(world.gateway.ok("check").out, '"amount" is PIC S9(17)V9(2) COMP-3 of a copybook', "what check says")
        world.drop("POINTS_a.dat.pgp", content(work, "mainframe.good.dat"))
        answer = lines_of(world.raw_answer("POINTS_a.dat.pgp"))
        equal([answer[0][:18].hex(), answer[0][18:26].decode("cp1140")],
              [content(work, "mainframe.good.dat")[4:22].hex(), "ACCEPTED"], "the answer's header")
        equal(read_by_cobol(work, answer[1:-1]),
              ["REF-000001 1234567.89 120 0.10 OK", "REF-000002 -250.07 -25 -249.90 OK",
               "REF-000003 90071992547409.93 2147483 123456789.01 OK"], "the answer, as a program reads it")
        equal([line[36:40].hex() for line in answer[1:-1]], ["00ff0a25", "00000000", "ffffffff"], "the tokens")
        equal([world.gateway.json("balance", account)["balance"] for account in ("000000123456", "000000777777")],
              ["1234317.82", "90071992547409.93"], "the balances")
        world.drop("POINTS_b.dat.pgp", content(work, "mainframe.bad-half-byte.dat"))
        refused = lines_of(world.raw_answer("POINTS_b.dat.pgp", "EX"))
        has(refused[0].decode("cp1140"), "REJECTED T005", "a file whose total cannot be confirmed")
        has(refused[1].decode("cp1140"), "amount: no packed number: digits, and in the last half byte C, D or F: "
            "X'00000000001A3456789C'", "why")
        told = world.gateway.run("try", "acme-points", os.path.join(work, "mainframe.bad-word.dat"), "--plain").out
        has(told, "at byte 23 of the file: X'004C0001' is no descriptor word of a record", "what try says")
        world.gateway.wait_quiet()
        equal(len(world.gateway.entries()), 3, "credits")
