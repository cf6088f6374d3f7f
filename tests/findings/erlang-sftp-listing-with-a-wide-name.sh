#!/bin/bash
# One Chinese file name in a folder of Erlang's SFTP server ends the connection of everyone who lists it.
#
# Guess:   names are UTF-8 on the disk and in SFTP: a file with a Chinese name is listed like any other.
# Happens: a letter beyond Latin-1 in any name of the folder ends the channel at READDIR, without a status, and nothing
#          stands in the server's log; no other file of the folder is listed either. Its name can be used all the same:
#          it is put, looked at and read.
# Version: ssh 4.15.2 of Erlang/OTP 25 (erlang-ssh 1:25.2.3 of Debian 12), ssh_sftpd:subsystem_spec in a UTF-8 locale;
#          client: sftp of OpenSSH 9.2.
# Seen:    put 积分.csv; ls -1       exit 255, nothing listed, "Connection closed"
#          get 积分.csv              exit 0
#          rm 积分.csv; ls -1        plain.csv
# Matters: whoever may put a file there stops the polls of the whole folder, and what the client sees looks like a
#          broken line, so that it tries for ever.
# Sallyport's error names the folder that was being listed when the connection broke, and its alarm says so.
set -eu
work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg sftp ssh-keygen python3; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
(cd "$work" && apt-get download erlang-base erlang-crypto erlang-asn1 erlang-public-key erlang-ssh >>log 2>&1 &&
  for deb in ./*.deb; do dpkg -x "$deb" .; done) ||
  cannot "apt-get download: $(tail -n 1 "$work/log")"
ls "$work"/usr/lib/erlang/lib/ssh-4.15.* >>"$work/log" 2>&1 || cannot "another release of Erlang"

# --- The server on a free port.
mkdir "$work/system" "$work/user" "$work/files"
ssh-keygen -q -t ed25519 -N '' -f "$work/system/ssh_host_ed25519_key"
ssh-keygen -q -t ed25519 -N '' -f "$work/login"
cp "$work/login.pub" "$work/user/authorized_keys"
: >"$work/files/plain.csv"
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
ROOTDIR=$work/usr/lib/erlang
BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
export ROOTDIR BINDIR EMU=beam PROGNAME=erl HOME="$work" LC_ALL=C.UTF-8
"$BINDIR/erlexec" -noshell -boot "$ROOTDIR/bin/start_clean" -eval "ssh:start(),
  {ok, _} = ssh:daemon({127,0,0,1}, $port, [{system_dir, \"$work/system\"}, {user_dir, \"$work/user\"},
    {subsystems, [ssh_sftpd:subsystem_spec([{root, \"$work/files\"}])]}])." >>"$work/log" 2>&1 </dev/null &
server=$!
sftp_of() {
  printf '%s\n' "$@" | timeout 60 sftp -q -b - -i "$work/login" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile="$work/known" -P "$port" p@127.0.0.1 2>&1 | tr -d '\r' | grep -v '^sftp>'
  return "${PIPESTATUS[1]}"
}
for ((i = 0; i < 100; i++)); do
  ! sftp_of pwd >>"$work/log" || break
  sleep 0.1
done
sftp_of pwd >>"$work/log" || cannot "the server does not start: $(tail -n 1 "$work/log")"

say() { echo "$*: $(cd "$work" && sftp_of "$@" | tail -n 1; echo "exit ${PIPESTATUS[0]}")"; }
{
  say "ls -1"
  say "put login.pub 积分.csv"
  say "ls -1"
  say "get 积分.csv got"
  say "rm 积分.csv"
  say "ls -1"
} >"$work/seen"
cat >"$work/expected" <<'END'
ls -1: plain.csv
exit 0
put login.pub 积分.csv: exit 0
ls -1: Connection closed
exit 255
get 积分.csv got: exit 0
rm 积分.csv: exit 0
ls -1: plain.csv
exit 0
END
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: one name beyond Latin-1 ends the listing of its folder, and the connection, of Erlang's SFTP server"
