#!/bin/bash
# camt-parser takes an entry of a statement (camt.053) for a plain one if its reversal is marked as 1, not as true.
#
# Guess:   RvslInd is a boolean of XML Schema, which is written true or 1, false or 0; a parser of camt.053 takes both.
# Happens: reversalIndicator is set for the word "true" alone. The returned entry is like one that is no reversal; a
#          blank around the word, which the schema takes away, has the same effect.
# Version: camt-parser 1.1.0 (npm) on Node.js 20.20.2.
# Seen:    <RvslInd>true</RvslInd>     reversalIndicator true
#          <RvslInd>1</RvslInd>        reversalIndicator false
#          <RvslInd> true </RvslInd>   reversalIndicator false
# Matters: a debit that reverses a credit is read as a new payment out; a reconciliation that pairs entries with their
#          reversals finds two that stand alone. Which way a bank writes it is a matter of its library.
# Sallyport's codes of a sign or a kind are a list in the layout, and a code that the list does not have is refused.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >>"$work/log" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" camt-parser@1.1.0 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const {parseCamt053} = require('camt-parser');
const statement = word => `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T08:00:00</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><Acct><Id><IBAN>DE00</IBAN></Id></Acct>
<Ntry><NtryRef>1</NtryRef><Amt Ccy="EUR">12.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>${word}</RvslInd>
<Sts><Cd>BOOK</Cd></Sts></Ntry></Stmt></BkToCstmrStmt></Document>`;
(async () => {
  for (const word of ['true', '1', ' true ', 'false'])
    console.log(`"${word}"`, (await parseCamt053(statement(word))).statements[0].transactions[0].reversalIndicator);
})();
END
node try.cjs >got 2>>log || cannot "node: $(tail -n 1 log)"
diff - got <<'END' || { echo "changed: see above, found against seen"; exit 1; }
"true" true
"1" false
" true " false
"false" false
END
echo "as found: a reversal marked as 1 is lost"
