#!/bin/bash
# Globus GridFTP takes letters beyond ASCII out of what it is told: DELE of one file removes another one.
#
# Guess:   a server whose features say UTF8, and which lists a Chinese name as it is, takes that name in a command.
# Happens: MLSD tells the name whole, while every byte beyond ASCII is dropped from the arguments of commands. DELE
#          and RNFR of "积分2.csv" mean "2.csv", with a success; SIZE of "积分" means the folder.
# Version: globus-gridftp-server-progs 13.24-3 (Debian 12), plain FTP, anonymous; client: ftplib of Python 3.11.
# Seen:    FEAT ... UTF8; MLSD 2.csv, 积分2.csv
#          SIZE 积分2.csv       213 1       (of 2.csv; the file that is named has 3 bytes)
#          DELE 积分2.csv       250         then MLSD: 积分2.csv
# Matters: "fetch, then remove" reads and removes other files than the one that was listed, each with a good answer.
# Sallyport enters the login folder with such letters behind its name, once for a connection: where that succeeds, they
# get lost, and nothing is done with such a name.
set -eu
work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg python3; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
names='common0 gfork0 gridftp-server6 gridftp-server-control0 gssapi-gsi4 gssapi-error2 gss-assist3 gsi-callback0
  gsi-cert-utils0 gsi-credential1 gsi-openssl-error0 gsi-proxy-core0 gsi-proxy-ssl1 gsi-sysconfig1 authz0
  authz-callout-error0 callout0 ftp-control1 io3 openssl-module0 xio0 xio-gsi-driver xio-pipe-driver'
(cd "$work" && for name in $names; do echo "libglobus-$name"; done >list &&
  xargs apt-get download globus-gridftp-server-progs libltdl7 <list >>log 2>&1 &&
  for deb in ./*.deb; do dpkg -x "$deb" .; done) ||
  cannot "apt-get download: $(tail -n 1 "$work/log")"

# --- The server on a free port, for anonymous users, who are nobody.
mkdir "$work/files"
chmod 755 "$work"
user=$(id -un)
[ "$user" != root ] || { user=nobody; chown nobody "$work/files"; }
LD_LIBRARY_PATH=$(echo "$work"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
program=$work/usr/sbin/globus-gridftp-server
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$program" -control-interface 127.0.0.1 -data-interface 127.0.0.1 -p "$port" -exec "$program" -aa \
  -anonymous-user "$user" -home-dir "$work/files" >>"$work/log" 2>&1 &
server=$!
cat >"$work/client.py" <<'END'
import ftplib, io, sys, time
ftp = ftplib.FTP(timeout=30, encoding="utf-8")
for _ in range(200):
    try:
        ftp.connect("127.0.0.1", int(sys.argv[1]))
        break
    except OSError:
        time.sleep(0.05)
else:
    sys.exit("the server does not answer")
ftp.login()
ftp.sendcmd("TYPE I")


def names():
    return sorted(name for name, facts in ftp.mlsd() if "file" in facts.values())


print("UTF8" in ftp.sendcmd("FEAT"), names())
ftp.sendcmd("TYPE I")
print(ftp.sendcmd("SIZE 积分2.csv"))
print(ftp.sendcmd("DELE 积分2.csv").split()[0], names())
END
printf 1 >"$work/files/2.csv"
printf 123 >"$work/files/积分2.csv"
[ "$(id -un)" != root ] || chown nobody "$work"/files/*
cat >"$work/expected" <<'END'
True ['2.csv', '积分2.csv']
213 1
250 ['积分2.csv']
END
PYTHONIOENCODING=utf-8 timeout 120 python3 "$work/client.py" "$port" >"$work/seen" 2>&1 || true
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: Globus GridFTP removes 2.csv when it is told DELE 积分2.csv"
