#!/bin/bash
# Pure-FTPd cuts the listing of a large folder, and its patterns find nothing just there.
#
# Guess:   a listing that is cut at the server's limit is worked around by patterns: LIST a*, LIST b*, … each stay below
#          it; and LIST, NLST and MLSD of one folder tell the same names.
# Happens: as soon as the folder has more entries than the limit (-L, 10,000 by default) a pattern finds nothing, even
#          one that fits a single file: "Out of memory during globbing", with 226 and 0 matches. NLST takes no pattern
#          at all (550). MLSD ends at the limit in the order of the disk; LIST tells the first ones by name, LIST -r the
#          last ones.
# Version: Pure-FTPd 1.0.50 (Debian 12).
# Seen:    limit 40, 60 files: MLSD 40 lines, "226 Output truncated to 40 matches"; LIST f59* 0 lines; LIST f00 to f39;
#          LIST -r f59 to f20
# Matters: files that no listing shows are never fetched, and the reply is a success: only its words tell. What looks
#          like the way out says "0 matches" with a success, too.
# Sallyport reads the words; where LIST and LIST -r meet, it has seen all, and looks at what MLSD left out one by one.
set -eu
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg python3 openssl; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
(cd "$work" && apt-get download pure-ftpd pure-ftpd-common >>log 2>&1 &&
  for deb in ./*.deb; do dpkg -x "$deb" .; done) ||
  cannot "apt-get download: $(tail -n 1 "$work/log")"
PATH=$work/usr/sbin:$work/usr/bin:$PATH
[ "$(id -u)" = 0 ] || cannot "Pure-FTPd starts as root only"

mkdir "$work/files"
for i in $(seq -w 0 59); do : >"$work/files/f$i"; done
chmod 755 "$work"
chown -R 65534:65534 "$work/files"
echo "p:$(openssl passwd -6 secret):65534:65534::$work/files/./::::::::::::" >"$work/users"
pure-pw mkdb "$work/users.pdb" -f "$work/users" >>"$work/log" 2>&1
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
pure-ftpd -S "127.0.0.1,$port" -l "puredb:$work/users.pdb" -E -A -4 -H -L 40:5 -g "$work/pid" >>"$work/log" 2>&1 &
server=$!
cat >"$work/ask.py" <<'END'
import ftplib, sys, time
def connected():
    for _ in range(200):
        try:
            ftp = ftplib.FTP(timeout=20)
            ftp.connect("127.0.0.1", int(sys.argv[1]))
            return ftp
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not answer")
ftp = connected()
ftp.login("p", "secret")
def ask(command):
    lines = []
    try:
        reply = ftp.retrlines(command, lines.append)
    except ftplib.error_perm as refused:
        reply = str(refused)
    return [line.split()[-1] for line in lines], reply
seen = {command: ask(command) for command in ("MLSD", "LIST f59*", "NLST f5*", "LIST", "LIST -r")}
for command, (names, reply) in seen.items():
    print(f"{command}: {len(names)} lines, {names[:1]} to {names[-1:]}; {reply.splitlines()[-1]}")
good = ("truncated to 40" in seen["MLSD"][1] and seen["LIST f59*"][0] == [] and "globbing" in seen["LIST f59*"][1]
        and seen["NLST f5*"][1].startswith("550") and seen["LIST"][0][0] == "f00" and seen["LIST -r"][0][0] == "f59"
        and seen["LIST"][0][-1] > seen["LIST -r"][0][-1])
sys.exit(0 if good else "changed: not as it was")
END
python3 "$work/ask.py" "$port" || exit 1
echo "as found: in a folder beyond its limit, a pattern of Pure-FTPd finds nothing"
