#!/bin/bash
# Two X12 parsers of npm lose the second interchange of a file when its separators are others.
#
# Guess:   each interchange names its separators at fixed places of its own ISA segment, so each is read by its own.
# Happens: those of the first ISA are used to the end of the file. node-x12 drops what it does not understand, without
#          an error (its stricter way throws, or, where only the segments' end differs, drops it, too). x12-parser gives
#          segments whose whole text is their name, or one segment that has all the rest in it.
# Version: node-x12 1.7.1, x12-parser 1.3.0 (npm) on Node.js 20.20.2.
# Seen:    two interchanges of one 820 each; the second's  separators *>~   separators |^~   separators *>'
#          node-x12      remittances                       1.00, 2.00       1.00             1.00
#          node-x12, strict                                1.00, 2.00       throws           1.00
#          x12-parser    segments RMR                      2                1                1
# Matters: mailboxes and VANs put what came in a day into one file. Everything up to the first IEA is right, its counts,
#          too; the other partners' remittances are not there, and no acknowledgement (997) tells.
# Sallyport passes X12 on as it came ("process deliver"); let each interchange be a file of its own.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" node-x12@1.7.1 x12-parser@1.3.0 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const {X12Parser} = require('node-x12');
const {X12parser} = require('x12-parser');
const {Readable} = require('stream');
const interchange = (number, amount, [element, component, end]) => [
  `ISA*00*          *00*          *ZZ*THEIRS         *ZZ*OURS           *261130*1200*U*00401*00000000${number}*0*P*>`,
  'GS*RA*THEIRS*OURS*20261130*1200*1*X*004010', 'ST*820*0001', `RMR*IV*INVOICE${number}**${amount}`, 'SE*3*0001',
  'GE*1*1', `IEA*1*00000000${number}`,
].map(segment => segment.replaceAll('*', element).replaceAll('>', component) + end).join('');
const remittances = interchanges => interchanges.flatMap(each => each.functionalGroups)
  .flatMap(group => group.transactions).flatMap(transaction => transaction.segments)
  .filter(segment => segment.tag === 'RMR').map(segment => segment.valueOf(4));
(async () => {
  for (const separators of ['*>~', '|^~', "*>'"]) {
    const text = interchange(1, '1.00', '*>~') + interchange(2, '2.00', separators);
    for (const strict of [false, true])
      try {
        const read = new X12Parser(strict).parse(text);
        console.log(separators, 'node-x12', strict ? 'strict' : '', ...remittances(read.interchanges || [read]));
      } catch (error) {
        console.log(separators, 'node-x12', strict ? 'strict' : '', 'throws');
      }
    let count = 0;
    for await (const segment of Readable.from([text], {objectMode: false}).pipe(new X12parser()))
      count += segment.name === 'RMR';
    console.log(separators, 'x12-parser', count);
  }
})();
END
cat >expected <<'END'
*>~ node-x12  1.00 2.00
*>~ node-x12 strict 1.00 2.00
*>~ x12-parser 2
|^~ node-x12  1.00
|^~ node-x12 strict throws
|^~ x12-parser 1
*>' node-x12  1.00
*>' node-x12 strict 1.00
*>' x12-parser 1
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: node-x12 1.7.1 and x12-parser 1.3.0 lose an interchange with other separators"
