"""A proxy before a server, which breaks connections at the byte that a test names."""
import contextlib
import selectors
import socket
import threading
import time

LIMIT = 1 << 20  # bytes kept for a side that does not read


class Proxy:
    """Forwards to a port of this machine. cut_down and cut_up: after so many bytes of one connection towards the client
    or the server (since mark(), for those that are open), both ends get a reset. stall_down: from there on nothing is
    forwarded any more, and nothing closed. The first `times` connections that reach a mark are broken; later ones pass.
    cut() resets all that are open, as a line does that breaks. rate: bytes a second towards the clients, of all
    connections together."""

    def __init__(self, to_port, *, to_host="127.0.0.1", port=0):
        self.to_port, self.to_host = to_port, to_host
        self.cut_down = self.cut_up = self.stall_down = None
        self.times = 1
        # seconds between the last bytes and the reset, which takes with it what the other side has not read yet
        self.pause = 0
        self.rate, self.cuts = None, 0
        self.sent, self.since = 0, time.monotonic()  # of the rate
        self.connections = 0
        self.down = self.up = 0  # bytes forwarded in all
        self.lock = threading.Lock()
        self.marks = 0  # how often counting has begun anew
        self.is_closed = False
        self.listener = socket.create_server(("127.0.0.1", port), backlog=50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.is_closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self.to_host, self.to_port), 10)
            except OSError:
                client.close()
                continue
            self.connections += 1
            threading.Thread(target=_Connection(self, client, server).run, daemon=True).start()

    def take(self):
        """May this connection be broken?"""
        with self.lock:
            self.times -= 1
            return self.times >= 0

    def cut(self):
        self.cuts += 1

    def mark(self):
        self.marks += 1

    def budget(self, way, wanted):
        """How many of these bytes may go now: a line that stood still does not make up for it."""
        if not self.rate or way == "up":
            return wanted
        with self.lock:
            now = time.monotonic()
            self.since = max(self.since, now - 0.1 - self.sent / self.rate)
            may = min(wanted, max(0, int((now - self.since) * self.rate) - self.sent))
            self.sent += may
            return may

    def count(self, way, number):
        with self.lock:
            setattr(self, way, getattr(self, way) + number)

    def close(self):
        self.is_closed = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self.listener.close()


class _Connection:
    """Both ways of one connection in one thread: a socket that another thread waits on could not be reset."""

    def __init__(self, proxy, client, server):
        self.proxy, self.cuts = proxy, proxy.cuts
        self.ends = {"up": (client, server), "down": (server, client)}  # way: (from, to)
        self.waiting = {"up": bytearray(), "down": bytearray()}
        self.seen, self.marks = {"up": 0, "down": 0}, proxy.marks
        self.is_over = {"up": False, "down": False}   # its sender has said all
        self.is_shut = {"up": False, "down": False}   # and its receiver has been told
        self.is_late = False                          # the rate does not allow more at the moment
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        sockets = self.ends["up"]
        try:
            with selectors.DefaultSelector() as selector:
                for end in sockets:
                    selector.register(end, selectors.EVENT_READ)
                while not self.proxy.is_closed and not all(self.is_shut.values()) and self.cuts == self.proxy.cuts:
                    for end, way_in, way_out in ((sockets[0], "up", "down"), (sockets[1], "down", "up")):
                        wanted = selectors.EVENT_WRITE if self.waiting[way_out] and not self.is_late else 0
                        self._watch(selector, end, wanted | (selectors.EVENT_READ if self._takes_more(way_in) else 0))
                    selector.select(0.005 if self.is_late else 0.1)
                    self.is_late = False
                    for way in ("up", "down"):
                        self._move(way)
        except OSError:
            pass  # one end has gone: so does the other
        finally:
            self._reset()

    def _takes_more(self, way):
        return not self.is_over[way] and len(self.waiting[way]) < LIMIT

    @staticmethod
    def _watch(selector, end, wanted):
        if end in selector.get_map():
            selector.unregister(end)
        if wanted:
            selector.register(end, wanted)

    def _move(self, way):
        source, sink = self.ends[way]
        waiting = self.waiting[way]
        if self._takes_more(way):
            with contextlib.suppress(BlockingIOError):
                data = source.recv(65536)
                self.is_over[way] = not data
                self._take_in(way, data)
        may = self.proxy.budget(way, len(waiting)) if waiting else 0
        self.is_late |= bool(waiting) and not may
        if may:
            with contextlib.suppress(BlockingIOError):
                sent = sink.send(waiting[:may])
                del waiting[:sent]
                self.proxy.count(way, sent)
        if self.is_over[way] and not waiting and not self.is_shut[way]:
            self.is_shut[way] = True
            sink.shutdown(socket.SHUT_WR)

    def _take_in(self, way, data):
        proxy = self.proxy
        if self.marks != proxy.marks:
            self.seen, self.marks = {"up": 0, "down": 0}, proxy.marks
        after = self.seen[way] + len(data)
        stall = proxy.stall_down if way == "down" else None
        cut = proxy.cut_down if way == "down" else proxy.cut_up
        if stall is not None and after > stall and proxy.take():
            while not proxy.is_closed:
                time.sleep(0.05)
            raise ConnectionAbortedError
        if cut is not None and after > cut and proxy.take():
            self.waiting[way] += data[:max(0, cut - self.seen[way])]
            with contextlib.suppress(BlockingIOError):
                proxy.count(way, self.ends[way][1].send(self.waiting[way]))
            time.sleep(proxy.pause)
            raise ConnectionAbortedError
        self.seen[way] = after
        self.waiting[way] += data

    def _reset(self):
        for end in self.ends["up"]:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.close()
