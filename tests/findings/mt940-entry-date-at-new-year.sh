#!/bin/bash
# Three MT940 readers put an entry of the old year a year into the future.
#
# Guess:   :61: has a value date with its year and an entry date without one (MMDD); the entry date belongs to the year
#          that brings it next to the value date: value 2 January 2027, entry 1231 is 31 December 2026.
# Happens: all three give the entry date the value date's year: 31 December 2027, a year less two days after the value
#          date. The other way round (value 31 December, entry 0102) it is a year before.
# Version: mt940js 1.3.5, @centrapay/swift-parser 1.0.1, mt940-js 1.0.0 (npm) on Node.js 20.20.2.
# Seen:    270102 1231   mt940js 2027-12-31, swift-parser 2027-12-31, mt940-js 2027-12-31
#          261231 0102   mt940js 2026-01-02, swift-parser 2026-01-02, mt940-js 2026-01-02
# Matters: entries around New Year fall out of the day that is reconciled, or into one that was closed a year ago.
# Sallyport's check refuses the format of a date that has no year: nothing is guessed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" mt940js@1.3.5 @centrapay/swift-parser@1.0.1 \
  mt940-js@1.0.0 tslib@2.8.1 >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
printf '%s\r\n' :20:STATEMENT :25:10020030/1234567 :28C:1/1 :60F:C261231EUR1000,00 \
  :61:2701021231C7,00NTRFREF1 ':86:booked in the old year' :61:2612310102C5,00NTRFREF2 ':86:booked in the new year' \
  :62F:C270102EUR1012,00 - >statement.sta
cat >try.cjs <<'END'
const fs = require('fs');
const text = fs.readFileSync('statement.sta', 'utf8');
const day = date => (typeof date === 'string' ? date : date.toISOString()).slice(0, 10);
const tell = (name, entries, value) => entries.forEach(one => console.log(name, day(one[value]), day(one.entryDate)));
(async () => {
  tell('mt940js', new (require('mt940js').Parser)().parse(text)[0].transactions, 'date');
  tell('swift-parser', require('@centrapay/swift-parser').parse({type: 'mt940', data: text})[0].transactions, 'date');
  tell('mt940-js', (await require('mt940-js').read(Buffer.from(text)))[0].transactions, 'valueDate');
})();
END
cat >expected <<'END'
mt940js 2027-01-02 2027-12-31
mt940js 2026-12-31 2026-01-02
swift-parser 2027-01-02 2027-12-31
swift-parser 2026-12-31 2026-01-02
mt940-js 2027-01-02 2027-12-31
mt940-js 2026-12-31 2026-01-02
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: three MT940 readers put an entry date into the value date's year"
