#!/bin/bash
# The ACH library @ach/ach joins the routing numbers where NACHA's entry hash adds them up.
#
# Guess:   the entry hash of a batch and of the file is the sum of the receivers' routing numbers (8 digits each), of
#          which the last ten digits are written.
# Happens: they are put one behind the other as text, and the last ten digits of that are written: the last number and
#          two digits of the one before. With one entry alone it is right. Another library that began as a copy of it,
#          @midlandsbank/node-nacha, adds.
# Version: @ach/ach 1.1.0, @midlandsbank/node-nacha 0.4.0 (npm) on Node.js 20.20.2.
# Seen:    entries to 08100021 and 10100001
#          @ach/ach                   2110100001 in records 8 and 9
#          @midlandsbank/node-nacha   0018200022 in records 8 and 9
# Matters: the hash is the control that finds a payment sent to another bank: a bank that checks it refuses the file as
#          a whole, and one that does not has no control.
# Sallyport sums such a number ("sum(field)" with low-digits = 10 of the trailer) and refuses the file, with both
# numbers.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" @ach/ach@1.1.0 @midlandsbank/node-nacha@0.4.0 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const sides = {from: {name: 'Ours', fein: '123456789'}, for: {name: 'Our Bank', routing: '081000032'}};
const entries = count => ['081000210', '101000019'].slice(0, count).map(routing =>
  ({name: 'Theirs', account: {num: '12', type: 'C'}, routing, dfi: routing.slice(0, 8), amount: 150}));
const tell = (name, count, text) => {
  const hashes = text.split('\n').filter(line => line[0] === '8' || line[0] === '9' && line[1] !== '9')
    .map(line => line[0] === '8' ? line.slice(10, 20) : line.slice(21, 31));
  console.log(name, count, hashes.join(' '));
};
for (const count of [1, 2]) {
  const ach = require('@ach/ach')();
  let batch = ach.create({...sides}).ppd({effectiveDate: '261201', description: 'PAY'});
  for (const entry of entries(count))
    batch = batch.credit({to: entry, amount: entry.amount});
  const formatter = ach.getFormatter('ach');
  const writer = typeof formatter === 'function' ? new formatter() : formatter;
  let text = '';
  writer.on('data', part => text += part).on('end', () => tell('@ach/ach', count, text));
  writer.end(batch.object);

  const nacha = require('@midlandsbank/node-nacha');
  let other = nacha.create({...sides}).ppd({effectiveDate: '261201', description: 'PAY'});
  for (const entry of entries(count))
    other = other.credit(entry);
  tell('@midlandsbank/node-nacha', count, nacha.from(other).to('ach'));
}
END
cat >expected <<'END'
@ach/ach 1 0008100021 0008100021
@ach/ach 2 2110100001 2110100001
@midlandsbank/node-nacha 1 0008100021 0008100021
@midlandsbank/node-nacha 2 0018200022 0018200022
END
timeout 120 node --no-warnings try.cjs 2>&1 | sort >seen
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: @ach/ach 1.1.0 joins routing numbers instead of adding them"
