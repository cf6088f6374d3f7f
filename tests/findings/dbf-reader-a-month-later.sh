#!/bin/bash
# dbf-reader reads each date of a DBF file a month too late, and an amount that is not there as 0.
#
# Guess:   a field of type D with 20261130 is 30 November 2026, and an empty number is null.
# Happens: the month is taken as if January were 0. 30 November becomes 30 December, 31 December the 31 January of the
#          next year, 31 January 3 March. An empty number is 0, so that "unknown" and "nothing" look alike.
# Version: dbf-reader 1.0.3; dbffile 1.13.0, which writes the file and reads it rightly (npm), on Node.js 20.20.2.
# Seen:    20261130   dbf-reader 2026-12-30, dbffile 2026-11-30
#          20261231   dbf-reader 2027-01-31, dbffile 2026-12-31
#          20260131   dbf-reader 2026-03-03, dbffile 2026-01-31
#          no amount  dbf-reader 0,          dbffile null
# Matters: settlement files of exchanges and funds are DBF still. Each trade is booked a month later, most days exist
#          there, too, and nothing fails.
# Sallyport reads no DBF itself: convert by a program whose dates were compared once with what the partner sees.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" dbf-reader@1.0.3 dbffile@1.13.0 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const fs = require('fs');
const {DBFFile} = require('dbffile');
const {Dbf} = require('dbf-reader');
const day = date => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(each => String(each).padStart(2, '0'))
  .join('-');
(async () => {
  const file = await DBFFile.create('trades.dbf', [
    {name: 'TRADED', type: 'D', size: 8}, {name: 'AMOUNT', type: 'N', size: 12, decimalPlaces: 2}]);
  await file.appendRecords([
    {TRADED: new Date(2026, 10, 30), AMOUNT: 1.5}, {TRADED: new Date(2026, 11, 31), AMOUNT: 0},
    {TRADED: new Date(2026, 0, 31), AMOUNT: null}]);
  console.log('in the file', fs.readFileSync('trades.dbf', 'latin1').match(/20\d{6}/g).join(' '));
  for (const each of Dbf.read(fs.readFileSync('trades.dbf')).rows)
    console.log('dbf-reader', day(each.TRADED), each.AMOUNT);
  for (const each of await (await DBFFile.open('trades.dbf')).readRecords(3))
    console.log('dbffile', each.TRADED.toISOString().slice(0, 10), each.AMOUNT);
})();
END
cat >expected <<'END'
in the file 20261130 20261231 20260131
dbf-reader 2026-12-30 1.5
dbf-reader 2027-01-31 0
dbf-reader 2026-03-03 0
dbffile 2026-11-30 1.5
dbffile 2026-12-31 0
dbffile 2026-01-31 null
END
TZ=UTC timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: dbf-reader 1.0.3 reads dates a month too late"
