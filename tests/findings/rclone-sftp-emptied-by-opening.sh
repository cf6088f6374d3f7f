#!/bin/bash
# The SFTP server of rclone empties a file that is opened for writing; a resumed upload has zeros for its beginning.
#
# Guess:   OPEN without SSH_FXF_TRUNC keeps what is there, and so does CLOSE after no WRITE at all; with SSH_FXF_APPEND
#          what is written stands behind it, or the OPEN is refused. (draft-ietf-secsh-filexfer-02, 6.3)
# Happens: every OPEN for writing begins the file anew. By default a WRITE at the end of what was there, as of a resumed
#          upload, fails, and the file is empty. With --vfs-cache-mode writes, which is there so that clients may write
#          where they want, it succeeds, and zeros stand where the beginning was: the size is the right one. append() of
#          a client of npm reports success in both cases, and what was there is gone.
# Version: rclone 1.60.1 (Debian 12), "rclone serve sftp" of a local folder; ssh2-sftp-client 12.1.1, ssh2 1.17.0 (npm)
#          on Node.js 20.20.2.
# Seen:    file 01234                    by default                  with --vfs-cache-mode writes
#          open for writing, close       OK, empty                   OK, empty
#          open, write 56 at 5           "Illegal seek", empty       OK, \0\0\0\0\056
#          append() of 56                success, empty              success, 56
# Matters: a partner who puts rclone before a cloud store has an SFTP server on which a resumed upload and a job that
#          appends to the file of the day destroy what was there, with success; who compares sizes is content.
# Sallyport begins an SFTP upload that broke anew, under its temporary name, and appends to no file of a partner.
set -eu
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg npm python3; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" ssh2-sftp-client@12.1.1 ssh2@1.17.0 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"
cd "$work"
apt-get download -qq rclone >log 2>&1 || cannot "apt-get download: $(tail -n 1 log)"
version=$(dpkg-deb -f rclone_*.deb Version)
[[ $version == 1.60.1* ]] || cannot "this release has rclone $version, the finding is about 1.60.1 (Debian 12)"
dpkg -x rclone_*.deb .

cat >try.cjs <<'END'
const {promisify} = require('util');
const Sftp = require('ssh2-sftp-client');
const [mode, port] = process.argv.slice(2);
const connected = async () => {
  for (let tries = 0; tries < 200; tries++) {
    const client = new Sftp();
    try {
      await client.connect({host: '127.0.0.1', port: Number(port), username: 'p', password: 'secret'});
      return client;
    } catch (error) {
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
  throw new Error('the server does not answer');
};
(async () => {
  const client = await connected();
  const ask = (name, ...rest) => promisify(client.sftp[name].bind(client.sftp))(...rest);
  const said = work => work.then(() => 'OK', error => error.message);
  const open = name => ask('open', name, 'r+');
  const tries = {
    close: async name => ask('close', await open(name)),
    write: async name => {
      const handle = await open(name);
      const reply = await said(ask('write', handle, Buffer.from('56'), 0, 2, 5));
      await ask('close', handle);
      if (reply !== 'OK')
        throw new Error(reply);
    },
    append: name => client.append(Buffer.from('56'), name),
  };
  for (const [what, work] of Object.entries(tries)) {
    const name = `/${what}.csv`;
    await client.put(Buffer.from('01234'), name);
    const reply = await said(work(name));
    console.log(mode, what, '|', reply, '|', JSON.stringify(String(await client.get(name))));
  }
  await client.end();
})();
END
for mode in off writes; do
  mkdir "files-$mode"
  port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  HOME=$work usr/bin/rclone --config '' serve sftp "files-$mode" --vfs-cache-mode "$mode" \
    --addr "127.0.0.1:$port" --user p --pass secret >rclone.log 2>&1 &
  server=$!
  timeout 120 node try.cjs "$mode" "$port" >said 2>&1 || true
  grep -v '^Global close listener' said >>seen || true
  kill "$server"
  wait "$server" || true
  server=
done
cat >expected <<'END'
off close | OK | ""
off write | Illegal seek | ""
off append | OK | ""
writes close | OK | ""
writes write | OK | "\u0000\u0000\u0000\u0000\u000056"
writes append | OK | "56"
END
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: rclone $version empties a file that is opened for writing over SFTP"
