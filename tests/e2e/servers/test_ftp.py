"""FTP and FTPS against the servers in the field, and a second SFTP server: the main job over each, resume, names that
exist already, and TLS that is not as it should be. The last test prints what was seen as a matrix."""
import os
import signal

import accruals
import ftp_servers
import harness
from ftp_servers import ProFtpd, ProFtpdSftp, Proxies, PureFtpd, Vsftpd
from harness import Missing, Skip, equal, has, lacks, test, wait_until
from server_day import do_the_main_job, get_that_breaks, put_that_breaks, started
from world import World

SEEN = {}  # server -> {feature: what was seen}
FEATURES = ("listing", "in the clear", "explicit TLS", "implicit TLS", "main job", "get resumed", "put after a cut",
            "exists: refuse", "exists: replace")
WAYS = {None: "in the clear", "explicit": "explicit TLS", "implicit": "implicit TLS"}


def note(server, feature, text="yes"):
    SEEN.setdefault(server, {})[feature] = text


def each(kinds, ways=(None,)):
    """One test for each server and way, named after the function."""
    def mark(function):
        for kind in kinds:
            for tls in ways:
                if tls == "implicit" and not kind.has_implicit:
                    continue
                run = lambda k=kind, t=tls: function(k, t)
                run.__code__ = run.__code__.replace(co_filename=__file__)
                way = {None: "", "explicit": "_with_tls", "implicit": "_over_tls"}[tls]
                harness.TESTS.append(harness.Test(run, name=f"{kind.name}{way}_{function.__name__}"))
        return function
    return mark


@each([Vsftpd, PureFtpd, ProFtpd], [None, "explicit", "implicit"])
def the_main_job(kind, tls):
    with World(local=True) as world, kind(world.folder, world.partner.root, tls=tls) as server:
        started(world, server)
        do_the_main_job(world)
        way = [line for line in world.gateway.log().splitlines()
               if "listing by" in line][0].split("listing by ")[1].split(",")[0]
        equal(way, "MLSD" if kind.has_mlsd else "LIST", "the way of listing")
        note(kind.name, "listing", way)
        note(kind.name, WAYS[tls])
        note(kind.name, "main job")


@test
def a_password_that_systemd_hands_to_the_service_logs_in():
    with World(local=True) as world, ProFtpd(world.folder, world.partner.root) as server:
        world.configuration.endpoints["main"] = {**server.endpoint(), "password-file": "credential:ftp"}
        credentials = os.path.join(world.folder, "credentials")
        os.mkdir(credentials, 0o700)
        os.rename(os.path.join(server.folder, "password"), os.path.join(credentials, "ftp"))
        world.start(wrapper=("env", "CREDENTIALS_DIRECTORY=" + credentials))
        world.drop("POINTS_1.dat.pgp", accruals.records(3))
        equal(world.feedback("POINTS_1.dat.pgp").accepted, 3, "accepted")
        world.settle()


@test
def mod_sftp_does_the_main_job():
    with World(local=True) as world, ProFtpdSftp(world.folder, world.partner.root) as server:
        started(world, server)
        do_the_main_job(world)
        note("mod_sftp", "listing", "SFTP")
        note("mod_sftp", "main job")


@each([Vsftpd, PureFtpd, ProFtpd], ["explicit"])
def goes_on_where_a_transfer_broke(kind, tls):
    with World(local=True) as world, kind(world.folder, world.partner.root,
                                          tls=tls) as server, Proxies(server) as proxies:
        started(world, server, host="127.0.0.1", port=proxies.control.port)
        assert get_that_breaks(world, proxies), "it was fetched anew"
        note(kind.name, "get resumed")
        put_that_breaks(world, proxies)
        note(kind.name, "put after a cut")


