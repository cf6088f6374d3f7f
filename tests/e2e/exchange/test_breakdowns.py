"""What breaks around a mailbox: a full disk, a front that dies, a lane that does, a book from a backup, and clients
that hold the front up."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading

from harness import SCALE, TOP, equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange, digest, repr_digest
from small_disk import SmallDisk

BIG = 300 * 1024


def begun(exchange, name, body, sent):
    """A put whose connection stays open after so many bytes, all of which are written."""
    source = exchange.source
    connection = socket.create_connection(("127.0.0.1", exchange.port), timeout=30 * SCALE)
    connection.sendall((f"PUT {source.item(name)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {source.token}\r\n"
                        f"Content-Length: {len(body)}\r\nRepr-Digest: {repr_digest(body)}\r\n\r\n").encode())
    connection.sendall(body[:sent])
    wait_until("the bytes to be written", lambda: source.head(name).headers.get("upload-offset") == str(sent),
               log=exchange.gateway.log_tail)
    return connection


@test
def an_upload_goes_on_after_the_front_the_lane_or_everything_has_died():
    with Exchange() as exchange:
        source, body = exchange.source, os.urandom(BIG)

        def offset():
            with contextlib.suppress(AssertionError):
                return source.head("a").headers.get("upload-offset")
        connection = begun(exchange, "a", body, 100000)
        os.kill(exchange.gateway.named("front")[0], signal.SIGKILL)
        wait_until("another front", lambda: offset() == "100000", log=exchange.gateway.log_tail)
        connection.close()
        equal(source.patch("a", 100000, body[100000:150000]).status, 204, "on with it")
        os.kill(exchange.gateway.named("lane")[0], signal.SIGKILL)
        wait_until("another lane", lambda: offset() == "150000", log=exchange.gateway.log_tail)
        equal(source.patch("a", 150000, body[150000:200000]).status, 204, "on with it")
        exchange.restart()
        equal(offset(), "200000", "after all has died")
        equal(source.patch("a", 200000, body[200000:]).status, 201, "the rest")
        equal(digest(exchange.consumer.get("a").body), digest(body), "what came")
        equal(exchange.consumer.ids(), ["a"], "the list")


@test
def a_new_epoch_voids_all_cursors_and_nothing_else():
    with Exchange() as exchange:
        equal(exchange.source.put("a", b"one").status, 201, "put")
        cursor = exchange.consumer.list().json()["cursor"]
        exchange.gateway.ok("exchange", "new-epoch", MAILBOX)
        answer = exchange.consumer.list(cursor)
        equal((answer.status, answer.json()["error"]), (410, "cursor-unknown"), "the old cursor")
        restart = answer.json()["restart"]
        equal(exchange.consumer.ids(restart), ["a"], "from the new beginning")
        equal(exchange.source.put("b", b"two").status, 201, "put after it")
        equal(exchange.consumer.list(restart).json()["cursor"].split(".")[1], "2", "the numbers go on")
        exchange.restart()
        equal(exchange.consumer.ids(restart), ["a", "b"], "after a restart")
        exchange.gateway.ok("verify")


@test
def what_a_loss_of_power_took_from_a_file_is_found_before_it_is_stored():
    with Exchange() as exchange:
        source, body = exchange.source, os.urandom(BIG)
        begun(exchange, "a", body, BIG - 1).close()
        path = os.path.join(exchange.state, "lanes/ssc/items", exchange.files()[0])
        with open(path, "r+b") as file:
            file.seek(8192)
            file.write(b"\0" * 4096)
        equal(source.patch("a", BIG - 1, body[-1:]).status, 400, "its end, with zeros in its midst")
        equal((source.head("a").status, exchange.files()), (404, []), "nothing is kept")
        equal(source.put("a", body).status, 201, "from its beginning")


@test(needs_root=True)
def on_a_full_disk_puts_are_refused_and_what_is_there_is_obtained_and_acknowledged():
    with Exchange(start=False, items='reserve = "4M"') as exchange:
        disk = SmallDisk(exchange.state, 24)
        try:
            exchange.start()
            source, consumer, body = exchange.source, exchange.consumer, os.urandom(BIG)
            for name in ("large", "small"):
                equal(source.put(name, body if name == "large" else b"one claim").status, 201, name)
            disk.leave(4 << 20)
            for name, refused in (("b", body), ("c", b"two")):
                answer = source.put(name, refused, headers=["Expect: 100-continue"])
                equal((answer.status, answer.json()["error"]), (507, "no-space"), name)
            equal([source.put("large", body).status, source.put("small", b"one claim").status], [200, 200], "put again")
            equal(consumer.ids(), ["large", "small"], "the list")
            equal(digest(consumer.get("large").body), digest(body), "to obtain")
            equal(consumer.acknowledge("large", body).status, 200, "to acknowledge")
            disk.free()
            equal(source.put("b", body).status, 201, "with room again")
        finally:
            exchange.gateway.stop()
            disk.close()


@test
def a_restored_book_asks_for_a_new_beginning_and_what_is_put_again_comes_again():
    with Exchange() as exchange:
        source, consumer = exchange.source, exchange.consumer
        source.put("old", b"old")
        exchange.gateway.stop()
        backup = exchange.state + ".backup"
        shutil.copytree(exchange.state, backup)
        exchange.start()
        source.put("new", b"new")
        cursor = consumer.list().json()["cursor"]
        exchange.gateway.stop()
        shutil.rmtree(exchange.state)
        os.rename(backup, exchange.state)
        exchange.start()
        answer = consumer.list(cursor)
        equal((answer.status, answer.json()["error"]), (410, "cursor-unknown"), "the cursor is ahead of the book")
        equal(source.head("new").status, 404, "what the backup does not have")
        equal(source.put("new", b"new").status, 201, "put again under its id")
        equal(consumer.ids(answer.json()["restart"]), ["old", "new"], "from the new beginning")


@test
def long_polls_get_what_comes_at_once_and_starve_nobody():
    with Exchange(front={"connections": 32}) as exchange:
        source, consumer, found = exchange.source, exchange.consumer, []
        cursor = source.put("first", b"1") and consumer.list().json()["cursor"]

        def poll():
            found.append(consumer.list(cursor, wait="60s").status)
        polls = [threading.Thread(target=poll) for _ in range(20)]
        for thread in polls:
            thread.start()
        wait_until("those over half of the connections to be answered at once", lambda: len(found) >= 4)
        equal(set(found), {204}, "what they are told")
        equal(source.put("second", b"2").status, 201, "a put meanwhile")
        for thread in polls:
            thread.join(30 * SCALE)
        equal((len(found), set(found[4:])), (20, {200}), "those that waited")
        waiting = threading.Thread(target=poll)
        waiting.start()
        os.kill(exchange.gateway.named("lane")[0], signal.SIGKILL)  # who waits is told, and asks again
        waiting.join(30 * SCALE)
        assert found[-1] in (503, 200), found[-1]


@test
def a_lane_that_does_not_answer_holds_nobody_else_up():
    with Exchange(front={"connections": 200, "connections-per-address": 200}) as exchange:
        lane, found = exchange.gateway.named("lane")[0], []

        def ask():
            found.append(exchange.consumer.list().status)
        asks = [threading.Thread(target=ask) for _ in range(60)]
        os.kill(lane, signal.SIGSTOP)
        try:
            for thread in asks:
                thread.start()
            wait_until("those to be sent away for whom there is no room", lambda: 503 in found)
            for _ in range(5):
                equal(exchange.consumer.curl("/v1/openapi.json", "--max-time", "10").status, 200, "the others")
        finally:
            os.kill(lane, signal.SIGCONT)
        for thread in asks:
            thread.join()
        equal(set(found), {204, 503}, "what they are told")


@test
def uploads_that_wait_for_the_lane_hold_nobody_up_and_go_on():
    with Exchange(front={"connections": 100, "connections-per-address": 100}) as exchange:
        lane, body, found = exchange.gateway.named("lane")[0], os.urandom(BIG), {}

        def put(number):
            headers = ["Expect: 100-continue"] if number % 2 else ["Expect:"]
            found[number] = exchange.source.put(f"a{number}", body, headers=headers).status
        puts = [threading.Thread(target=put, args=(number,)) for number in range(12)]
        os.kill(lane, signal.SIGSTOP)
        try:
            for thread in puts:
                thread.start()
            for _ in range(5):
                equal(exchange.consumer.curl("/v1/openapi.json", "--max-time", "5").status, 200, "the others")
            equal(found, {}, "what was put by then")
        finally:
            os.kill(lane, signal.SIGCONT)
        for thread in puts:
            thread.join()
        equal(set(found.values()), {201}, "what they are told")
        equal(len(exchange.consumer.ids()), 12, "what has come")


@test
def who_sends_a_body_too_slowly_is_ended():
    with Exchange(front={"timeout": "1s"}) as exchange:
        slow = begun(exchange, "a", os.urandom(BIG), 100000)

        def is_ended():
            try:
                slow.sendall(b"x")
                slow.settimeout(0.2)
                assert slow.recv(1) == b"", "it is still open"
            except TimeoutError:
                raise AssertionError("it is still open") from None
            except OSError:
                pass
            return True
        wait_until("a dripping body to be ended", is_ended, seconds=20)
        assert int(exchange.source.head("a").headers["upload-offset"]) >= 100000, "what came is kept"


@test
def the_commands_of_the_manual_page_do_what_it_says():
    """Both ends by the page alone: its lines, run by a shell, with the page's names set."""
    with Exchange() as exchange:
        page = open(os.path.join(TOP, "packaging/man/sallyport-exchange.7")).read().replace("\\(dq", '"')
        text = page.replace("\\e\n", "\\\n").replace("\\e", "\\")
        box = exchange.url + f"/v1/mailboxes/{MAILBOX}"

        def run(end, beginning):
            start = text.index(beginning)
            command = text[start:text.index("\n.", start)].split("\n{")[0]
            folder = os.path.join(exchange.folder, end.name)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "curlrc"), "w") as file:
                file.write(f'silent\nshow-error\nheader = "Authorization: Bearer {end.token}"\n')
            words = f'curl() {{ command curl -K curlrc -w "\\n%{{http_code}}\\n" "$@"; }}; BOX={box}\n{command}'
            done = subprocess.run(["bash", "-c", words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=60 * SCALE)
            return done.stdout + done.stderr
        os.makedirs(os.path.join(exchange.folder, "ssc-city"))
        body = os.urandom(3 << 20)
        with open(os.path.join(exchange.folder, "ssc-city/claims.dat"), "wb") as file:
            file.write(body)
        begun(exchange, "2026-11-20.1", body, 1 << 20).close()
        resumed = run(exchange.source, "curl -I $BOX")
        has(resumed, "Upload-Offset: 1048576", "how far it is")
        has(resumed, "\n201\n", "the rest")
        has(run(exchange.source, "digest=$("), "\n200\n", "the whole again")
        listed = run(exchange.consumer, 'curl "$BOX/items?after')
        has(listed, "2026-11-20.1", "the list")
        run(exchange.consumer, "curl -o claims.dat")
        with open(os.path.join(exchange.folder, "acme-life/claims.dat"), "rb") as file:
            equal(digest(file.read()), digest(body), "what was obtained")
        has(run(exchange.consumer, "sha256=$("), "\n200\n", "acknowledged")
        equal(exchange.source.head("2026-11-20.1").headers["item-state"], "acknowledged", "the state")
        has(exchange.gateway.ok("exchange", "list").out, MAILBOX, "exchange list")
