"""An HTTP server for the tests of the courier, whose paths say how it is to behave. Prints its port, ends with its
standard input.

    web.py [CERTIFICATE KEY [CA-OF-CLIENTS]]      without a certificate: in the clear
"""
import http.server
import os
import socket
import ssl
import sys
import threading
import time

seen = {"cut": 0, "connections": 0}


def content(size):
    return bytes((((i * 2654435761) & 0xffffffff) >> 13) & 0xff for i in range(size))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *arguments):
        pass

    def setup(self):
        seen["connections"] += 1
        self.requests = 0
        super().setup()

    def answer(self, status, body=b"", **headers):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        what = self.path.removeprefix("/base").split("/")[1]
        if what == "echo":
            self.answer(200, body, X_Expect=self.headers.get("Expect", "none"))
        elif what == "headers":
            self.answer(200, str(self.headers).encode())
        elif what == "busy":
            self.answer(503, b"later", Retry_After=7)
        elif what == "busy-until":
            self.answer(429, Date="Thu, 01 Jan 2026 00:00:00 GMT", Retry_After="Thu, 01 Jan 2026 00:01:30 GMT")
        elif what == "cut":
            seen["cut"] += 1
            self.hang_up()
        elif what == "half":
            self.answer(200, b"half of it", Content_Length=100)
            self.hang_up()
        elif what == "silent":
            time.sleep(30)
        elif what == "large":
            self.answer(200, b"x" * 5000)
        elif what == "redirect":
            self.answer(307, Location="/base/echo")
        elif what == "forget":  # says that it keeps the connection, and does not
            self.answer(200, b"bye")
            self.hang_up()
        elif what == "headed":
            self.send_response_only(200)
            for i in range(90):
                self.send_header(f"X-{i}", "y" * 8000)
            self.end_headers()
        else:
            self.answer(404)

    def mailbox(self, name):
        """A mailbox that errs, in the way that its name says."""
        digest, item = "ab" * 32, '{"id":"a","state":"stored","size":5,"sha256":"%s"}' % ("ab" * 32)
        pages = {"good": '{"items":[%s,{"id":"b","state":"acknowledged","size":1,"sha256":"%s"}],"cursor":"e.2"}'
                         % (item, digest),
                 "no-json": "no", "no-cursor": '{"items":[%s]}' % item, "no-items": '{"items":[],"cursor":"e.1"}',
                 "no-digest": '{"items":[{"id":"a","state":"stored","size":5}],"cursor":"e.1"}',
                 "short-digest": '{"items":[%s],"cursor":"e.1"}' % item.replace("abab", "ab", 1),
                 "below-zero": '{"items":[%s],"cursor":"e.1"}' % item.replace("5", "-5", 1),
                 "upwards": '{"items":[%s],"cursor":"e.1"}' % item.replace('"a"', '"../a"'),
                 "twice": '{"items":[%s,%s],"cursor":"e.1"}' % (item, item),
                 "long-cursor": '{"items":[%s],"cursor":"%s"}' % (item, "e" * 300),
                 "endless": '{"items":[%s],"cursor":"%s"}' % (item, "x" * (2 << 20))}
        if name == "new":
            self.answer(410, b'{"error":"cursor-unknown","restart":"f.0"}')
        elif "after=" in self.path:
            self.answer(204, Exchange_Cursor="e.2")
        elif name == "busy":
            self.answer(503, b'{"text":"ask \\u001b[31m again"}')
        elif name in pages:
            self.answer(200, pages[name].encode())
        else:
            self.answer(401 if name == "stranger" else 404, b'{"error":"nothing"}')

    def do_GET(self):
        self.requests += 1
        parts = self.path.removeprefix("/base").split("/")
        if parts[1] == "v1":
            self.mailbox(parts[3])
            return
        what, size = parts[1], int(parts[2]) if len(parts) > 2 else 0
        asked = self.headers.get("Range")
        at = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        if what == "seen":
            self.answer(200, f"{seen['cut']} {seen['connections']}".encode())
        elif what == "file" and asked:
            whole = content(size)
            if at >= size:
                self.answer(416, Content_Range=f"bytes */{size}")
            else:
                self.answer(206, whole[at:], Content_Range=f"bytes {at}-{size - 1}/{size}")
        elif what in ("file", "plain"):
            self.answer(200, content(size), Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")
        elif what == "first" and self.requests > 1:  # of a connection that it had kept
            self.hang_up()
        elif what == "first":
            self.answer(200, content(size))
        elif what == "wrong-range":
            self.answer(206, content(size), Content_Range=f"bytes 0-{size - 1}/{size}")
        elif what == "short":
            self.answer(200, content(size), Content_Length=size + 1000)
            self.hang_up()
        elif what == "trickle":
            self.answer(200, b"", Content_Length=size)
            for byte in content(size):
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.1)
        elif what == "refuse":
            self.answer(int(parts[2]), b"no" * 1000)
        else:
            self.answer(404, b"not here")

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context = None

    def finish_request(self, request, client_address):
        try:
            if self.context:  # in the connection's own thread: a slow handshake stops nobody else
                request = self.context.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
        except OSError:
            pass


def main():
    server = Server(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 2:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(sys.argv[1], sys.argv[2])
        if len(sys.argv) > 3:
            server.context.load_verify_locations(sys.argv[3])
            server.context.verify_mode = ssl.CERT_REQUIRED
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
