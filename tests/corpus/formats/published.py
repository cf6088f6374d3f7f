"""Files of the formats of conf/samples/layouts, from data of our own: a good one of each, and what is wrong with bad
ones. For each format: its character set, what is between its lines, the lines, and changes of them by name."""


def changed(lines, start, old, new, nth=0):
    """The nth line that starts so, with something else in it."""
    at = [i for i, line in enumerate(lines) if line.startswith(start)][nth]
    assert old in lines[at], (lines[at], old)
    return [*lines[:at], lines[at].replace(old, new, 1), *lines[at + 1:]]


def without(lines, start, nth=0):
    at = [i for i, line in enumerate(lines) if line.startswith(start)][nth]
    return lines[:at] + lines[at + 1:]


def moved(lines, start, behind, nth=0):
    """The first line that starts so, right behind the nth that starts with BEHIND; START may be a line of its own."""
    line = next((line for line in lines if line.startswith(start)), start)
    rest = [other for other in lines if other is not line]
    at = [i for i, other in enumerate(rest) if other.startswith(behind)][nth]
    return [*rest[:at + 1], line, *rest[at + 1:]]


def overpunched(cents, digits):
    text = f"{abs(cents):0{digits}}"
    return text[:-1] + ("}JKLMNOPQR" if cents < 0 else "{ABCDEFGHI")[int(text[-1])]


def aba():
    def entry(account, code, cents, title, reference):
        return (f"1032-898{account:>9} {code}{cents:010}{title:32}{reference:18}062-000{'12345678':>9}"
                f"{'TIDE WATER':16}{0:08}")
    entries = [entry("12345678", 50, 125000, "ANNA PIER", "SALARY 48"),
               entry("77001", 53, 98000, "BORIS QUAY", "SALARY 48"),
               entry("12345678", 13, 323000, "TIDE WATER", "SALARIES")]
    good = [f"0{'':17}01WBC{'':7}{'TIDE WATER COMPANY':26}301500{'SALARIES':12}301126{'':40}", *entries,
            f"7999-999{'':12}{100000:010}{223000:010}{323000:010}{'':24}{3:06}{'':40}"]
    return good, {
        "bad-net": changed(good, "7", "0000100000", "0000099999"), "bad-debits": changed(good, "7", "0000323000",
                                                                                         "0000223000"),
        "bad-count": changed(good, "7", "000003 ", "000002 "), "bad-code": changed(good, "1", " 53", " 99", 1),
        "bad-moved": changed(good, "7", " 0000100000", "0000100000 "), "bad-cut": good[:-1]}


def cfonb120():
    def balance(kind, account, day, cents):
        return f"{kind}30004    00828EUR2 {account}  {day}{'':50}{overpunched(cents, 14)}{'':16}"

    def movement(account, day, label, cents, more=()):
        head = f"30004    00828EUR2 {account}B1{day}"
        return [f"04{head}  {day}{label:31}  {'':9}{overpunched(cents, 14)}{'REF ' + label[:12]:16}",
                *(f"05{head}{'':5}LIB{text:70}  " for text in more)]
    good = [balance("01", "00010027894", "291126", 100000),
            *movement("00010027894", "301126", "VIREMENT QUAI NORD", 125050, ["FACTURE 17/2026", "PAYÉE EN UNE FOIS"]),
            *movement("00010027894", "301126", "PRELEVEMENT", -30003), balance("07", "00010027894", "301126", 195047),
            balance("01", "00010027895", "291126", -500), *movement("00010027895", "301126", "SOLDE", 500),
            balance("07", "00010027895", "301126", 0)]
    return good, {
        "bad-balance": changed(good, "07", "1950", "1951"), "bad-sign": changed(good, "04", "3000L", "3000C", 1),
        "bad-amount": changed(good, "04", "12505{", "12505Z"), "bad-lost": without(good, "04", 1),
        "bad-unended": without(good, "07"), "bad-outside": moved(good, "04", "07")}


