// OpenPGP.js, as tests/interop/run calls it: node openpgpjs.mjs FOLDER VERB ...; FOLDER has node_modules/openpgp.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const [folder, verb, ...words] = process.argv.slice(2);
const openpgp = createRequire(folder + '/')('openpgp');
const text = (path) => fs.readFileSync(path, 'utf8');
const bytes = (path) => new Uint8Array(fs.readFileSync(path));

async function generate(key, cert) {
  const made = await openpgp.generateKey({ userIDs: [{ name: 'them', email: 'them@test.example' }], format: 'armored' });
  fs.writeFileSync(key, made.privateKey);
  fs.writeFileSync(cert, made.publicKey);
}

async function seal(form, key, cert, input, output) {
  const signingKeys = await openpgp.readPrivateKey({ armoredKey: text(key) });
  const encryptionKeys = await openpgp.readKey({ armoredKey: text(cert) });
  const message = await openpgp.createMessage({ binary: bytes(input) });
  const config = {};
  if (form === 'compressed') config.preferredCompressionAlgorithm = openpgp.enums.compression.zlib;
  if (form === 'aead') config.aeadProtect = true;
  const format = form === 'armour' ? 'armored' : 'binary';
  const made = form === 'detached'
    ? await openpgp.sign({ message, signingKeys, detached: true, format })
    : await openpgp.encrypt({ message, signingKeys, encryptionKeys, wildcard: form === 'hidden', format, config });
  fs.writeFileSync(output, made);
}

async function open(key, cert, input, output) {
  const made = await openpgp.decrypt({
    message: await openpgp.readMessage({ binaryMessage: bytes(input) }),
    decryptionKeys: await openpgp.readPrivateKey({ armoredKey: text(key) }),
    verificationKeys: await openpgp.readKey({ armoredKey: text(cert) }),
    format: 'binary', // with expectSigned, version 5 throws
  });
  await made.signatures[0].verified;
  fs.writeFileSync(output, made.data);
}

async function verify(cert, data, signature) {
  const made = await openpgp.verify({
    message: await openpgp.createMessage({ binary: bytes(data) }),
    signature: await openpgp.readSignature({ binarySignature: bytes(signature) }),
    verificationKeys: await openpgp.readKey({ armoredKey: text(cert) }),
  });
  await made.signatures[0].verified;
}

try {
  await { generate, seal, open, verify }[verb](...words);
} catch (problem) { // its stack would print the library's one long line
  console.error(problem.message);
  process.exit(1);
}
