#!/bin/bash
# A zip that bsdtar writes to a pipe is filled up with zeros to 10,240 bytes, and two readers of npm refuse it.
#
# Guess:   "bsdtar --format zip -cf - FILE | …" gives the same bytes as "bsdtar --format zip -cf out.zip FILE": blocks
#          and their filling are a matter of tapes and of tar.
# Happens: to a pipe the last block is filled up, in the zip format too, so zeros stand behind the zip's end. unzip, 7z,
#          Python, jszip and adm-zip pass over them; yauzl and unzipper (by its directory) refuse the file.
# Version: bsdtar 3.6.2 (libarchive-tools, Debian 12); yauzl 3.4.0, unzipper 0.12.5, adm-zip 0.6.1 (npm) on Node.js
#          20.20.2.
# Seen:    file    yauzl, unzipper, adm-zip: 1 entry
#          pipe    10240 bytes; adm-zip 1 entry; unzipper FILE_ENDED; yauzl "Invalid comment length. …"
#          pipe, with -b 1 of bsdtar: filled up to 512
# Matters: "bsdtar … | gpg --encrypt" is how a partner packs and seals in one go; the receiver's library says that the
#          file is cut, and nobody looks at the sender's pipe. A size that both sides agreed upon is another one, too.
# Sallyport takes zeros behind a zip's end for filling; any other byte there is refused (U004).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in npm bsdtar unzip; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" yauzl@3.4.0 unzipper@0.12.5 adm-zip@0.6.1 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
printf 'key;amount\nA;1.00\n' >pay.csv
bsdtar --format zip -cf file.zip pay.csv
bsdtar --format zip -cf - pay.csv | cat >pipe.zip
bsdtar --format zip -b 1 -cf - pay.csv | cat >small.zip
for made in file pipe small; do
  unzip -tqq "$made.zip" || { echo "changed: unzip does not read $made.zip"; exit 1; }
done
cat >try.cjs <<'END'
const fs = require('fs');
const readers = {
  'adm-zip': async name => new (require('adm-zip'))(name).getEntries().length,
  unzipper: async name => (await require('unzipper').Open.file(name)).files.length,
  yauzl: name => new Promise((resolve, reject) => require('yauzl').open(name, (error, zip) =>
    error ? reject(error) : resolve(zip.entryCount))),
};
(async () => {
  for (const made of ['file', 'pipe', 'small']) {
    const size = fs.statSync(made + '.zip').size;
    console.log(made, size % 512 === 0 ? size : 'not filled');
    for (const [reader, read] of Object.entries(readers))
      try {
        console.log(made, reader, await read(made + '.zip'));
      } catch (error) {
        console.log(made, reader, 'throws', error.message.split(/[.:]/)[0]);
      }
  }
})();
END
cat >expected <<'END'
file not filled
file adm-zip 1
file unzipper 1
file yauzl 1
pipe 10240
pipe adm-zip 1
pipe unzipper throws FILE_ENDED
pipe yauzl throws Invalid comment length
small 512
small adm-zip 1
small unzipper throws FILE_ENDED
small yauzl throws Invalid comment length
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: a zip from bsdtar's pipe is filled up to 10240 bytes, and yauzl and unzipper refuse it"