def cnab400():
    def record(line, slip, event, cents, paid, credit_day):
        return (f"102{12345678000190:014}000{'09012345600012345'}{'PED ' + str(line):25}{0:08}{slip:012}{'':22}0009"
                f"{event}301126"
                f"{'NF ' + str(line):10}{'':20}101226{cents:013}2370123401{0:078}{paid:013}{0:026}   {credit_day}"
                f"{'':93}{line:06}")
    good = [f"02RETORNO01{'COBRANCA':15}{'00000000000001234567':20}{'CAIS DO NORTE LTDA':30}237{'BRADESCO':15}30112601"
            f"600000"
            f"{17:05}{'':266}011226{'':9}000001",
            record(2, 17000001, "06", 125000, 125000, "011226"), record(3, 17000002, "02", 98000, 0, "000000"),
            record(4, 17000003, "06", 1, 1, "011226"), f"9201237{'':387}000005"]
    return good, {
        "bad-number": changed(good, "1", "000003", "000004", 1), "bad-lines": changed(good, "9", "000005", "000006"),
        "bad-lost": without(good, "1", 1), "bad-event": changed(good, "1", "000906", "000999"),
        "bad-paid": changed(good, "1", "0000000125000", "000000012500O"), "bad-cut": good[:-1]}


def zengin():
    def transfers(day, client, items):
        head = f"1210{client:010}{'ﾃｽﾄｼﾖｳｼﾞ(ｶ':40}{day}0128{'ｸﾞﾝﾏ':15}001{'ﾎﾝﾃﾝ':15}11234567{'':17}"
        lines = [f"20005{'ﾐﾂﾋﾞｼUFJ':15}{branch}{'ﾏﾙﾉｳﾁ':15}00001{account}{name:30}{yen:010}0{customer:010}{0:010}7 "
                 f"{'':7}"
                 for branch, account, name, yen, customer in items]
        return [head, *lines, f"8{len(items):06}{sum(item[3] for item in items):012}{'':101}"]
    good = [*transfers("1201", 1234567890, [("005", "0012345", "ﾔﾏﾀﾞ ﾀﾛｳ", 125000, 1), ("001", "7700100", "ｽｽﾞｷ ﾊﾅｺ",
                                                                                        98000, 2)]),
            *transfers("0105", 1234567891, [("005", "9999999", "ﾐﾅﾄ(ｶ", 1, 3)]), f"9{'':119}"]
    return good, {
        "bad-total": changed(good, "8", "223000", "223001"), "bad-count": changed(good, "8", "000001", "000002", 1),
        "bad-day": changed(good, "1", "1201", "1131"), "bad-lost": without(good, "2"), "bad-no-end": good[:-1],
        "bad-shifted": changed(good, "2", "0000125000", "000125000")}


WECHAT_NAMES = ("交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
                "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
                "手续费,费率,订单金额,申请退款金额,费率备注")


def wechat():
    def row(time, payment, state, settled, refund, refunded, fee):
        return ",".join("`" + value for value in (
            f"2026-11-29 {time}", "wx0000000000000017", "1900000109", "0", "", payment, "ORD" + payment[-4:],
            "oPAYER17",
            "JSAPI", state, "OTHERS", "CNY", settled, "0.00", refund, "R" + refund if refund else "0", refunded, "0.00",
            "ORIGINAL" if refund else "", "SUCCESS" if refund else "", "码头票", "", fee, "0.60%", settled, refunded, ""))
    good = [WECHAT_NAMES, row("09:00:01", "4200001700", "SUCCESS", "125.00", "", "0.00", "0.75000"),
            row("09:10:00", "4200001701", "SUCCESS", "9.80", "", "0.00", "0.06000"),
            row("10:00:59", "4200001700", "REFUND", "0.00", "50300017", "25.00", "-0.15000"),
            "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
            "`3,`134.80,`25.00,`0.00,`0.66000,`134.80,`25.00"]
    return good, {
        "bad-total": changed(good, "`3", "134.80", "134.81"), "bad-fees": changed(good, "`3", "0.66000", "0.81000"),
        "bad-count": changed(good, "`3", "`3", "`2"), "bad-prefix": changed(good, "`2026", "`125.00", "125.00"),
        "bad-names": changed(good, "交易", "退款金额,充值券退款金额", "充值券退款金额,退款金额"), "bad-no-names": good[1:],
        "bad-cut": good[:3]}


