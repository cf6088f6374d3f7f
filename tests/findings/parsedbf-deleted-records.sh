#!/bin/bash
# parsedbf gives the deleted records of a DBF file among the others.
#
# Guess:   a record that begins with "*" is deleted (dBASE only marks it, until PACK), and a reader leaves it out, or
#          says of each record what it is.
# Happens: it comes as any other record, and nothing in it tells.
# Version: parsedbf 2.0.0; dbffile 1.13.0, which leaves it out (npm), on Node.js 20.20.2.
# Seen:    three records, the second one deleted
#          parsedbf   A 100, B 200, C 300, together 600
#          dbffile    A 100, C 300, together 400
# Matters: in files of FoxPro programs an order that was cancelled is just such a record. The header's count has all
#          three, so that it agrees with the wrong list.
# Sallyport reads no DBF itself: convert by a program that leaves deleted records out, and let a trailer's sum prove it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" parsedbf@2.0.0 dbffile@1.13.0 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.mjs <<'END'
import fs from 'fs';
import {createRequire} from 'module';
import parse from 'parsedbf';
const {DBFFile} = createRequire(import.meta.url)('dbffile');
const file = await DBFFile.create('orders.dbf', [
  {name: 'ORDER', type: 'C', size: 4}, {name: 'AMOUNT', type: 'N', size: 8, decimalPlaces: 2}]);
await file.appendRecords([{ORDER: 'A', AMOUNT: 100}, {ORDER: 'B', AMOUNT: 200}, {ORDER: 'C', AMOUNT: 300}]);
const made = fs.readFileSync('orders.dbf');
const header = 32 + 2 * 32 + 1; // the shortest one, as dBASE writes it
const bytes = Buffer.concat([made.subarray(0, header), made.subarray(made.readUInt16LE(8))]);
bytes.writeUInt16LE(header, 8);
bytes.write('*', header + bytes.readUInt16LE(10), 'latin1'); // as DELETE does
fs.writeFileSync('orders.dbf', bytes);
const tell = (name, records) => console.log(name, records.map(each => `${each.ORDER} ${each.AMOUNT}`).join(', '),
  'together', records.reduce((sum, each) => sum + each.AMOUNT, 0), Object.keys(records[0]).join(' '));
tell('parsedbf', parse(new DataView(new Uint8Array(bytes).buffer)));
tell('dbffile', await (await DBFFile.open('orders.dbf')).readRecords(3));
END
cat >expected <<'END'
parsedbf A 100, B 200, C 300 together 600 ORDER AMOUNT
dbffile A 100, C 300 together 400 ORDER AMOUNT
END
timeout 120 node try.mjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: parsedbf 2.0.0 gives deleted records"
