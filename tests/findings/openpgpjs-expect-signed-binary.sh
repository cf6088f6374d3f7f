#!/bin/bash
# OpenPGP.js 5 on Node.js cannot decrypt to bytes and insist on a signature at once.
#
# Guess:   decrypt({format: 'binary', expectSigned: true}) gives the bytes, and throws only when no signature is good.
# Happens: it throws on a good signed message. Either option without the other works, and so does 'utf8' with
#          expectSigned. The words speak of the data, not of the options or of the signature.
# Version: openpgp 5.11.3 (npm), Node.js 20.20.2. In 6.1.0 it works.
# Seen:    {}                                      order, signature good
#          {"format":"binary"}                     order, signature good
#          {"expectSigned":true}                   order, signature good
#          {"format":"binary","expectSigned":true} Error decrypting message: concatUint8Array: Data must be in the form
#                                                  of a Uint8Array
# Matters: a partner's script that reads our sealed files safely (bytes, signature demanded) fails on each of them and
#          tells the partner that our message is damaged; the likely "mend" is to drop expectSigned.
# Sallyport's messages are what they should be; its test against OpenPGP.js leaves expectSigned out and awaits the
# signature's own verdict (signatures[0].verified) instead, which is what a partner should do.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" openpgp@5.11.3 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cat >"$work/try.cjs" <<'END'
const openpgp = require('openpgp');
const options = [{}, {format: 'binary'}, {expectSigned: true}, {format: 'binary', expectSigned: true}];
(async () => {
  const key = async name => openpgp.generateKey({userIDs: [{name}], format: 'object'});
  const sender = await key('sender'), receiver = await key('receiver');
  const armoredMessage = await openpgp.encrypt({
    message: await openpgp.createMessage({binary: Buffer.from('order')}),
    encryptionKeys: receiver.publicKey, signingKeys: sender.privateKey,
  });
  for (const option of options) {
    let said;
    try {
      const {data, signatures} = await openpgp.decrypt({
        message: await openpgp.readMessage({armoredMessage}),
        decryptionKeys: receiver.privateKey, verificationKeys: sender.publicKey, ...option,
      });
      said = `${Buffer.from(data)}, signature ${await signatures[0].verified ? 'good' : 'bad'}`;
    } catch (error) {
      said = error.message;
    }
    console.log(`${JSON.stringify(option)} ${said}`);
  }
})();
END
cat >"$work/expected" <<'END'
{} order, signature good
{"format":"binary"} order, signature good
{"expectSigned":true} order, signature good
END
throws='Error decrypting message: concatUint8Array: Data must be in the form of a Uint8Array'
echo "{\"format\":\"binary\",\"expectSigned\":true} $throws" >>"$work/expected"
(cd "$work" && timeout 120 node try.cjs) >"$work/seen" 2>&1 || cannot "$(tail -n 1 "$work/seen")"
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: openpgp 5.11.3 on Node.js $(node --version) throws on a good message for binary with expectSigned"