ALIPAY_NAMES = ("支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
                "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
                "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注")


def alipay():
    def row(trade, order, kind, time, amount, refund, fee):
        at = f"2026-11-20 {time}"
        return ",".join((trade + "\t", order + "\t", kind, "午餐", at, at, "", "", "", "", "*港(a**@tide.example)", amount,
                         amount, "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00", refund + "\t", fee,
                         "0.00", ""))
    dashes = "#" + "-" * 41
    good = ["#支付宝业务明细查询", "#账号：[20880000000000000156]", "#起始日期：[2026年11月20日 00:00:00]   终止日期：[2026年11月21日 00:00:00]",
            f"{dashes}业务明细列表{'-' * 40}", ALIPAY_NAMES,
            row("2026112022001", "ORD1", "交易", "12:00:00", "12.50", "", "-0.08"),
            row("2026112022001", "ORD1", "退款", "13:00:00", "-3.00", "RF1", "0.02"),
            f"{dashes}业务明细列表结束{'-' * 36}", "#交易合计：1笔，商家实收共12.50元，商家优惠共0.00元",
            "#退款合计：1笔，商家实收退款共-3.00元，商家优惠退款共0.00元", "#导出时间：[2026年11月21日 09:00:00]"]
    return good, {
        "good-ctrl-z": [*good, "", "\x1a"], "bad-cut": good[:6], "bad-no-names": good[:4] + good[5:],
        "bad-amount": changed(good, "2026", "12.50", "12.5O"), "bad-time": changed(good, "2026", "12:00:00",
                                                                                   "12:60:00"),
        "bad-comma": changed(good, "2026", "午餐", "午餐,茶")}


def unionpay_zm():
    def line(trace, sent, cents, order, kind, fee, settled, first=""):
        values = [("S22" if kind == "01" else "S30", 3), ("00010000", 11), ("00010000", 11), (trace, 6), (sent, 10),
                  ("621700*********0017", 19), (f"{cents:012}", 12), ("5411", 4), ("07", 2),
                  (f"{trace}{sent}00017", 21),
                  ("", 2), (order, 32), ("01", 2), (first and "000017", 6), (first, 10), (fee, 13), (settled, 13),
                  ("0001", 4),
                  ("", 15), (kind, 2), ("01", 2), ("000201", 6), ("01", 2), ("", 2), ("", 32), ("0", 1), ("", 21),
                  ("777290058110017", 15), ("0", 1), ("", 15), ("", 32), ("", 13), ("", 13), ("00000017", 8),
                  ("码头", 32),
                  ("", 13), ("", 13), ("", 12), ("", 2), ("0", 1), ("", 131)]
        return " ".join(text + " " * (width - len(text.encode("gb18030"))) for text, width in values)
    good = [line("000017", "1129090001", 12500, "ORD0017", "01", "D000000000075", "C000000012425"),
            line("000018", "1129091000", 980, "ORD0018", "01", "D000000000006", "C000000000974"),
            line("000019", "1130100059", 2500, "ORD0017R", "04", "C000000000015", "D000000002485", "1129090001")]
    return good, {
        "bad-moved": changed(good, "S22", "ORD0017 " + good[0].split("ORD0017 ")[1],
                             "ORD0017" + good[0].split("ORD0017 ")[1] + " "),
                             "bad-side": changed(good, "S22", "D000000000075", "0000000000075"),
        "bad-gap": changed(good, "S22", "1129090001 ", "11290900011"), "bad-time": changed(good, "S22", "1129091000",
                                                                                           "1129251000", 1),
        "bad-kind": changed(good, "S30", " 04 01 ", " 99 01 "), "bad-cut": [*good[:2], good[2][:300]]}


