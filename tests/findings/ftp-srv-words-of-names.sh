#!/bin/bash
# The FTP server ftp-srv drops words like "-2" from names, in some commands only: DELE removes another file.
#
# Guess:   all commands mean the same file by the same name.
# Happens: a word of "-" and one letter or digit that stands between blanks is taken for an option and left out, except
#          in STOR, RETR and SIZE. So "pay -2 EUR.csv" is stored, sized and read under its name, while DELE, RNFR and
#          MDTM of it mean "pay EUR.csv". With both there, DELE answers 250 and the wrong one is gone.
# Version: ftp-srv 4.6.3 (npm) on Node.js 20.20.2; client: ftplib of Python 3.11.
# Seen:    STOR pay -2 EUR.csv          226 /pay -2 EUR.csv
#          STOR pay EUR.csv             226 /pay EUR.csv
#          SIZE pay -2 EUR.csv          213 1
#          DELE pay -2 EUR.csv          250 Requested file action okay, completed
#          NLST                         pay -2 EUR.csv
#          DELE pay -2 EUR.csv          550 ENOENT (of "pay EUR.csv")
#          RNFR pay -2 EUR.csv          550 ENOENT (of "pay EUR.csv")
# Matters: "fetch, then remove" is how drop folders work: the file that was fetched stays and comes again, and one that
#          nobody has read is removed with a good answer.
# Sallyport sends names as they are, and no answer of this server tells the two files apart: with it, use names without
# such words (a blank, "-", one letter or digit, a blank or the end).
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

ftp = ftplib.FTP()
ftp.connect("127.0.0.1", int(sys.argv[1]), timeout=60)
ftp.login()
ftp.sendcmd("TYPE I")


def say(command):
    try:
        print(command, "->", ftp.sendcmd(command))
    except ftplib.Error as refused:
        print(command, "->", str(refused)[:10])  # the rest is a path of the server's machine


for name in "pay -2 EUR.csv", "pay EUR.csv":
    print(ftp.storbinary(f"STOR {name}", io.BytesIO(b"x")))
say("SIZE pay -2 EUR.csv")
say("DELE pay -2 EUR.csv")
print(ftp.nlst())
say("DELE pay -2 EUR.csv")
say("RNFR pay -2 EUR.csv")
END
cat >"$work/expected" <<'END'
226 /pay -2 EUR.csv
226 /pay EUR.csv
SIZE pay -2 EUR.csv -> 213 1
DELE pay -2 EUR.csv -> 250 Requested file action okay, completed
['pay -2 EUR.csv']
DELE pay -2 EUR.csv -> 550 ENOENT
RNFR pay -2 EUR.csv -> 550 ENOENT
END
timeout 120 python3 "$work/client.py" "$(cat "$work/port")" >"$work/seen" 2>&1 || true
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: ftp-srv 4.6.3 removes \"pay EUR.csv\" when it is told DELE pay -2 EUR.csv"
