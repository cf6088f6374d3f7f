#!/bin/bash
# ofx-data-extractor says that nothing moved on an account, where it cannot read the file.
#
# Guess:   getTransactionsSummary() sums the file, or throws where getBankTransferList() throws.
# Happens: OFX 1 leaves end tags out, and a line end between two elements is no part of it; nor must a file have one
#          account only. Of a file on one line, or of two accounts, the list throws an error of JSON, and the summary is
#          zero credits, zero debits, no days, without an error.
# Version: ofx-data-extractor 1.5.0, ofx-js 1.1.1 (npm) on Node.js 20.20.2.
# Seen:    lines   list 2 entries    summary credit 100.1, debit 1234.56
#          line    list throws       summary credit 0, debit 0         ofx-js reads 2 entries
#          two     list throws       summary credit 0, debit 0         ofx-js reads 4 entries
# Matters: a report that shows the day's sums shows a quiet day. The bank changes its line ends or adds an account, and
#          nobody is told.
# Sallyport reads no OFX itself: convert by a program that is asked for the entries, and let a trailer's count and sum
# prove them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" ofx-data-extractor@1.5.0 ofx-js@1.1.1 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const {Ofx} = require('ofx-data-extractor');
const header = ['OFXHEADER:100', 'DATA:OFXSGML', 'VERSION:102', 'SECURITY:NONE', 'ENCODING:USASCII', 'CHARSET:1252',
  'COMPRESSION:NONE', 'OLDFILEUID:NONE', 'NEWFILEUID:NONE', '', ''].join('\n');
const entry = (type, amount, id) => ['<STMTTRN>', `<TRNTYPE>${type}`, '<DTPOSTED>20261130', `<TRNAMT>${amount}`,
  `<FITID>${id}`, '<NAME>Theirs', '</STMTTRN>'];
const account = number => ['<STMTTRNRS>', '<TRNUID>1', '<STATUS>', '<CODE>0', '<SEVERITY>INFO', '</STATUS>', '<STMTRS>',
  '<CURDEF>USD', '<BANKACCTFROM>', '<BANKID>081000032', `<ACCTID>${number}`, '<ACCTTYPE>CHECKING', '</BANKACCTFROM>',
  '<BANKTRANLIST>', '<DTSTART>20261101', '<DTEND>20261130', ...entry('DEBIT', '-1234.56', 1),
  ...entry('CREDIT', '100.10', 2), '</BANKTRANLIST>', '<LEDGERBAL>', '<BALAMT>1000.00', '<DTASOF>20261130',
  '</LEDGERBAL>', '</STMTRS>', '</STMTTRNRS>'];
const whole = accounts => ['<OFX>', '<SIGNONMSGSRSV1>', '<SONRS>', '<STATUS>', '<CODE>0', '<SEVERITY>INFO', '</STATUS>',
  '<DTSERVER>20261130120000', '<LANGUAGE>ENG', '</SONRS>', '</SIGNONMSGSRSV1>', '<BANKMSGSRSV1>', ...accounts,
  '</BANKMSGSRSV1>', '</OFX>'];
const files = {
  lines: header + whole(account('123')).join('\n') + '\n',
  line: header + whole(account('123')).join('') + '\n',
  two: header + whole([...account('123'), ...account('456')]).join('\n') + '\n',
};
(async () => {
  for (const [name, text] of Object.entries(files)) {
    let list;
    try {
      list = new Ofx(text).getBankTransferList().length;
    } catch (error) {
      list = 'throws';
    }
    const {credit, debit, dateStart} = new Ofx(text).getTransactionsSummary();
    const read = (await require('ofx-js').parse(text)).OFX.BANKMSGSRSV1.STMTTRNRS;
    console.log(name, 'list', list, 'credit', credit, 'debit', debit, JSON.stringify(dateStart), 'ofx-js',
      [read].flat().flatMap(each => each.STMTRS.BANKTRANLIST.STMTTRN).length);
  }
})();
END
cat >expected <<'END'
lines list 2 credit 100.1 debit 1234.56 "2026-11-01" ofx-js 2
line list throws credit 0 debit 0 "" ofx-js 2
two list throws credit 0 debit 0 "" ofx-js 4
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: ofx-data-extractor 1.5.0 sums a file that it cannot read to zero"
