#!/bin/bash
# node-ofx-parser escapes an ampersand that is escaped, twice more.
#
# Guess:   <NAME>SMITH &amp; SONS is the name "SMITH & SONS"; at worst it stays as it stands.
# Happens: it comes out longer than it went in: "SMITH &amp;amp;amp; SONS", and "&lt;" as "&amp;amp;lt;". A bare "&",
#          which is no OFX, comes out as "&amp;amp;".
# Version: node-ofx-parser 0.5.1, ofx-js 1.1.1 (npm) on Node.js 20.20.2.
# Seen:    SMITH &amp; SONS    node-ofx-parser "SMITH &amp;amp;amp; SONS", ofx-js "SMITH & SONS"
#          A &lt; B           node-ofx-parser "A &amp;amp;lt; B",         ofx-js "A < B"
# Matters: payers are told by their names and references: no rule that looks for "SMITH & SONS" finds it, and a name in
#          a column of 32 places is cut at another place.
# Sallyport reads no OFX itself: convert by a program whose text fields are compared once with the bank's own list.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" node-ofx-parser@0.5.1 ofx-js@1.1.1 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const text = `OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STMTRS><CURDEF>USD<BANKTRANLIST><DTSTART>20261101<DTEND>20261130
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261130<TRNAMT>1.00<FITID>1<NAME>SMITH &amp; SONS<MEMO>A &lt; B</STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1>
</OFX>
`;
const tell = (name, read) => {
  const entry = read.OFX.BANKMSGSRSV1.STMTTRNRS.STMTRS.BANKTRANLIST.STMTTRN;
  console.log(name, '|', entry.NAME, '|', entry.MEMO);
};
tell('node-ofx-parser', require('node-ofx-parser').parse(text));
require('ofx-js').parse(text).then(read => tell('ofx-js', read));
END
cat >expected <<'END'
node-ofx-parser | SMITH &amp;amp;amp; SONS | A &amp;amp;lt; B
ofx-js | SMITH & SONS | A < B
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: node-ofx-parser 0.5.1 gives &amp;amp;amp; for &amp;"
