#!/bin/bash
# Globus GridFTP loses the CR before each LF of a file that is uploaded in binary, if EPSV came before TYPE I.
#
# Guess:   a transfer has the type that was said last before STOR or RETR (RFC 959); libcurl and others ask EPSV first
#          and then say TYPE I.
# Happens: the type counts that was in force when the data connection was asked for. TYPE I after EPSV or PASV is
#          answered "200 Type set to I.", and the transfer is one of text: STOR leaves out each CR before an LF, with
#          226. Since a listing sets TYPE A, it is the first transfer after each listing.
# Version: globus-gridftp-server-progs 13.24-3 (Debian 12), plain FTP, anonymous; client: ftplib of Python 3.11.
# Seen:    EPSV, TYPE I, STOR of 1\r\n2\r\n      226, SIZE 4
#          TYPE I, EPSV, STOR of 1\r\n2\r\n      226, SIZE 6
# Matters: an encrypted or packed file has one CR LF in 64 KiB: it arrives short, with a success. curl does so, too.
# Sallyport says TYPE I before EPSV, and holds what SIZE tells against what it sent.
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


def put(name, *before):
    """The commands, one of which is EPSV, then STOR: its last reply, and what SIZE says."""
    for command in before:
        if command == "EPSV":
            host, port = ftp.makepasv()  # EPSV or PASV, as the library likes: the same here
        else:
            ftp.sendcmd(command)
    import socket
    data = socket.create_connection((host, port), 30)
    ftp.sendcmd("STOR " + name)
    data.sendall(b"1\r\n2\r\n")
    data.close()
    return ftp.getresp().split()[0], ftp.sendcmd("SIZE " + name)


ftp.sendcmd("TYPE A")
print(put("late", "EPSV", "TYPE I"))
print(put("early", "TYPE I", "EPSV"))
END
cat >"$work/expected" <<'END'
('226', '213 4')
('226', '213 6')
END
timeout 120 python3 "$work/client.py" "$port" >"$work/seen" 2>&1 || true
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: TYPE I after EPSV is answered 200 by Globus GridFTP, and the upload loses its CRs all the same"
