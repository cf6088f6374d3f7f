#!/bin/bash
# The MT940 reader mt940-js books the reversal of a credit as a second credit.
#
# Guess:   in :61: the mark RC (reversal of a credit) takes money away, RD gives it back, as SWIFT's field 61, subfield
#          3, says; a reader shows a sign, or at least that the entry is a reversal.
# Happens: isCredit is true for C and for RC, false for D and RD; nothing else in the entry tells them apart, so no
#          caller can put it right. mt940js (another package) gives RC a minus, RD a plus, and isReversal.
# Version: mt940-js 1.0.0, mt940js 1.3.5 (npm) on Node.js 20.20.2.
# Seen:    opening 1000,00; C 100,50; D 40,00; RC 100,50; RD 40,00; closing 1000,00
#          mt940-js   +100.5 -40 +100.5 -40, together +121
#          mt940js    +100.5 -40 -100.5 +40, together 0
# Matters: a returned payment is counted twice on the account of a customer who has it no longer; opening plus entries
#          is not the closing balance, which is the one control of this format.
# Sallyport reads no MT940 itself: convert by a program whose entries add up from the opening to the closing balance,
# and let a trailer's sum prove it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" mt940-js@1.0.0 tslib@2.8.1 mt940js@1.3.5 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
printf '%s\r\n' :20:STATEMENT :25:10020030/1234567 :28C:5/1 :60F:C261129EUR1000,00 \
  :61:2611301130C100,50NTRFREF1 :86:paid :61:2611301130D40,00NTRFREF2 :86:charged \
  :61:2611301130RC100,50NRTIREF3 ':86:paid, taken back' :61:2611301130RD40,00NRTIREF4 ':86:charged, given back' \
  :62F:C261130EUR1000,00 - >statement.sta
cat >try.cjs <<'END'
const fs = require('fs');
const tell = (name, signed) => console.log(name, signed.join(' '), 'together', signed.reduce((sum, one) => sum + one));
(async () => {
  const [statement] = await require('mt940-js').read(fs.readFileSync('statement.sta'));
  tell('mt940-js', statement.transactions.map(one => one.isCredit ? one.amount : -one.amount));
  console.log('marks of a reversal', statement.transactions.filter(one => 'isReversal' in one).length);
  const [other] = new (require('mt940js').Parser)().parse(fs.readFileSync('statement.sta', 'utf8'));
  tell('mt940js', other.transactions.map(one => one.amount));
})();
END
cat >expected <<'END'
mt940-js 100.5 -40 100.5 -40 together 121
marks of a reversal 0
mt940js 100.5 -40 -100.5 40 together 0
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: mt940-js 1.0.0 takes RC for a credit and RD for a debit"
