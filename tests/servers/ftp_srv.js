// ftp_srv.js ADDRESS PORT FIRST LAST ROOT USER PASSWORD: ftp-srv as its README shows it.
const FtpSrv = require('ftp-srv');
const [address, port, first, last, root, user, password] = process.argv.slice(2);
const passive = { pasv_url: address, pasv_min: Number(first), pasv_max: Number(last) };
const server = new FtpSrv({ url: `ftp://${address}:${port}`, ...passive });
server.on('login', (login, resolve, reject) => (login.username === user && login.password === password
  ? resolve({ root }) : reject(new Error('wrong'))));
server.listen();
