#!/bin/bash
# nzh writes "100.00" in words without the mark that closes an amount.
#
# Guess:   an amount of whole yuan ends with 整 (or 正) in words (大写金额), as the rules of payment vouchers ask
#          (支付结算办法, 附一), however its number is written: 100, 100.0 and 100.00.
# Happens: 整 stands only where the number has no point. "100.00", as amounts stand in files, gives 壹佰元 with an
#          open end; so does 100.004, which is cut to the cent.
# Version: nzh 1.0.14 (npm) on Node.js 20.20.2.
# Seen:    100       人民币壹佰元整
#          "100.00"  人民币壹佰元
#          "100.50"  人民币壹佰元伍角
#          "100.05"  人民币壹佰元零伍分
# Matters: a voucher without 整 is not in order, and 壹佰元 can be gone on with (壹佰元玖角). Tests with whole
#          numbers pass: it is amounts out of a file or a decimal column that have the point.
# Sallyport writes no amounts in words; it hands on the decimals of the layout's scale. Whoever makes vouchers of them
# gives nzh "100" where the decimals are zeros.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" nzh@1.0.14 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const words = require('nzh').cn;
for (const amount of [100, '100', '100.0', '100.00', '100.004', '100.50', '100.05', '0.00'])
  console.log(JSON.stringify(amount), words.toMoney(amount));
END
cat >expected <<'END'
100 人民币壹佰元整
"100" 人民币壹佰元整
"100.0" 人民币壹佰元
"100.00" 人民币壹佰元
"100.004" 人民币壹佰元
"100.50" 人民币壹佰元伍角
"100.05" 人民币壹佰元零伍分
"0.00" 人民币零元
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: nzh 1.0.14 leaves out 整 behind 100.00"