def star_accrual():
    def flight(number, member, kind, flight_number, ticket, miles, status):
        return (f"ACC{number:07}{member:16}{'PIER':20}{'ANNA':15}{kind}TW {flight_number:5}20261128TPEFRAY {ticket:13}"
                f"{miles:07}{status:07}{'':7}")
    good = [f"HDR02TW QY 20261130{17:06}{'':95}", flight(1, "QY0001234567", "F", "0017", "9991234567890", 5823, 5823),
            flight(2, "QY0007654321", "F", "0017", "9991234567891", 2911, 1455),
            flight(3, "QY0001234567", "A", "0018", "9991234567880", 500, 0),
            flight(4, "QY0007654321", "R", "0011", "9991234567000", 1200, 600),
            f"TRL{4:07}{9234:012}{1200:012}{7878:012}{'':74}"]
    return good, {
        "bad-given": changed(good, "TRL", "9234", "9233"), "bad-taken-back": changed(good, "ACC", "RTW", "FTW", 3),
        "bad-number": changed(good, "ACC", "0000003", "0000005", 2),
        "bad-count": changed(good, "TRL", "0000004", "0000003"),
        "bad-kind": changed(good, "ACC", "FTW", "XTW"), "bad-cut": good[:-1]}


def huadan():
    calls = [[("01", "13800000001", "13900000002", "20261128090001", 61, 240),
              ("02", "13800000003", "01088886666", "20261128235959", 3, 20)],
             [("11", "8613800000001", "0085299990017", "20261129000000", 600, 12990)]]
    lines, number = [f"00CMCC01CUCC02{17:06}20261130040000"], 0
    for province, batch in zip(("100", "210"), calls):
        lines.append(f"10{province}20261129{len(batch):08}{sum(call[5] for call in batch):012}")
        for kind, caller, called, began, seconds, fee in batch:
            number += 1
            lines.append(f"20{number:09}{kind}{caller:24}{called:24}{began}{seconds:06}{'CELL17':10}{fee:010}")
    good = [*lines, f"90{2:04}{3:09}{664:012}{13250:015}"]
    return good, {
        "bad-batch-fees": changed(good, "10", "000000000260", "000000000261"),
        "bad-batch-calls": changed(good, "10210", "00000001", "00000002"),
        "bad-seconds": changed(good, "90", "000000000664", "000000000665"),
        "bad-fees": changed(good, "90", "13250", "13251"),
        "bad-number": changed(good, "20", "000000002", "000000003", 1),
        "bad-time": changed(good, "20", "20261128235959", "20261128235960", 1),
        "bad-no-batch": without(good, "10"), "bad-cut": good[:-1]}


def yibao_3202():
    def line(settlement, total, fund, account, flag):
        return "\t".join((settlement, "M" + settlement, "P" + settlement[-4:], total, fund, account, flag))
    good = [line("3100001700", "1250.00", "980.00", "120.50", "0"), line("3100001701", "98.00", "0.00", "98.00", "0"),
            line("3100001702", "-1250.00", "-980.00", "-120.50", "1")]
    return good, {
        "bad-flag": changed(good, "3100001701", "0.00\t98.00\t0", "0.00\t98.00\t2"),
        "bad-spaces": changed(good, "3100001701", "\t", "  "),
        "bad-amount": changed(good, "3100001700", "980.00", "980,00"), "bad-cut": None}


def bgmax():
    def payment(tag, payer, reference, ore, number, more=(), end=""):
        return [f"{tag}{payer:0>10}{reference:25}{ore:018}23{number:012}0{end:10}", *more]
    good = [f"01{'BGMAX':20}0120261130173035010331P{'':35}", f"05{'0009912346':10}{'':10}SEK{'':55}",
            *payment("20", "3783511", "65099", 125000, 17, [f"25{'FAKTURA 17, KÖPT I HAMNEN':50}{'':28}",
                                                            f"26{'KAJ NORD AB':35}{'':35}{'':8}",
                                                              f"27{'HAMNGATAN 1':35}{'12345':9}{'':34}",
                                                              f"28{'GÖTEBORG':35}{'':35}{'':2}{'':6}",
                                                              f"29{'005500001234':12}{'':66}"]),
            *payment("20", "", "65100", 98000, 18, [f"22{'0000000000' + '65101':78}"]),
            *payment("21", "3783511", "65099", 25000, 19, (), "1"),
            f"15{'000000000000000000050001234567890':35}2026113000017{198000:018}SEK{3:08}K",
            f"05{'0009912353':10}{'':10}SEK{'':55}", *payment("20", "1", "1", 1, 20),
            f"15{'000000000000000000050001234567891':35}2026113000018{1:018}SEK{1:08}K",
            f"70{3:08}{1:08}{1:08}{2:08}{'':46}"]
    return good, {
        "bad-deposit": changed(good, "15", "198000", "248000"), "bad-payments": changed(good, "15", "00000003",
                                                                                        "00000002"),
        "bad-deductions": changed(good, "70", "000000030000000100000001", "000000030000000000000001"),
        "bad-deduction-as-payment": changed(good, "21", "21", "20"),
        "bad-minus": changed(good, "21", "000000000000025000", "-00000000000025000"),
        "bad-unended": without(good, "15"), "bad-lone-name": moved(good, "26", "05"), "bad-cut": good[:-1]}


