#!/bin/bash
# The ACH library nach2 counts addenda in its batches, but not in the file, and ends their lines otherwise.
#
# Guess:   record 9 has the sum of the batches' entry and addenda counts (record 8), the lines are a multiple of ten,
#          and each line ends alike.
# Happens: record 8 counts addenda, record 9 does not; nor does the count by which lines of nines are added and the
#          block count is made. A line that an addendum follows ends with LF, all others with CR LF.
# Version: nach2 0.5.1 (npm) on Node.js 20.20.2; the class for addenda is lib/entry-addenda (index.js leaves it out).
# Seen:    7 entries, 4 of them with an addendum
#          record 8   11 entries and addenda
#          record 9   7 entries and addenda, 2 blocks
#          lines      24 (LF 4, CR LF 19, none behind the last one)
# Matters: the file's own controls contradict each other, and a bank refuses it; or reads, where it counts CR LF, an
#          entry and its addendum as one line that is too long.
# Sallyport compares each count that a trailer states with what it has counted itself, and refuses the file with both
# numbers; line ends are those that the layout names, or any.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" nach2@0.5.1 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const nach = require('nach2');
const Addenda = require('nach2/lib/entry-addenda');
const file = new nach.File({immediateDestination: '081000032', immediateOrigin: '123456789',
  immediateDestinationName: 'Our Bank', immediateOriginName: 'Ours', referenceCode: 'A1'});
const batch = new nach.Batch({serviceClassCode: '220', companyName: 'Ours', standardEntryClassCode: 'PPD',
  companyIdentification: '123456789', companyEntryDescription: 'PAY', companyDescriptiveDate: 'NOV 30',
  effectiveEntryDate: new Date(2026, 11, 1), originatingDFI: '081000032'});
for (let i = 0; i < 7; i++) {
  const entry = new nach.Entry({receivingDFI: '081000210', DFIAccount: '5654221', amount: '1.50', idNumber: 'R' + i,
    individualName: 'Theirs', discretionaryData: 'A1', transactionCode: '22'});
  if (i % 2 === 0)
    entry.addAddenda(new Addenda({paymentRelatedInformation: 'INVOICE ' + i}));
  batch.addEntry(entry);
}
file.addBatch(batch);
file.generateFile(text => {
  const lines = text.split(/\r?\n/);
  const line = tag => lines.find(each => each.startsWith(tag) && !each.startsWith('99'));
  console.log('lines', lines.filter(each => each[0] === '6').length, lines.filter(each => each[0] === '7').length);
  console.log('record 8', Number(line('8').slice(4, 10)));
  console.log('record 9', Number(line('9').slice(13, 21)), 'blocks', Number(line('9').slice(7, 13)));
  console.log('all lines', lines.length, 'LF', text.match(/(?<!\r)\n/g).length, 'CR LF', text.match(/\r\n/g).length);
});
END
cat >expected <<'END'
lines 7 4
record 8 11
record 9 7 blocks 2
all lines 24 LF 4 CR LF 19
END
timeout 120 node --no-warnings try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: nach2 0.5.1 counts addenda in record 8 and not in record 9"
