#!/bin/bash
# fixy reads an amount of fixed width without a decimal point as a hundred times as much if blanks fill it, not zeros.
#
# Guess:   "   1250" and "0001250" are the same amount, 12.50 with the type float and its two decimals.
# Happens: a value without a point gets one at (width - precision), counted in the field's width; but the blanks have
#          been cut off before. A value that is shorter than that gets its point behind its end: 1250 is 1250.00.
# Version: fixy 1.3.3 (npm) on Node.js 20.20.2.
# Seen:    width 7  "0001250"   12.50
#                   "   1250"   1250.00
#                   "1250   "   1250.00
#                   " 123456"   12345.60
# Matters: one bank fills with zeros, the next with blanks; a partner who tests with the first credits the second's
#          customers a hundred times as much, or ten times where six of seven digits are used.
# Sallyport: `implied` decimals count from the last digit, whatever fills the field; what may fill it is declared.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >>"$work/log" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" fixy@1.3.3 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const fixy = require('fixy');
const map = [{name: 'amount', start: 1, width: 7, type: 'float'}];
for (const field of ['0001250', '   1250', '1250   ', ' 123456'])
  console.log(`"${field}"`, fixy.parse({map, options: {fullwidth: 7}}, field)[0].amount);
END
node try.cjs >got 2>>log || cannot "node: $(tail -n 1 log)"
diff - got <<'END' || { echo "changed: see above, found against seen"; exit 1; }
"0001250" 12.50
"   1250" 1250.00
"1250   " 1250.00
" 123456" 12345.60
END
echo "as found: blanks make it a hundred times as much"