def ktl():
    def payment(archive, reference, payer, cents, back="0"):
        return f"305000170000017261128261130{archive:16}{reference:020}{payer:12}1A{cents:010}{back}A "
    good = [f"0261130040050{'123456780':9}1{'':67}", payment("2611305881000017", 1232, "QUAY ÅKE", 125000),
            payment("2611305881000018", 4000017, "PIER ANNA", 98000), payment("2611305881000019", 1232, "QUAY ÅKE",
                                                                              25000, "1"),
            f"9{2:06}{223000:011}{1:06}{25000:011}{0:06}{0:011}{'':38}"]
    return good, {
        "bad-total": changed(good, "9", "223000", "198000"), "bad-taken-back": changed(good, "3", "00000250001",
                                                                                       "00000250000", 2),
        "bad-back": changed(good, "3", "00000250001", "00000250002", 2),
        "bad-count": changed(good, "9", "000002", "000003"),
        "bad-amount": changed(good, "3", "0000125000", "00001250,0"), "bad-cut": good[:-1]}


def elixir():
    def line(grosze, account, name, title):
        return (f'110,20261201,{grosze},10101010,0,"PL61109010140000071219812874","{account}","Port Północny|Gdańsk",'
                f'"{name}",0,10901014,"{title}","","","51",""')
    good = [line(125000, "PL27114020040000300201355387", "Anna Nabrzeże|ul. Molo 1", "Wypłata 11/2026"),
            line(1, "PL27114020040000300201355388", 'Hurt ""Keja"", Łódź', "Faktura 17|z listopada")]
    return good, {
        "bad-mode": changed(good, "110", ",0,\"PL61", ",1,\"PL61"),
        "bad-amount": changed(good, "110", "125000", "1250.00"),
        "bad-quote": changed(good, "110", '""Keja""', '"Keja"', 1), "bad-kind": changed(good, "110", "110", "210", 1),
        "bad-cut": None}


def masav():
    def institution(number, items):
        head = f"K{number}002612010001026112900170000000{'NORTH QUAY':>30}{'':56}KOT"
        lines = [f"1{number}00000000{bank}{branch}0000{account}0{identity}{name:>16}{agorot:013}{'SALARY 11':20}261126"
                 f"11000006{0:018}  "
                 for bank, branch, account, identity, name, agorot in items]
        return [head, *lines, f"5{number}002612010001{sum(item[5] for item in items):015}{0:015}{len(items):07}{0:07}"
                              f"{'':63}"]
    good = [*institution("12345678", [("12", "600", "000123456", "012345674", "ANNA PIER", 125000),
                                      ("10", "800", "000077001", "087654321", "BORIS QUAY", 98000)]),
            *institution("12345679", [("12", "600", "000123457", "012345682", "CLEO LOCK", 1)]), "9" * 128]
    return good, {
        "bad-total": changed(good, "5", "223000", "223001"), "bad-count": changed(good, "5", "00000020000000",
                                                                                  "00000010000000"),
        "bad-lost": without(good, "1"), "bad-amount": changed(good, "1", "0000000125000", "00000001250.0"),
        "bad-no-total": without(good, "5", 1), "bad-cut": good[:-1]}


