#!/bin/bash
# The FTP server ftp-srv tells no size of an empty file, and one of a folder; basic-ftp throws at the first.
#
# Guess:   SIZE of an empty file is "213 0", SIZE of a folder 550 (RFC 3659, 4).
# Happens: 0 is taken for "no text", so the standard text of 213 stands where the number should; a folder has a number.
#          The most used client of the same world, basic-ftp, throws on the empty file.
# Version: ftp-srv 4.6.3, basic-ftp 5.0.5 (npm) on Node.js 20.20.2.
# Seen:    ten     10
#          empty   Can't parse response to command 'SIZE empty' as a numerical value: 213 File status
#          folder  a number (4096 on ext4)
#          LIST    empty 0, ten 10 (right)
# Matters: marker files ("day is complete") are empty, and an upload is verified by SIZE: a gateway that wants a number
#          never finishes one, and one that takes an answer of 213 for "a file" treats folders as files.
# Sallyport takes a 213 without a number as no size and looks into the listing, and asks once whether folders have one.
set -eu
work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" ftp-srv@4.6.3 basic-ftp@5.0.5 >"$work/log" 2>&1 ||
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

cat >"$work/client.cjs" <<'END'
const {Client} = require('basic-ftp');
(async () => {
  const client = new Client(60000);
  await client.access({host: '127.0.0.1', port: Number(process.argv[2])});
  for (const name of ['ten', 'empty', 'folder']) {
    try {
      const size = await client.size(name);
      console.log(name, name === 'folder' ? typeof size : size);
    } catch (error) {
      console.log(name, error.message);
    }
  }
  for (const file of (await client.list()).filter(each => each.isFile))
    console.log('listed', file.name, file.size);
  client.close();
})();
END
mkdir "$work/files/folder"
: >"$work/files/empty"
printf 0123456789 >"$work/files/ten"
cat >"$work/expected" <<'END'
ten 10
empty Can't parse response to command 'SIZE empty' as a numerical value: 213 File status
folder number
listed empty 0
listed ten 10
END
timeout 120 node "$work/client.cjs" "$(cat "$work/port")" >"$work/seen" 2>&1 || true
diff "$work/expected" "$work/seen" || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: ftp-srv 4.6.3 answers SIZE of an empty file without a number, and of a folder with one"
