#!/bin/bash
# hl7-standard writes an amount with its currency as two amounts.
#
# Guess:   a message that is parsed and built again, with nothing changed in it, has the same fields.
# Happens: where a field has one component with subcomponents, "100.10&EUR", the "&" becomes "~": the field is repeated,
#          100.10 and EUR. With a second component, "100.10&EUR^UP", it stays.
# Version: hl7-standard 1.0.4 (npm) on Node.js 20.20.2.
# Seen:    FT1-11 (transaction amount, type CP: quantity & denomination)
#          in    FT1|1|||20261130||CG|X||||100.10&EUR|Z
#          out   FT1|1|||20261130||CG|X||||100.10~EUR|Z|
#          in    FT1|1|||20261130||CG|X||||100.10&EUR^UP|Z
#          out   FT1|1|||20261130||CG|X||||100.10&EUR^UP|Z|
# Matters: hospitals send charges (DFT) through such a step to insurers: the currency is lost, and a receiver that adds
#          repetitions sees a second charge without a number.
# Sallyport passes such messages on as they came ("process deliver").
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" hl7-standard@1.0.4 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const Hl7 = require('hl7-standard');
for (const amount of ['100.10&EUR', '100.10&EUR^UP']) {
  const message = new Hl7('MSH|^~\\&|A|B|C|D|20261130120000||DFT^P03|1|P|2.5\r' +
    `FT1|1|||20261130||CG|X||||${amount}|Z\r`);
  message.transform();
  console.log(amount, '->', message.build().split(/[\r\n]+/)[1]);
}
END
cat >expected <<'END'
100.10&EUR -> FT1|1|||20261130||CG|X||||100.10~EUR|Z|
100.10&EUR^UP -> FT1|1|||20261130||CG|X||||100.10&EUR^UP|Z|
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: hl7-standard 1.0.4 builds 100.10~EUR of 100.10&EUR"