def ach_p01():
    def line(kind, number, account, amount, name):
        return (f"N{kind}530{number:08}0040037{'0000170000123456'}8120012{account:016}{amount:010}  B{'12345678':10}"
                f"{'A123456789':10}"
                f"{'':6}{'':8}{'':8} {'REF' + str(number):20}{name + ' ' * (40 - len(name.encode('big5')))}{'':10}"
                f"{'':5}{'':20}{'':39}")
    good = [f"BOFACHP01011511301730000040037{'9990250'}V10{'':210}", line("SC", 1, 17, 125000, "港務薪資"),
            line("SD", 2, 18, 98000, "水費"),
            line("SC", 3, 19, 1, ""), f"EOFACHP010115113000400379990250{3:08}{223001:016}{'':8}{'':187}"]
    return good, {
        "bad-total": changed(good, "EOF", "223001", "027001"), "bad-count": changed(good, "EOF", "00000003",
                                                                                    "00000002"),
        "bad-number": changed(good, "NSC", "53000000003", "53000000004", 1),
        "bad-era": changed(good, "BOF", "01151130", "20261130"),
        "bad-kind": changed(good, "NSD", "NSD", "NSX"), "bad-cut": good[:-1]}


def clieop03():
    def order(cents, payer, account, name, *texts):
        return [f"0100A0005{cents:012}{payer:010}{account:010}{'':9}", *(f"0160A{text:32}{'':13}" for text in texts),
                f"0170B{name:35}{'':10}"]
    good = [f"0001A301126CLIEOP03KADE 00171{'':21}", f"0010B00{123456789:010}0001EUR{'':26}",
            f"0020A{'SALARIS NOVEMBER':32}{'':13}",
            f"0030B1011226{'KADE NOORD BV':35}P  ", *order(125000, 123456789, 987654321, "ANNA PIER", "PERIODE 11",
                                                           "EN TOESLAG"),
            *order(98000, 123456789, 9876543210, "BORIS KADE"),
            f"9990A{223000:018}{(123456789 * 2 + 987654321 + 9876543210) % 10 ** 10:010}{2:07}{'':10}",
            f"9999A{'':45}"]
    return good, {
        "bad-total": changed(good, "9990A", "223000", "223001"), "bad-accounts": changed(good, "0100A", "0987654321",
                                                                                         "0987654312"),
        "bad-items": changed(good, "9990A", "0000002 ", "0000003 "), "bad-lone-text": moved(good, "0160A", "0030B"),
        "bad-no-batch": without(good, "0010B"), "bad-cut": good[:-1]}


def riba():
    def collection(number, cents, debtor):
        return [f" 14{number:07}{'':12}31122630000{cents:013}-0306912345{'000012345678':12}0200854321{'':12}SIA774"
                f"{'CLI' + str(number):16} {'':5}E",
                f" 20{number:07}{'MOLO NORD SRL':96}{'':14}", f" 30{number:07}{debtor:60}{'12345670017':16}{'':34}",
                f" 40{number:07}{'VIA DEL PORTO 1':30}16126{'GENOVA GE':25}{'':50}",
                f" 50{number:07}{'FATTURA 17 DEL 30/11/26':80}{'':10}{'01234560017':16}{'':4}",
                f" 51{number:07}{number:010}{'MOLO NORD':20}{'':31}{'':49}",
                f" 70{number:07}{'':110}"]
    good = [f" IBSIA7703069301126{'RIBA17':20}{'':65}{'':7}  E{'':6}", *collection(1, 125000, "PIETRO MOLO"),
            *collection(2, 98000, "CANTIERI SPA"),
            f" EFSIA7703069301126{'RIBA17':20}{'':6}{2:07}{223000:015}{0:015}{16:07}{'':24}E{'':6}"]
    return good, {
        "bad-negative": changed(good, " EF", "223000", "223001"),
        "bad-lines": changed(good, " EF", "0000016", "0000015"),
        "bad-number": changed(good, " 14", "0000002", "0000003", 1), "bad-sign": changed(good, " 14", "-0306", " 0306"),
        "bad-lone-debtor": moved(good, " 30", " IB"), "bad-count": changed(good, " EF", "0000002", "0000001"),
        "bad-cut": good[:-1]}