@each([Vsftpd, PureFtpd, ProFtpd])
def never_loses_an_answer_whose_name_is_taken(kind, tls):
    with World(local=True) as world:
        taken = os.path.join(world.partner.incoming, "POINTS_x_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("the partner's own")
        with kind(world.folder, world.partner.root, tls=tls) as server:
            started(world, server)
            world.drop("POINTS_x.dat.pgp", accruals.records(5))
            told = wait_until("the problem", lambda: (world.gateway.file("POINTS_x.dat.pgp") or {}).get("problem"),
                              log=world.gateway.log_tail)
            has(told, "exists", "the problem")
            with open(taken) as file:
                equal(file.read(), "the partner's own", "what was there")
            note(kind.name, "exists: refuse")
            world.feed.feedback["if-exists"] = "replace"
            world.write_configuration()
            world.gateway.process.send_signal(signal.SIGHUP)
            wait_until("the reload", lambda: "lane-ended" in world.gateway.log())
            file = world.gateway.file("POINTS_x.dat.pgp")["id"]
            wait_until("the lane to take the order, or to have done it by itself",
                       lambda: world.gateway.run("retry", file).status == 0
                       or world.gateway.file("POINTS_x.dat.pgp")["state"] == "closed", log=world.gateway.log_tail)
            equal(world.feedback("POINTS_x.dat.pgp").accepted, 5, "accepted")
            world.settle()
            note(kind.name, "exists: replace")


@each([PureFtpd])
def shows_files_beyond_the_limit_of_its_listing(kind, tls):
    """And beyond twice the limit, where the two ends do not meet, it is told."""
    with World(local=True) as world:
        for i in range(60):
            open(os.path.join(world.partner.outgoing, f"other_{i:02}"), "w").close()
        names = [f"POINTS_{i}.dat.pgp" for i in range(4)]
        for i, name in enumerate(names):
            world.drop(name, accruals.records(5, prefix=f"N{i}"))
        with kind(world.folder, world.partner.root, tls=tls, limit=40) as server:
            started(world, server)
            for name in names:
                equal(world.feedback(name).accepted, 5, "accepted")
            world.settle()
            lacks(world.gateway.log(), "cut_off=yes", "the log")
            for i in range(60, 90):
                open(os.path.join(world.partner.outgoing, f"other_{i:02}"), "w").close()
            wait_until("the cut to be told", lambda: "cut_off=yes" in world.gateway.log(), log=world.gateway.log_tail)


@each([ProFtpd])
def with_its_defaults_delivers_after_a_cut(kind, tls):
    """A part that a broken upload has left may not be written over there."""
    with World(local=True) as world, kind(world.folder, world.partner.root, tls=tls,
                                          defaults=True) as server, Proxies(server) as proxies:
        started(world, server, host="127.0.0.1", port=proxies.control.port)
        put_that_breaks(world, proxies)


def refused(world, server, word, **endpoint):
    """The gateway does not log in, says why, and the server has not been told who is there."""
    started(world, server, **endpoint)
    feeds = lambda: world.gateway.json("status")["lanes"][0]["feeds"]
    problem = wait_until("the problem", lambda: feeds()[0].get("problem"), log=world.gateway.log_tail)
    has(problem, word, "the problem")
    with open(os.path.join(server.folder, "commands")) as file:
        commands = file.read()
    lacks(commands, "USER", "what the server was told")
    equal(world.gateway.stop(), 0, "exit status")


@test
def no_login_goes_to_a_server_whose_tls_is_not_as_it_should_be():
    if not os.access(os.path.join(ftp_servers.UNPACKED, ProFtpd.program), os.X_OK):
        raise Missing("ProFTPD is not unpacked here: packaging/install-packages test")
    made = ftp_servers.authority()
    for tls, changes, endpoint, word in (("explicit", {}, {"ca-file": made["stranger"]}, "certificate"),
                                         ("implicit", {}, {"ca-file": made["stranger"]}, "certificate"),
                                         ("explicit", {"certificate": made["elsewhere"]}, {}, "name"),
                                         (None, {}, {"ca-file": made["ca"], "clear-text": None}, "SSL")):
        with World(local=True) as world:
            path = os.path.join(world.folder, ProFtpd.name, "commands")
            os.makedirs(os.path.dirname(path))
            open(path, "w").close()
            more = f"ExtendedLog {path} ALL seen\nLogFormat seen \"%m\""
            with ProFtpd(world.folder, world.partner.root, tls=tls, more=more, **changes) as server:
                refused(world, server, word, **endpoint)


@test(alone=True)
def the_matrix_of_servers_and_features():
    """Printed, not judged: what the tests before it have seen."""
    if not SEEN:
        raise Skip("none of the tests that fill it has run")
    width = max(len(f) for f in FEATURES)
    lines = [" " * width + "".join(f"{server:>12}" for server in sorted(SEEN))]
    lines += [f"{feature:<{width}}" + "".join(f"{SEEN[server].get(feature, '-'):>12}" for server in sorted(SEEN))
              for feature in FEATURES]
    print("\n".join(lines), flush=True)
