#!/bin/bash
# iso20022.js tells amounts in smallest units that are not whole, and takes a yen for a hundred of them.
#
# Guess:   an amount in smallest units is a whole number: 4.35 EUR is 435; and where a currency has no smaller unit (ISO
#          4217: JPY 0 digits), 1000 JPY is 1000; KWD, with three digits, 1.005 is 1005.
# Happens: the amount is multiplied by 100 in floating point and left so, whatever the currency. Of the way out the
#          same: 1000 smallest units of JPY make <InstdAmt Ccy="JPY">10.
# Version: iso20022.js 0.0.15 (npm) on Node.js 20.20.2.
# Seen:    camt.053    4.35 EUR   434.99999999999994
#                      1.15 EUR   114.99999999999999
#                      1000 JPY   100000
#                      1.005 KWD  100.49999999999999
#          pain.001    435 USD    4.35
#                      1000 JPY   10
#                      1005 KWD   10.05
# Matters: one amount in eleven (of those up to 1000.00) is not equal to the own booking, Math.floor loses a cent of it,
#          BigInt throws; a payment of yen goes out as a hundredth, one of dinars as ten times.
# Sallyport reads decimals as whole numbers with the scale that the layout says (0 to 18), and never as floating point.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" iso20022.js@0.0.15 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.mjs <<'END'
import {CashManagementEndOfDayReport, ISO20022} from './node_modules/iso20022.js/dist/index.mjs';
const day = '<Dt>2026-11-30</Dt>';
const statement = (currency, amount) => `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-30T12:00:00</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><CreDtTm>2026-11-30T12:00:00</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id>
<Ccy>${currency}</Ccy><Svcr><FinInstnId><BIC>DEUTDEFF</BIC></FinInstnId></Svcr></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">0</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt>${day}</Dt></Bal>
<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt>${day}</BookgDt>
<ValDt>${day}</ValDt><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd></Ntry></Stmt></BkToCstmrStmt></Document>`;
for (const [currency, amount] of [['EUR', '4.35'], ['EUR', '1.15'], ['JPY', '1000'], ['KWD', '1.005']]) {
  const report = CashManagementEndOfDayReport.fromXML(statement(currency, amount));
  console.log('camt.053', amount, currency, report.statements[0].entries[0].amount);
}
const ours = new ISO20022({initiatingParty: {name: 'Ours', id: 'OURS', account: {accountNumber: '123456789012'},
  agent: {bic: 'CHASUS33', bankAddress: {country: 'US'}}}});
for (const [currency, amount] of [['USD', 435], ['JPY', 1000], ['KWD', 1005]]) {
  const payment = ours.createSWIFTCreditPaymentInitiation([{type: 'swift', direction: 'credit', amount, currency,
    creditor: {name: 'Theirs', account: {iban: 'DE89370400440532013000'}, agent: {bic: 'DEUTDEFF'},
      address: {streetName: 'Street', townName: 'Town', postalCode: '12345', country: 'DE'}}}]);
  console.log('pain.001', amount, currency, payment.toString().match(/<InstdAmt[^>]*>([^<]*)/)[1]);
}
END
cat >expected <<'END'
camt.053 4.35 EUR 434.99999999999994
camt.053 1.15 EUR 114.99999999999999
camt.053 1000 JPY 100000
camt.053 1.005 KWD 100.49999999999999
pain.001 435 USD 4.35
pain.001 1000 JPY 10
pain.001 1005 KWD 10.05
END
timeout 120 node try.mjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: iso20022.js 0.0.15 reads 4.35 EUR as 434.99999999999994 and 1000 JPY as 100000"
