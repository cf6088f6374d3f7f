#!/bin/bash
# Two ACH libraries add ten lines of nines to a file that is a whole block already.
#
# Guess:   a NACHA file is filled with lines of nines until its lines are a multiple of ten; a file of ten lines needs
#          none, and its block count (record 9) is 1.
# Happens: with ten lines ten more are added, so that the file has two blocks and says 1. With any other number it is
#          right, so that tests of a few entries pass, and one file in ten fails.
# Version: @ach/ach 1.1.0, @midlandsbank/node-nacha 0.4.0 (npm) on Node.js 20.20.2.
# Seen:    entries   lines without nines   lines   block count
#          5         9                     10      1
#          6         10                    20      1
#          7         11                    20      2
# Matters: banks refuse a file whose block count is not its blocks, on the day on which the number of payments is such.
# Sallyport compares the block count with all lines, passed-over ones too (control = all-lines, per-block = 10), and
# refuses the file, with both numbers.
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
const entry = {name: 'Theirs', account: {num: '12', type: 'C'}, routing: '081000210', dfi: '08100021', amount: 150};
const tell = (name, count, text) => {
  const lines = text.split('\n').filter(line => line !== '');
  const data = lines.filter(line => !/^9{94}$/.test(line));
  console.log(name, count, 'entries', data.length, lines.length, Number(data[data.length - 1].slice(7, 13)));
};
for (const count of [5, 6, 7]) {
  const ach = require('@ach/ach')();
  let batch = ach.create({...sides}).ppd({effectiveDate: '261201', description: 'PAY'});
  const nacha = require('@midlandsbank/node-nacha');
  let other = nacha.create({...sides}).ppd({effectiveDate: '261201', description: 'PAY'});
  for (let i = 0; i < count; i++) {
    batch = batch.credit({to: {...entry}, amount: entry.amount});
    other = other.credit({...entry});
  }
  const formatter = ach.getFormatter('ach');
  const writer = typeof formatter === 'function' ? new formatter() : formatter;
  let text = '';
  writer.on('data', part => text += part).on('end', () => tell('@ach/ach', count, text));
  writer.end(batch.object);
  tell('@midlandsbank/node-nacha', count, nacha.from(other).to('ach'));
}
END
cat >expected <<'END'
@ach/ach 5 entries 9 10 1
@ach/ach 6 entries 10 20 1
@ach/ach 7 entries 11 20 2
@midlandsbank/node-nacha 5 entries 9 10 1
@midlandsbank/node-nacha 6 entries 10 20 1
@midlandsbank/node-nacha 7 entries 11 20 2
END
timeout 120 node --no-warnings try.cjs 2>&1 | sort >seen
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: two ACH libraries fill a whole block with another one of nines"
