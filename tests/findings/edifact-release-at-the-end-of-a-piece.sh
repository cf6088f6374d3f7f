#!/bin/bash
# The EDIFACT parser of npm, edifact, forgets a release character at the end of a piece that it is fed.
#
# Guess:   a parser that is written to piece by piece reads the same, wherever the pieces are cut.
# Happens: it does, but behind the release character: where "?" is the last byte of a piece, the next byte is no longer
#          released. "A?+B" becomes two elements, "A?'B" ends the segment. A stream of a file has such a cut each 64
#          KiB.
# Version: edifact 1.2.12 (npm) on Node.js 20.20.2.
# Seen:    FTX with the text A?+B, "?" as byte 65536 of the file
#          whole file       FTX AAI | | | A+B
#          by stream        FTX AAI | | | A | B
#          one byte later   FTX AAI | | | A+B
# Matters: names and references are such texts ("O?'NEIL"). A message that is good in every test is read otherwise when
#          the file before it is longer that day: a reference loses its end, the count of segments (UNT) may stay right.
# Sallyport passes EDIFACT on as it came ("process deliver"), and sums none of it; a receiver should read the file as a
# whole, or cut it behind a segment.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" edifact@1.2.12 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const fs = require('fs');
const {Parser} = require('edifact');
const opened = () => {
  const parser = new Parser(), segments = [];
  parser.on('opensegment', tag => segments.push([tag]));
  parser.on('element', () => segments[segments.length - 1].push([]));
  parser.on('component', data => segments[segments.length - 1].slice(-1)[0].push(data));
  const tell = name => {
    parser.end();
    const [last] = segments.filter(([tag]) => tag === 'FTX').slice(-1);
    console.log(name, '|', last.join(' | '), '|', segments.length, 'segments');
  };
  return {parser, tell};
};
const head = "UNB+UNOC:3+OURS:14+THEIRS:14+261130:1200+1'UNH+1+PAYMUL:D:96A:UN'";
const file = at => { // the release character is byte number at + 1
  const text = 'FTX+AAI+++A?', amount = "MOA+9:1.00:EUR'";
  const before = at + 1 - head.length - text.length, amounts = Math.floor(before / amount.length) - 1;
  const padding = "FTX+ZZZ+++" + 'X'.repeat(before - amounts * amount.length - 11) + "'";
  return head + amount.repeat(amounts) + padding + text + `+B'UNT+${amounts + 4}+1'UNZ+1+1'`;
};
const byStream = async (name, at) => {
  fs.writeFileSync('file.edi', file(at));
  const {parser, tell} = opened();
  for await (const piece of fs.createReadStream('file.edi', 'utf8'))
    parser.write(piece);
  tell(name);
};
(async () => {
  const {parser, tell} = opened();
  parser.write(file(65535));
  tell('whole');
  await byStream('stream', 65535);
  await byStream('later', 65536);
})();
END
cat >expected <<'END'
whole | FTX | AAI |  |  | A+B | 4368 segments
stream | FTX | AAI |  |  | A | B | 4368 segments
later | FTX | AAI |  |  | A+B | 4369 segments
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: edifact 1.2.12 forgets a release character at the end of a piece"
