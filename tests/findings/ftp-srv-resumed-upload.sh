#!/bin/bash
# The FTP server ftp-srv takes a resumed upload, and puts zeros where its beginning was.
#
# Guess:   REST 5, then STOR, goes on at byte 5 of the part that is there, or is refused (FEAT has no "REST STREAM").
# Happens: REST is answered with 350 and the upload with 226, but STOR empties the file before it writes at 5. The size
#          is the right one, so that whoever compares sizes is content. APPE appends, RETR after REST is right.
# Version: ftp-srv 4.6.3 (npm) on Node.js 20.20.2; client: ftplib of Python 3.11.
# Seen:    STOR part (01234)            226 /part
#          REST 5, STOR part (56789)    226 /part
#          SIZE part                    213 10
#          content                      \x00\x00\x00\x00\x0056789
#          REST 5, RETR ten             56789
#          APPE part (ab)               226 /part, content \x00\x00\x00\x00\x0056789ab
# Matters: a line that breaks in a big payment file is everyday life; here the second attempt reports success, all
#          sizes agree, and the partner's system reads a file whose first records are gone.
# Sallyport never sends REST before STOR: it goes on by APPE, and only when the size that the server tells is exactly
# where it goes on.
set -eu
work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" ftp-srv@4.6.3 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

# --- The server on a free port, with its own file system class.
cat >"$work/server.cjs" <<'END'
const {FtpSrv} = require('ftp-srv');
const log = require('bunyan').createLogger({name: 'server', level: 'fatal'});
const server = new FtpSrv({url: 'ftp://127.0.0.1:0', pasv_url: '127.0.0.1', anonymous: true, log});
server.on('login', (login, accept) => accept({root: process.argv[2]}));
server.listen().then(() => console.log(server.server.address().port));
END
mkdir "$work/files"
node "$work/server.cjs" "$work/files" >"$work/port" 2>"$work/server.log" &
server=$!
for ((i = 0; i < 300; i++)); do
  [ ! -s "$work/port" ] || break
  sleep 0.1
done
[ -s "$work/port" ] || cannot "the server does not start: $(tail -n 1 "$work/server.log")"

cat >"$work/client.py" <<'END'
import ftplib, io, sys

port, files = int(sys.argv[1]), sys.argv[2]
ftp = ftplib.FTP()
ftp.connect("127.0.0.1", port, timeout=60)
ftp.login()
content = lambda: open(f"{files}/part", "rb").read()
print(ftp.storbinary("STOR part", io.BytesIO(b"01234")), content())
print(ftp.storbinary("STOR part", io.BytesIO(b"56789"), rest=5), content())
print(ftp.sendcmd("SIZE part"))
got = []
ftp.retrbinary("RETR ten", got.append, rest=5)
print(b"".join(got))
print(ftp.storbinary("APPE part", io.BytesIO(b"ab")), content())
END
printf 0123456789 >"$work/files/ten"
cat >"$work/expected" <<'END'
226 /part b'01234'
226 /part b'\x00\x00\x00\x00\x0056789'
213 10
b'56789'
226 /part b'\x00\x00\x00\x00\x0056789ab'
END
timeout 120 python3 "$work/client.py" "$(cat "$work/port")" "$work/files" >"$work/seen" 2>&1 || true
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: ftp-srv 4.6.3 answers 226 to REST and STOR, and the first bytes are zeros"