def cnab240():
    def payment(number, name, centavos, reference):
        return [f"0010001300{number:03}A000018033{'01234512345678900001 '[:20]}{name:30}{reference:20}01122026BRL"
                f"{0:015}"
                f"{centavos:015}{'':20}{0:08}{0:015}{'':40}{'':9}{'':3}0{'':10}",
                f"0010001300{number + 1:03}B   1{'00012345678901'}{'RUA DO PORTO 1':208}"]
    own = f"212345678000190{'CONVENIO17':20}{'01234512345678900001':20}{'CAIS DO NORTE LTDA':30}"
    good = [f"00100000{'':9}{own}{'BANCO DE TESTES':30}{'':10}130112026093000{17:06}103{1600:05}{'':69}",
            f"00100011C2001045 {own}{'':40}{'RUA DO PORTO 17':80}{'':8}{'':10}",
            *payment(1, "ANNA PIER", 125000, "PAG 1"), *payment(3, "JOSÉ CAIS", 98000, "PAG 2"),
            f"00100015{'':9}{6:06}{223000:018}{0:018}{0:06}{'':165}{'':10}",
            f"00199999{'':9}{1:06}{8:06}{0:06}{'':205}"]
    return good, {
        "bad-total": changed(good, "00100015", "223000", "223001"), "bad-lines": changed(good, "00100015", "000006",
                                                                                         "000005"),
        "bad-file-lines": changed(good, "00199999", "000008", "000007"), "bad-segment": changed(good, "0010001300001",
                                                                                                "A000", "C000"),
        "bad-lone-b": moved(good, "0010001300002B", "00100011"), "bad-no-batch": without(good, "00100011"),
        "bad-cut": good[:-1]}


def ocr_giro():
    def payment(kind, number, ore, kid, sign="0"):
        return [f"NY09{kind}30{number:07}3011260118100001{sign}{ore:017}{kid:>25}{0:06}",
                f"NY09{kind}31{number:07}{2611300017:010}{17:09}{0:07}30112699990512341{0:022}"]
    good = [f"NY00001000008080{17:07}00010200{0:049}", f"NY090020{8688:09}{17:07}99990512344{0:045}",
            *payment("10", 1, 125000, "12345678901230"), *payment("13", 2, 98000, "12345678901248"),
            *payment("10", 3, 25000, "12345678901230", "-"),
            f"NY090088{3:08}{8:08}{198000:017}301126301126301126{0:021}",
            f"NY000089{3:08}{10:08}{198000:017}301126{0:033}"]
    return good, {
        "bad-total": changed(good, "NY0900", "198000", "248000", 1),
        "bad-sign": changed(good, "NY091330", "0000000000098000", " 000000000098000"),
        "bad-lines": changed(good, "NY0000", "00000010000000000", "00000009000000000", 1),
        "bad-lost": without(good, "NY091330"),
        "bad-kind": changed(good, "NY091331", "NY091331", "NY091341"), "bad-cut": good[:-1]}


def x12_835():
    good = ["ISA*00*          *00*          *ZZ*INSURER        *ZZ*HOSPITAL       *261130*0930*^*00501*000000017*0*P*:",
            "GS*HP*INSURER*HOSPITAL*20261130*0930*17*X*005010X221A1", "ST*835*0017",
            "BPR*I*2160*C*ACH*CCP*01*122000078*DA*1700017*1999999999**01*061000104*DA*77001*20261201",
            "TRN*1*EFT17*1999999999",
            "DTM*405*20261130", "N1*PR*HARBOUR HEALTH", "N3*1 QUAY ROAD", "N4*PORT*CA*90001", "PER*CX**TE*5550117",
            "N1*PE*NORTH CLINIC*XX*1234567893",
            "REF*TJ*990000017", "LX*1", "CLP*CLAIM1*1*1500*1250*100*12*PAYER1*11*1", "CAS*CO*45*150",
            "NM1*QC*1*PIER*ANNA****MI*M1", "REF*EA*R17",
            "DTM*232*20261101", "SVC*HC:99213*1500*1250**1", "DTM*472*20261101", "AMT*B6*1350", "CLP*CLAIM2*22*-70*-70",
            "NM1*QC*1*QUAY*BORIS", "CLP*CLAIM3*1*1200.5*1000", "PLB*1234567893*20261231*WO:17*20", "SE*24*0017",
            "GE*1*17", "IEA*1*000000017"]
    return good, {
        "bad-payment": changed(good, "BPR", "2160", "2160.01"), "bad-paid": changed(good, "CLP", "*1250*", "*125O*"),
        "bad-segments": changed(good, "SE", "24", "23"), "bad-lost": without(good, "CLP", 1),
        "bad-sets": changed(good, "GE", "GE*1", "GE*2"),
        "bad-taken": changed(good, "PLB", "WO:17*20", "WO:17*-20"), "bad-lone": moved(good, "CAS", "BPR"),
        "bad-group": changed(good, "CAS", "*CO*", "*XX*"), "bad-no-payment": without(good, "BPR"),
        "bad-cut": good[:-3]}


