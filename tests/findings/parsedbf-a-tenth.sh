#!/bin/bash
# parsedbf reads 100 as 10 in a DBF file that dbffile has written.
#
# Guess:   a reader goes by the header's length that the file states (bytes 8 and 9), since programs write headers of
#          several lengths (dBASE 32 n + 33, others one byte more, Visual FoxPro 263 more).
# Happens: parsedbf reckons the length by the number of fields, as dBASE has it. dbffile writes one byte more, and says
#          so: each field is read one byte too early, and a whole number, which stands at the right of its field, loses
#          its last digit. Other readers (dbf-reader here) have it right.
# Version: parsedbf 2.0.0, dbffile 1.13.0, dbf-reader 1.0.3 (npm) on Node.js 20.20.2.
# Seen:    A 100, B 205   parsedbf A 10, B 20; dbf-reader A 100, B 205; dbffile A 100, B 205
#          header         98 bytes (dBASE would have 97)
# Matters: what one widely used package writes the other reads as a tenth, without an error.
# Sallyport reads no DBF itself: convert by a program whose sum was compared with the partner's, for each program that
# he writes his files by.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" parsedbf@2.0.0 dbffile@1.13.0 dbf-reader@1.0.3 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.mjs <<'END'
import fs from 'fs';
import {createRequire} from 'module';
import parse from 'parsedbf';
const require = createRequire(import.meta.url);
const {DBFFile} = require('dbffile');
const file = await DBFFile.create('orders.dbf', [
  {name: 'ORDER', type: 'C', size: 4}, {name: 'AMOUNT', type: 'N', size: 8, decimalPlaces: 2}]);
await file.appendRecords([{ORDER: 'A', AMOUNT: 100}, {ORDER: 'B', AMOUNT: 205}]);
const bytes = fs.readFileSync('orders.dbf');
const tell = (name, records) => console.log(name, records.map(each => `${each.ORDER} ${each.AMOUNT}`).join(', '));
console.log('header', bytes.readUInt16LE(8));
tell('parsedbf', parse(new DataView(new Uint8Array(bytes).buffer)));
tell('dbf-reader', require('dbf-reader').Dbf.read(bytes).rows);
tell('dbffile', await (await DBFFile.open('orders.dbf')).readRecords(2));
END
cat >expected <<'END'
header 98
parsedbf A 10, B 20
dbf-reader A 100, B 205
dbffile A 100, B 205
END
timeout 120 node try.mjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: parsedbf 2.0.0 reads 100 of a file of dbffile 1.13.0 as 10"
