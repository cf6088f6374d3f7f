#!/bin/bash
# JSZip calls a zip corrupted that Info-ZIP has made of its standard input.
#
# Guess:   "program | zip out.zip -" makes a plain zip of one file, and every reader reads it.
# Happens: zip does not know the size in advance, so it writes the Zip64 end records, although all numbers then fit into
#          the plain one. unzip, bsdtar, 7z, Python, yauzl, adm-zip and fflate read it; JSZip looks for the directory at
#          the wrong place and throws. Written to a pipe ("| zip - - | cat"), or from a named file, it is read by all.
# Version: jszip 3.10.2, yauzl 3.4.0, adm-zip 0.6.1 (npm) on Node.js 20.20.2; zip 3.0-13 (Debian 12).
# Seen:    named    jszip 18, adm-zip 18, yauzl 18
#          piped    jszip 18, adm-zip 18, yauzl 18
#          stdin    jszip "Corrupted zip or bug: expected 1 records in central dir, got 0", adm-zip 18, yauzl 18
# Matters: a partner's page or job that unpacks by JSZip refuses a file that is whole and that the sender's own check
#          ("unzip -t") calls good; each side believes that the other one is at fault.
# Sallyport reads such files, and never writes the Zip64 records for a file that does not need them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in npm zip unzip; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" jszip@3.10.2 yauzl@3.4.0 adm-zip@0.6.1 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
printf 'key;amount\nA;1.00\n' >pay.csv
zip -q named.zip pay.csv
zip -q - - <pay.csv | cat >piped.zip
# shellcheck disable=SC2002
cat pay.csv | zip -q stdin.zip -
for made in named piped stdin; do
  unzip -tqq "$made.zip" || { echo "changed: unzip does not read $made.zip"; exit 1; }
done
cat >try.cjs <<'END'
const fs = require('fs');
const content = fs.readFileSync('pay.csv');
const readers = {
  jszip: async name => {
    const zip = await require('jszip').loadAsync(fs.readFileSync(name));
    return Object.values(zip.files)[0].async('nodebuffer');
  },
  'adm-zip': async name => new (require('adm-zip'))(name).getEntries()[0].getData(),
  yauzl: name => new Promise((resolve, reject) => require('yauzl').open(name, (failed, zip) => {
    if (failed)
      return reject(failed);
    zip.on('error', reject).on('entry', entry => zip.openReadStream(entry, async (error, stream) => {
      if (error)
        return reject(error);
      const parts = [];
      for await (const part of stream)
        parts.push(part);
      resolve(Buffer.concat(parts));
    }));
  })),
};
(async () => {
  for (const made of ['named', 'piped', 'stdin'])
    for (const [reader, read] of Object.entries(readers))
      try {
        console.log(made, reader, (await read(made + '.zip')).equals(content) ? 'content' : 'others');
      } catch (error) {
        console.log(made, reader, error.message);
      }
})();
END
cat >expected <<'END'
named jszip content
named adm-zip content
named yauzl content
piped jszip content
piped adm-zip content
piped yauzl content
stdin jszip Corrupted zip or bug: expected 1 records in central dir, got 0
stdin adm-zip content
stdin yauzl content
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: jszip 3.10.2 does not read what zip 3.0 makes of its standard input"
