"""Behind a web server of its own, which speaks TLS and checks the ends' certificates: nginx, by its usual settings."""
import os

from certificates import Authority, fingerprint
from harness import equal, test
from mailboxes import Exchange, digest, repr_digest
from nginx import Nginx

BIG = 3 << 20


def site(exchange, authority, certificate, key):
    """What the manual page says."""
    return (f"ssl_certificate {certificate}; ssl_certificate_key {key}; "
            f"ssl_client_certificate {authority.certificate}; ssl_verify_client optional; client_max_body_size 0; "
            f"location / {{ proxy_pass http://127.0.0.1:{exchange.port}; proxy_bind 127.0.0.2; proxy_http_version 1.1; "
            "proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 90s; "
            "proxy_set_header X-Client-Certificate $ssl_client_escaped_cert; }")


@test
def behind_nginx_a_certificate_counts_that_it_tells_and_from_nowhere_else():
    front = {"proxy-address": "127.0.0.2", "certificate-header": "X-Client-Certificate"}
    with Exchange(start=False, front=front) as exchange:
        authority = Authority(os.path.join(exchange.folder, "authority"))
        mine, stranger = (authority.issue(name, client=True) for name in ("ssc-city", "stranger"))
        source, consumer = exchange.source, exchange.consumer
        source.certificate = fingerprint(mine[0])
        exchange.write()
        exchange.start()
        direct = exchange.url
        with Nginx(exchange.folder, {"front": site(exchange, authority, *authority.issue("localhost"))}) as server:
            exchange.url = f"https://localhost:{server.ports['front']}"
            trust = ("--cacert", authority.certificate)

            def shown(pair):
                return (*trust, "--cert", pair[0], "--key", pair[1])
            body = os.urandom(BIG)
            equal(source.put("a", body, *shown(mine), token="").status, 201, "put with a certificate")
            # a small body: of a large one that is refused before its end nginx may say 502
            equal(source.put("a", b"x", *shown(stranger), token="").status, 401, "with another one")
            equal(source.put("a", b"x", *trust, token="").status, 401, "with none")
            forged = open(mine[0]).read().replace("\n", "%0A").replace("+", "%2B").replace(" ", "%20")
            header = ["X-Client-Certificate: " + forged]
            equal(source.put("b", b"x", *trust, token="", headers=header).status, 401, "a header of the client's own")
            got = consumer.get("a", *trust, "-r", "1000-1999")
            equal((got.status, digest(got.body)), (206, digest(body[1000:2000])), "a range, with a token")
            page = consumer.curl("/v1/mailboxes/medical-claims/items?wait=1s", *trust).json()
            waits = f"/v1/mailboxes/medical-claims/items?after={page['cursor']}&wait=2s"
            equal(consumer.curl(waits, *trust).status, 204, "a long poll")
            path = source.item("c")
            begun = source.curl(path, *shown(mine), token="", method="PUT", body=body[:1 << 20],
                                headers=["Repr-Digest: " + repr_digest(body), f"Upload-Length: {BIG}"])
            equal(begun.status, 204, "the first part")
            rest = source.curl(path, *shown(mine), token="", method="PATCH", body=body[1 << 20:],
                               headers=[f"Upload-Offset: {1 << 20}"])
            equal(rest.status, 201, "the rest")
            equal(digest(consumer.get("c", *trust).body), digest(body), "all of it")
        exchange.url = direct
        equal(source.put("b", b"x", token="", headers=header).status, 401, "the header from another address")