def mt940():
    def statement(reference, account, opening, movements, closing):
        return ["{1:F01BANKDEFFAXXX0017000017}{2:I940TIDEDEFFXXXXN}{4:", f":20:{reference}", f":25:{account}",
                ":28C:17/1",
                f":60F:{opening}", *movements, f":62F:{closing}", ":64:C261130EUR1,00", "-}"]
    good = [*statement("STMT 17", "12030000/1700017", "C261129EUR1000,00", [
        ":61:2611301130C1250,5NTRFREF 17//BANK0017", ":86:166?00TRANSFER: ANNA PIER?20INVOICE", "17/2026: PAID",
        ":61:261130D300,NMSCNONREF", ":61:2611301130RCR0,01NTRFREF 18"], "C261130EUR1950,49"),
            *statement("STMT 18", "12030000/1700018", "D261129EUR5,", [":61:261130RD5,NCHKCHEQUE 17"], "C261130EUR0,")]
    return good, {
        "bad-closing": changed(good, ":62F", "1950,49", "1950,50"), "bad-mark": changed(good, ":61", "D300,", "C300,",
                                                                                        1),
        "bad-amount": changed(good, ":61", "1250,5N", "1250.50N"), "bad-day": changed(good, ":61", "2611301130C",
                                                                                      "2611311130C"),
        "bad-lost": without(good, ":61", 1), "bad-no-closing": without(good, ":62F"),
        "bad-lone-text": moved(good, ":86", ":60F"),
        "bad-no-account": without(good, ":25", 1)}


# name: (lines and changes, character set, between lines)
FORMATS = {
    "aba": (aba, "ascii", "\n"), "cfonb120": (cfonb120, "iso8859-1", "\n"), "cnab400": (cnab400, "iso8859-1", "\r\n"),
    "zengin": (zengin, "cp932", ""), "wechat": (wechat, "utf-8", "\n"), "alipay": (alipay, "gb18030", "\n"),
    "unionpay-zm": (unionpay_zm, "gb18030", "\r\n"), "star-accrual": (star_accrual, "ascii", "\n"),
    "huadan": (huadan, "ascii", "\n"),
    "yibao-3202": (yibao_3202, "utf-8", "\n"), "bgmax": (bgmax, "iso8859-1", "\r\n"), "ktl": (ktl, "iso8859-1", "\r\n"),
    "elixir": (elixir, "cp1250", "\r\n"), "masav": (masav, "iso8859-8", "\r\n"), "ach-p01": (ach_p01, "big5", "\r\n"),
    "clieop03": (clieop03, "iso8859-1", "\r\n"), "riba": (riba, "ascii", "\r\n"),
    "cnab240": (cnab240, "iso8859-1", "\r\n"), "ocr-giro": (ocr_giro, "iso8859-1", "\r\n"),
    "x12-835": (x12_835, "ascii", "~"), "mt940": (mt940, "ascii", "\r\n"),
}


def files(formats):
    """Each file's name, and its bytes. What is None in a format is the good file without its last line's end."""
    for name, (make, charset, end) in formats.items():
        good, changes = make()
        for what, lines in {"good": good, **changes}.items():
            text = "".join(line + end for line in (good if lines is None else lines))
            yield f"{name}.{what}", text[:len(text) - len(end) if lines is None else None].encode(charset)
