"""inetd.py ADDRESS PORT PROGRAM [WORD ...]: starts PROGRAM for each connection, with the socket as its input and
output, as inetd does."""
import os
import signal
import socket
import sys

address, port, *command = sys.argv[1:]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.create_server((address, int(port)), backlog=50)
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listener.close()
        for number in range(2):
            os.dup2(connection.fileno(), number)
        connection.close()
        os.execv(command[0], command)
    connection.close()
