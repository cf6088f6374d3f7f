#!/bin/bash
# The zstd reader zstddec gives 16 MB of other bytes for a good file whose frame does not tell its size.
#
# Guess:   decode(bytes) gives the content, or throws where it needs to be told the size.
# Happens: a frame from a pipe ("zstd -c", "tar | zstd", pzstd) has no content size, which the format allows. Then
#          decode() gives about 16 MB of what its memory holds (in a fresh one: zeros) for a content of 18 bytes, and
#          no error. With the size as second argument the content is right, as it is for a frame that tells its size
#          ("zstd FILE").
# Version: zstddec 0.3.4 (npm) on Node.js 20.20.2; zstd 1.5.4 (Debian 12).
# Seen:    by name      18 bytes, the content
#          by pipe      16908214 bytes, not the content
#          by pipe, 18  18 bytes, the content
# Matters: whoever packs in a pipe, as scripts do, sends files that such a receiver reads as 16 MB of something else:
#          no error, and a reader that skips what it does not know finds an empty day.
# Sallyport reads both, and writes the size into the frames that it sends, since it knows it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in npm zstd; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" zstddec@0.3.4 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
printf 'key;amount\nA;1.00\n' >pay.csv
zstd -q pay.csv -o named.zst
# shellcheck disable=SC2002
cat pay.csv | zstd -qc >piped.zst
cat >try.cjs <<'END'
const {ZSTDDecoder} = require('zstddec');
const fs = require('fs');
const content = fs.readFileSync('pay.csv');
(async () => {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  for (const [name, ...size] of [['named'], ['piped'], ['piped', content.length]]) {
    const got = Buffer.from(decoder.decode(fs.readFileSync(name + '.zst'), ...size));
    const what = got.equals(content) ? 'content' : 'others';
    console.log(name, ...size, got.length, what);
  }
})();
END
cat >expected <<'END'
named 18 content
piped 16908214 others
piped 18 18 content
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: zstddec 0.3.4 gives 16908214 bytes for a frame without a content size"
