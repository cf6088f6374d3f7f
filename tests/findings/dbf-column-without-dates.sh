#!/bin/bash
# The DBF writer of npm, dbf, leaves columns of dates out, and writes one byte for each Chinese character.
#
# Guess:   a Date becomes a field of type D, or an error; a name that the file's character set has not becomes "?", or
#          an error.
# Happens: the column is not in the file, and nothing is said. Of a character the last eight bits are written: 张三
#          (5F20 4E09) is a blank and a tab.
# Version: dbf 0.2.0; dbffile 1.13.0 to read the file (npm), on Node.js 20.20.2.
# Seen:    given     AMOUNT 1234.56, NAME 张三, TRADED 2026-11-30
#          written   AMOUNT N 18,3, NAME C 254; 1234.56, 20 09
# Matters: who sends a securities firm a DBF file of names and days sends blanks and no days; a record is as long as it
#          was told, so that the receiver's program reads it.
# Sallyport writes text files in the layout's character set, and refuses a value that it cannot write.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" dbf@0.2.0 dbffile@1.13.0 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const fs = require('fs');
const {DBFFile} = require('dbffile');
const made = require('dbf').structure([{AMOUNT: 1234.56, NAME: '张三', TRADED: new Date(2026, 10, 30)}]);
fs.writeFileSync('trades.dbf', Buffer.from(made.buffer));
(async () => {
  const file = await DBFFile.open('trades.dbf', {readMode: 'loose'});
  console.log(file.fields.map(each => `${each.name} ${each.type} ${each.size},${each.decimalPlaces}`).join('; '));
  const [record] = await file.readRecords(1);
  console.log(record.AMOUNT, Buffer.from(record.NAME, 'latin1').toString('hex'), String(record.TRADED));
})();
END
cat >expected <<'END'
AMOUNT N 18,3; NAME C 254,0
1234.56 2009 undefined
END
TZ=UTC timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: dbf 0.2.0 leaves a column of dates out, and writes 2009 for two Chinese characters"
