#!/bin/bash
# GnuPG reads the END line of an armour without a checksum as base64, and calls the good message bad.
#
# Guess:   RFC 9580, 6.1, makes the armour's checksum line (CRC-24) optional: a message without it decrypts as with it.
# Happens: only when the base64 ends with "=" padding. When the length of the data is a multiple of three there is no
#          padding, gpg goes on into "-----END PGP MESSAGE-----", and finds a packet in it. The plaintext is out by
#          then, DECRYPTION_OKAY and GOODSIG are said, but the run ends with 2. So one file in three fails, by length.
# Version: gpg 2.2.40-1.1+deb12u2, libgcrypt 1.10.1 (Debian 12).
# Seen:    without padding   [GNUPG:] GOODSIG 5A24ECC6F644A7EF sender
#                            [GNUPG:] NODATA 3
#                            [GNUPG:] DECRYPTION_OKAY
#                            [GNUPG:] NODATA 1
#                            gpg: invalid radix64 character 2D skipped      (ten times)
#                            gpg: [don't know]: invalid packet (ctb=10)
#                            exit 2
#          with padding      the same GOODSIG and DECRYPTION_OKAY, no NODATA, exit 0
# Matters: programs that follow RFC 9580 leave the checksum out; a gateway that goes by the exit code refuses a third of
#          a partner's files as damaged, and one that stops looking at it takes damaged ones.
# Sallyport takes the armour off itself, checks the checksum where there is one, and gives gpg the packets.
set -eu
work=$(mktemp -d)
end_agent() { # ends the one that gpg has started
  "$work/gpg/usr/bin/gpg-connect-agent" --homedir "$work/home" --no-autostart killagent /bye >"$work/agent" 2>&1 ||
    true
}
trap 'end_agent; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
changed() { echo "changed: $1"; exit 1; }

# --- The package as the release has it, with its libraries, beside what is installed.
cd "$work"
apt-get download -qq gpg gpg-agent gpgconf libgcrypt20 libgpg-error0 libassuan0 libnpth0 libsqlite3-0 libreadline8 \
  >apt.log 2>&1 || cannot "apt-get download: $(tail -n 1 apt.log)"
for package in *.deb; do dpkg -x "$package" gpg; done
version=$(dpkg-deb -f gpg_*.deb Version)
[[ $version == 2.2.40-* ]] || cannot "this release has gpg $version, the finding is about 2.2.40 (Debian 12)"
LD_LIBRARY_PATH=$(printf '%s:' "$work"/gpg/usr/lib/*-linux-gnu "$work"/gpg/lib/*-linux-gnu)
export LD_LIBRARY_PATH
run_gpg() {
  "$work/gpg/usr/bin/gpg" --homedir "$work/home" --agent-program "$work/gpg/usr/bin/gpg-agent" --batch --no-tty \
    --yes --pinentry-mode loopback --passphrase '' --trust-model always "$@"
}
mkdir -m 700 home
run_gpg --quick-gen-key sender ed25519 sign never 2>keys.log
run_gpg --quick-gen-key receiver rsa2048 encr never 2>>keys.log || cannot "no keys: $(tail -n 1 keys.log)"

# --- Messages of growing length, until both kinds of end have been there.
try() { # try FILE: says the exit code, keeps what gpg said in out and err
  local code=0
  run_gpg --status-fd 3 --output plain -d "$1" 3>out 2>err || code=$?
  echo "$code"
}
padded='' unpadded=''
for ((size = 1; size <= 24; size++)); do
  head -c "$size" /dev/zero | tr '\0' x >message
  run_gpg -u sender -r receiver --compress-algo none --armor --output whole -se message 2>seal.log
  grep -v '^=[A-Za-z0-9+/]\{4\}$' whole >bare
  [ "$(($(wc -l <whole) - $(wc -l <bare)))" = 1 ] || cannot "gpg wrote no checksum line"
  [ "$(try whole)" = 0 ] || cannot "the message with its checksum does not decrypt: $(tail -n 1 err)"
  code=$(try bare)
  cmp -s message plain || changed "the plaintext is not out"
  grep -q '^\[GNUPG:\] GOODSIG ' out || changed "no GOODSIG without the checksum"
  grep -q '^\[GNUPG:\] DECRYPTION_OKAY' out || changed "no DECRYPTION_OKAY without the checksum"
  if tail -n 2 bare | head -n 1 | grep -q '=$'; then
    padded=yes
    [ "$code" = 0 ] || changed "a padded end without checksum ends with $code"
  else
    unpadded=yes
    [ "$code" = 2 ] || changed "an end without padding and checksum ends with $code, not 2"
    grep -q '^\[GNUPG:\] NODATA 3' out || changed "no NODATA 3"
    grep -q 'invalid radix64 character 2D skipped' err || changed "the END line is not read as base64"
    grep -q 'invalid packet' err || changed "no packet is seen in the END line"
  fi
  [ -z "$padded$unpadded" ] || [ "$padded$unpadded" != yesyes ] || break
done
[ "$padded$unpadded" = yesyes ] || cannot "24 lengths gave one kind of end only"
echo "as found: gpg $version ends with 2 on a good, signed message whose armour has neither padding nor checksum"
