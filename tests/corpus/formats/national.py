"""Files of formats of single countries, whose layouts stand in this folder, from data of our own."""
from published import changed


def coda():
    """Two accounts of a Belgian bank; the first movement is told in two details, which are no movements."""
    def sign(amount):
        return "1" if amount < 0 else "0"

    def movement(number, detail, amount, text, more):
        return (f"21{number:04}{detail:04}{'REF' + str(number):21}{sign(amount)}{abs(amount):015}301126001010000"
                f"{text:53}301126017{more} 0")

    def account(name, opening, movements):
        lines = [f"12017{name:37}{sign(opening)}{abs(opening):015}291126{'TIDE WATER':26}{'CURRENT':35}017"]
        for number, (amount, details) in enumerate(movements, 1):
            lines += [movement(number, 0, amount, f"INVOICE {number}", f"{int(bool(details))}1"),
                      f"22{number:04}0000{'MORE':118}",
                      *(movement(number, i + 1, part, f"PART {i}", "00") for i, part in enumerate(details))]
        closing = opening + sum(amount for amount, _ in movements)
        lines.append(f"8017{name:37}{sign(closing)}{abs(closing):015}301126{'':64}0")
        debits, credits = (sum(abs(a) for a, _ in movements if (a < 0) == below) for below in (True, False))
        head = (f"00000301126300{'05'}{'':8}{'REF':10}{'TIDE WATER':26}{'KREDBEBB':11}{'00123456789':11} 00000{'':39}2")
        return [head, *lines, f"9{'':15}{len(lines):06}{debits:015}{credits:015}{'':75}2"]
    good = [*account("BE68539007547034", 1000000, [(-250000, [-200000, -50000]), (125500, [])]),
            *account("BE71096123456769", -5000, [(7000, [])])]
    return good, {"bad-closing": changed(good, "8017BE71", "0000000002000", "0000000002001"),
                  "bad-debits": changed(good, "9", "0000000250000", "0000000250001"),
                  "bad-lines": changed(good, "9", "000008", "000007"),
                  "bad-sign": changed(good, "2100020000", "REF2                 0", "REF2                 1")}


def dtaus():
    """A German file without line ends, of parts of 128 bytes; the second one of a payment has no tag."""
    payments = [(20050550, 123456, 12500, "ANNA PIER"), (20050550, 9999999999, 1, "BORIS QUAY"),
                (70000000, 77, 98000, "0CLEO LOCK")]
    good = [f"0128ALK1234567800000000{'TIDE WATER':27}301126{'':4}0001234567{'REF':10}{'':47}1"]
    for bank, account, cents, name in payments:
        good += [f"0187C{'0' * 8}{bank:08}{account:010}{'0' * 13}51000 {'0' * 11}123456780001234567{cents:011}"
                 f"   {name:35}",
                 f"{'TIDE WATER':27}{'BONUS 2026':27}1  00{'':69}"]
    banks, accounts, cents = (sum(payment[i] for payment in payments) for i in range(3))
    good.append(f"0128E{'':5}{len(payments):07}{'0' * 13}{accounts:017}{banks:017}{cents:013}{'':51}")
    return good, {"bad-accounts": changed(good, "0128E", "10000123532", "10000123533"),
                  "bad-lost": good[:1] + good[3:], "bad-cut": good[:-1]}


def aeb19():
    """Collections of two Spanish creditors."""
    good, total = [f"5180A12345678000301126{'':6}{'TIDE WATER':40}{'':20}20770024{'':66}"], 0
    for creditor in range(2):
        group = [f"5380A12345678000301126021226{'TIDE WATER':40}20770024003102575766{'':8}01{'':64}"]
        for order in range(2):
            group += [f"5680A12345678000{f'R{creditor}{order}':12}{f'NAME {order}':40}20770024003102575766"
                      f"{1000 + order:010}{'':16}{'RECIBO':40}{'':8}", f"5681A12345678000{'R':12}{'MORE':134}"]
        group.append(f"5880A12345678000{'':72}{2001:010}{'':6}{2:010}{len(group) + 1:010}{'':38}")
        good, total = good + group, total + 2001
    good.append(f"5980A12345678000{'':52}{2:04}{'':16}{total:010}{'':6}{4:010}{len(good) + 1:010}{'':38}")
    return good, {"bad-total": changed(good, "5880", "0000002001", "0000002011", 1),
                  "bad-lines": changed(good, "5880", "0000000006", "0000000005"),
                  "bad-creditors": changed(good, "5980", " 0002", " 0001")}


def lsv():
    """Direct debits of a Swiss creditor, with a decimal comma in fixed lines."""
    good = [f"8750P20261201007772026113000762TIDE1{number:07}TIDE1CHF{amount}{'PAYEE':82}"
            for number, amount in enumerate(("000001250,50", "000000001,00", "000098000,05"), 1)]
    good.append("890020261130TIDE10000004CHF0000000099251,55")
    return good, {"bad-total": changed(good, "890", "251,55", "251,54"),
                  "bad-number": changed(good, "875", "0000002", "0000003", 1),
                  "bad-point": changed(good, "875", "1250,50", "1250.50")}


def abo():
    """A statement of a Czech bank: what is taken back lessens the total of its own side."""
    movements, opening = [("1", 12500), ("2", 700000), ("4", 500), ("5", 1000)], -100
    debits, credits = 12500 - 500, 700000 - 1000
    good = [f"074{'1':>016}{'TIDE WATER':20}291126{abs(opening):014}-{opening + credits - debits:014}+{debits:014}0"
            f"{credits:014}0017301126{'':14}",
            *(f"075{'1':>016}{'2':>016}{number:013}{cents:012}{kind}{number:010}{'':57}"
              for number, (kind, cents) in enumerate(movements))]
    return good, {"bad-debits": changed(good, "074", "12000", "12001"), "bad-lost": good[:-1],
                  "bad-kind": changed(good, "075", "0000000125001", "0000000125004")}


FORMATS = {"coda": (coda, "iso-8859-1", "\r\n"), "dtaus": (dtaus, "iso-8859-1", ""),
           "aeb19": (aeb19, "iso-8859-1", "\r\n"), "lsv": (lsv, "iso-8859-1", "\n"), "abo": (abo, "cp1250", "\r\n")}
