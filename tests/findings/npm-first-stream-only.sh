#!/bin/bash
# Five unpackers of npm give the first part of a file that is packed in several, and say nothing.
#
# Guess:   a .gz, .bz2 or .lz4 that is several streams one behind the other is one content, or an error: RFC 1952, 2.2,
#          the lz4 frame format, and gzip, bzip2, lz4 themselves say so.
# Happens: the bytes of the first stream come back, without an error or a hint; the rest of the file is left out. In
#          fflate only the one-shot call does it, its stream class reads all. seek-bzip has an argument for it.
# Version: fflate 0.8.3, seek-bzip 2.0.0, bz2 1.0.1, compressjs 1.0.3, lz4js 0.2.0 (npm) on Node.js 20.20.2.
# Seen:    of two streams of 100 records each
#          gzip   fflate gunzipSync 100 of 200, fflate Gunzip 200, node:zlib 200
#          bzip2  seek-bzip decode 100, with its argument for several 200, bz2 100, compressjs 100
#          lz4    lz4js 100
# Matters: "cat morning.gz evening.gz" is a good file, and packers that use all processors (pbzip2, bgzip) write
#          hundreds of streams: the receiver books the first of them, and each checksum that was looked at is right.
# Sallyport reads all streams of a .gz and a .zst as one content, each with its checksum and length, and packs what it
# sends in one stream.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in npm gzip bzip2 lz4; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" fflate@0.8.3 seek-bzip@2.0.0 bz2@1.0.1 \
  compressjs@1.0.3 lz4js@0.2.0 >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
for half in 0 1; do
  for ((i = 0; i < 100; i++)); do
    printf 'K%06d;1.00\n' $((half * 100 + i))
  done >"half$half"
done
for tool in gzip bzip2 'lz4 -q'; do
  $tool -c <half0 >"two.${tool%% *}"
  $tool -c <half1 >>"two.${tool%% *}"
  [ "$($tool -dc <"two.${tool%% *}" | wc -l)" = 200 ] || { echo "changed: $tool does not read both"; exit 1; }
done

cat >try.cjs <<'END'
const fs = require('fs');
const read = name => fs.readFileSync('two.' + name);
const lines = bytes => Buffer.from(bytes).toString().split('\n').length - 1;
const tell = (name, unpack) => {
  try {
    console.log(name, lines(unpack()));
  } catch (error) {
    console.log(name, 'throws:', error.message);
  }
};
const fflate = require('fflate');
tell('fflate gunzipSync', () => fflate.gunzipSync(read('gzip')));
tell('fflate Gunzip', () => {
  const parts = [];
  new fflate.Gunzip(part => parts.push(Buffer.from(part))).push(read('gzip'), true);
  return Buffer.concat(parts);
});
tell('node:zlib', () => require('zlib').gunzipSync(read('gzip')));
tell('seek-bzip', () => require('seek-bzip').decode(read('bzip2')));
tell('seek-bzip, several', () => require('seek-bzip').decode(read('bzip2'), null, true));
tell('bz2', () => require('bz2').decompress(read('bzip2')));
tell('compressjs', () => require('compressjs').Bzip2.decompressFile(read('bzip2')));
tell('lz4js', () => require('lz4js').decompress(read('lz4')));
END
cat >expected <<'END'
fflate gunzipSync 100
fflate Gunzip 200
node:zlib 200
seek-bzip 100
seek-bzip, several 200
bz2 100
compressjs 100
lz4js 100
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: five unpackers give the first of two streams and no error"
