"""paramiko_server.py ADDRESS PORT ROOT HOST-KEY CLIENT-KEYS: a server of paramiko's parts, as people write them: the
library speaks the protocol, and what is done to files stands here, in the shortest way."""
import os
import socket
import sys
import threading

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface

address, port, root, host_key, clients = sys.argv[1:]


class Login(paramiko.ServerInterface):
    with open(clients) as file:
        known = {line.split()[1] for line in file if line.strip()}

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key.get_base64() in self.known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class Handle(SFTPHandle):
    def stat(self):
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


def answered(function):
    def call(self, *arguments):
        try:
            return function(self, *arguments)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)
    return call


def done(function):
    def call(*arguments):
        function(*arguments)
        return paramiko.SFTP_OK
    return answered(call)


class Files(SFTPServerInterface):
    @staticmethod
    def at(path):
        return os.path.join(root, path.lstrip("/"))

    @answered
    def list_folder(self, path):
        found = []
        for entry in os.scandir(self.at(path)):
            found.append(SFTPAttributes.from_stat(entry.stat(), entry.name))
        return found

    @answered
    def stat(self, path):
        return SFTPAttributes.from_stat(os.stat(self.at(path)))

    @answered
    def lstat(self, path):
        return SFTPAttributes.from_stat(os.lstat(self.at(path)))

    @answered
    def open(self, path, flags, attributes):
        fd = os.open(self.at(path), flags | getattr(os, "O_BINARY", 0), 0o666)
        mode = {os.O_RDONLY: "rb", os.O_WRONLY: "ab" if flags & os.O_APPEND else "wb"}.get(flags & os.O_ACCMODE, "r+b")
        handle = Handle(flags)
        handle.filename = self.at(path)
        handle.readfile = handle.writefile = os.fdopen(fd, mode)
        return handle

    remove = done(lambda self, path: os.remove(self.at(path)))
    rename = done(lambda self, old, new: os.rename(self.at(old), self.at(new)))
    mkdir = done(lambda self, path, attributes: os.mkdir(self.at(path)))
    rmdir = done(lambda self, path: os.rmdir(self.at(path)))


def serve(connection):
    transport = paramiko.Transport(connection)
    transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(host_key))
    transport.set_subsystem_handler("sftp", SFTPServer, Files)
    transport.start_server(server=Login(), event=threading.Event())
    transport.join()


listener = socket.create_server((address, int(port)), backlog=50)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
