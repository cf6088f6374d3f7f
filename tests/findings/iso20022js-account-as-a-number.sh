#!/bin/bash
# iso20022.js drops the zeros before an account number, and never tells a reversal.
#
# Guess:   what an element holds is its text: account 0006222021234567890 comes out so; <RvslInd>true</RvslInd> gives
#          reversal: true.
# Happens: the XML reader beneath makes numbers and truth values of whatever looks like one, before the library sees it.
#          The zeros are gone, in account numbers and in the statement's own number; "true" is no text any more, and the
#          comparison with the text 'true' fails, so that reversal is false in every entry.
# Version: iso20022.js 0.0.15 (npm) on Node.js 20.20.2.
# Seen:    <Othr><Id>0006222021234567890   accountNumber "6222021234567890"
#          <Stmt><Id>00042                 id "42"
#          <RvslInd>true                   reversal false
#          <RvslInd>1                      reversal false
# Matters: receipts are booked on no account, or, where both exist, on another one; and a payment that came back counts
#          as a new one, since the mark of it is the only thing that tells.
# Sallyport keeps an account or key as the text that it is, with its zeros; it strips only what a layout's pad says.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" iso20022.js@0.0.15 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.mjs <<'END'
import {CashManagementEndOfDayReport} from './node_modules/iso20022.js/dist/index.mjs';
const day = '<Dt>2026-11-30</Dt>';
const entry = reversal => `<Ntry><Amt Ccy="CNY">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>${reversal}</RvslInd>
<Sts>BOOK</Sts><BookgDt>${day}</BookgDt><ValDt>${day}</ValDt><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd></Ntry>`;
const [statement] = CashManagementEndOfDayReport.fromXML(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-30T12:00:00</CreDtTm></GrpHdr>
<Stmt><Id>00042</Id><CreDtTm>2026-11-30T12:00:00</CreDtTm>
<Acct><Id><Othr><Id>0006222021234567890</Id></Othr></Id><Ccy>CNY</Ccy>
<Svcr><FinInstnId><BIC>DEUTDEFF</BIC></FinInstnId></Svcr></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt>${day}</Dt></Bal>
${entry('true')}${entry('1')}</Stmt></BkToCstmrStmt></Document>`).statements;
console.log('account', JSON.stringify(statement.account.accountNumber));
console.log('statement', JSON.stringify(statement.id));
console.log('reversals', statement.entries.map(each => each.reversal).join(' '));
END
cat >expected <<'END'
account "6222021234567890"
statement "42"
reversals false false
END
timeout 120 node try.mjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: iso20022.js 0.0.15 drops the zeros before an account number, and tells no reversal"
