"""Servers that lie: nothing is lost, nothing is doubled, an operator sees what is wrong, and all goes on when the lie
stops."""
import datetime
import os

import accruals
from harness import equal, has, test, wait_until
from lying import LyingFtpWorld, LyingWorld


def drop(world, *names, count=20):
    for number, name in enumerate(names):
        world.drop(name, accruals.records(count, prefix=name.split(".")[0]), sequence=number + 1)


def problem_of(world, name):
    row = world.gateway.file(name) or {}
    return row.get("problem") or ""


def wait_problem(world, name, words):
    wait_until(f"{name} to have a problem of {words!r}", lambda: words in problem_of(world, name),
               log=world.gateway.log_tail)


def end_of_the_lie(world, *names):
    """From now on the truth; what waits for its next try is tried at once."""
    world.liar.tell_the_truth()
    for name in names:
        world.gateway.run("retry", name)


def left_at_the_partners(world):
    return [os.path.join(folder, name) for folder, _,
            names in os.walk(world.partner.root) for name in names if name.endswith(".part")]


# --- Reading

WRONG_SIZES = {"POINTS_early*": "early-end", "POINTS_grows*": "fstat-larger", "POINTS_shrinks*": "fstat-smaller",
               "POINTS_changes*": "fstat-size-changes", "POINTS_zero*": "size-zero"}


@test
def a_file_whose_size_and_content_disagree_waits_and_comes_whole_when_the_lie_stops():
    with LyingWorld() as world:
        names = [glob.replace("*", ".dat.pgp") for glob in WRONG_SIZES]
        world.liar.lie_about({**WRONG_SIZES, "POINTS_short*": "short-reads"})
        world.start()
        drop(world, *names, "POINTS_short.dat.pgp")
        equal(world.feedback("POINTS_short.dat.pgp").accepted, 20, "accepted of what came in short reads")
        for name in names:
            wait_problem(world, name, "changed while it was read")
            equal(world.gateway.file(name)["state"], "admitted", name)
        equal(world.credits()[0], 20, "credits while the lies are told")
        end_of_the_lie(world, *names)
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        world.settle()


@test
def a_listing_that_does_not_agree_with_a_look_at_the_file_is_told_and_does_not_spin():
    with LyingWorld() as world:
        world.liar.lie_about({"POINTS_size.dat.pgp": "list-larger", "POINTS_time.dat.pgp": "list-other-time"})
        world.start()
        drop(world, "POINTS_size.dat.pgp", "POINTS_time.dat.pgp")
        # a time that differs between the two is no change: what is listed stays as it was
        equal(world.feedback("POINTS_time.dat.pgp").accepted, 20, "accepted")
        wait_problem(world, "POINTS_size.dat.pgp", "listed with")
        end_of_the_lie(world, "POINTS_size.dat.pgp")
        equal(world.feedback("POINTS_size.dat.pgp").accepted, 20, "accepted")
        world.settle()


@test
def files_that_vanish_by_being_read_are_taken_once():
    with LyingWorld() as world:
        world.liar.lie_about({"POINTS_once*": "read-once", "POINTS_opened*": "read-once-at-open"})
        world.start()
        drop(world, "POINTS_once.dat.pgp", "POINTS_opened.dat.pgp")
        for name in ("POINTS_once.dat.pgp", "POINTS_opened.dat.pgp"):
            equal(world.feedback(name).accepted, 20, name)
        world.settle()


@test
def a_file_that_vanished_when_its_reading_was_cut_is_gone_and_told():
    with LyingWorld() as world:
        world.liar.lie_about({"POINTS_lost*": ("read-once-at-open", "cut-after-half")}, times=1)
        world.start()
        drop(world, "POINTS_lost.dat.pgp")
        world.gateway.wait_state("POINTS_lost.dat.pgp", "gone")
        world.liar.tell_the_truth()
        drop(world, "POINTS_lost.dat.pgp")
        equal(world.feedback("POINTS_lost.dat.pgp").accepted, 20, "accepted of what was sent again")
        world.settle()


# --- Listing

@test
def a_listing_that_repeats_and_omits_loses_and_doubles_nothing():
    with LyingWorld() as world:
        world.liar.lie_about({"POINTS_twice*": "list-repeats", "POINTS_hidden*": "list-omits"})
        world.start()
        drop(world, "POINTS_twice.dat.pgp", "POINTS_hidden.dat.pgp")
        equal(world.feedback("POINTS_twice.dat.pgp").accepted, 20, "accepted")
        world.liar.tell_the_truth()
        equal(world.feedback("POINTS_hidden.dat.pgp").accepted, 20, "accepted of what was omitted")
        # seen, then omitted, then there again
        world.drop("POINTS_flickers.dat.pgp", accruals.records(20, prefix="F"), marker=False)
        world.gateway.wait_state("POINTS_flickers.dat.pgp", "seen")
        world.liar.lie("list-omits", "POINTS_flickers*")
        world.gateway.wait_state("POINTS_flickers.dat.pgp", "gone")
        world.liar.tell_the_truth()
        world.partner.put("POINTS_flickers.dat.pgp.ok", b"")
        equal(world.feedback("POINTS_flickers.dat.pgp").accepted, 20, "accepted of what came back")
        world.settle()


@test
def an_endless_listing_ends_and_is_told():
    with LyingWorld() as world:
        world.start()
        world.liar.lie("list-endless", "outgoing")
        wait_until("the log to tell of it", lambda: "listing-incomplete" in world.gateway.log(), seconds=60,
                   log=world.gateway.log_tail)
        wait_until("an alarm", lambda: "listing-cut" in world.gateway.ok("alarms").out, log=world.gateway.log_tail)
        world.liar.tell_the_truth()
        drop(world, "POINTS_after.dat.pgp")
        equal(world.feedback("POINTS_after.dat.pgp", seconds=60).accepted, 20, "accepted")
        world.settle()


# --- Putting answers

RENAMES = {"POINTS_idle_FB*": "rename-does-nothing", "POINTS_lost_FB*": "rename-loses",
           "POINTS_failed_FB*": "rename-loses-and-fails",
           "POINTS_copied_FB*": "rename-copies"}


@test
def an_answer_is_delivered_only_when_it_stands_there_whatever_a_rename_says():
    with LyingWorld() as world:
        names = [glob.replace("_FB*", ".dat.pgp") for glob in RENAMES]
        world.liar.lie_about(RENAMES)
        world.start()
        drop(world, *names)
        equal(world.feedback("POINTS_copied.dat.pgp").accepted, 20,
              "accepted")  # it is there, and its temporary copy is removed
        for glob, lie in RENAMES.items():
            name = glob.replace("_FB*", ".dat.pgp")
            world.liar.wait_told(lie, glob.rstrip("*"), times=1 if lie == "rename-copies" else 2,
                                 log=world.gateway.log_tail)
            if lie != "rename-copies":
                wait_problem(world, name, "rename")
                equal(world.gateway.file(name)["state"], "sealed", name)
        end_of_the_lie(world, *names)
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        world.settle()
        equal(left_at_the_partners(world), [], "temporary files")


@test
def an_answer_that_was_put_by_halves_is_put_again():
    with LyingWorld() as world:
        world.liar.lie_about({".POINTS_half_FB*": "put-half", ".POINTS_slow_FB*": "stall-write",
                              ".POINTS_cut_FB*": "cut-after-put"}, times=1)
        world.start()
        names = ("POINTS_half.dat.pgp", "POINTS_slow.dat.pgp", "POINTS_cut.dat.pgp")
        drop(world, *names)
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        equal([world.liar.told(lie) for lie in ("put-half", "stall-write", "cut-after-put")], [1, 1, 1], "lies told")
        world.settle()
        equal(left_at_the_partners(world), [], "temporary files")


@test
def an_effect_whose_reply_was_lost_is_not_repeated():
    with LyingWorld() as world:
        world.liar.lie_about({"POINTS_a_FB*": "cut-after-rename", "POINTS_b.dat.pgp": "cut-after-rename",
                              "POINTS_c_FB*.ok": "cut-after-put",
                              "archive": "cut-after-mkdir", "POINTS_d_FB*": "twice-rename",
                              "POINTS_e*.pgp": "twice-read"}, times=1)
        world.start()
        names = [f"POINTS_{letter}.dat.pgp" for letter in "abcde"]
        drop(world, *names)
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        world.gateway.wait_quiet()
        for lie, times in (("cut-after-rename", 2), ("cut-after-put", 1), ("cut-after-mkdir", 1), ("twice-rename", 1),
                           ("twice-read", 1)):
            assert world.liar.told(lie) >= times, f"{lie} was not told"
        world.settle()
        archived = sorted(os.listdir(os.path.join(world.partner.outgoing, "archive")))
        equal([n for n in archived if n.endswith(".pgp")], names, "the partner's archive")


@test
def a_rename_that_overwrites_takes_nobodys_file():
    with LyingWorld() as world:
        world.liar.lie("rename-overwrites")
        with open(os.path.join(world.partner.incoming, "POINTS_o_FB.dat.pgp"), "wb") as file:
            file.write(b"somebody else's")
        world.start()
        drop(world, "POINTS_o.dat.pgp")
        wait_problem(world, "POINTS_o.dat.pgp", "exists")
        with open(os.path.join(world.partner.incoming, "POINTS_o_FB.dat.pgp"), "rb") as file:
            equal(file.read(), b"somebody else's", "the file that was there")
        os.unlink(os.path.join(world.partner.incoming, "POINTS_o_FB.dat.pgp"))
        world.gateway.run("retry", "POINTS_o.dat.pgp")
        equal(world.feedback("POINTS_o.dat.pgp").accepted, 20, "accepted")
        world.settle()


@test
def an_answer_that_is_taken_away_at_once_is_sent_once():
    with LyingWorld() as world:
        del world.feed.feedback["marker"]
        world.liar.lie_about({"POINTS_quick_FB*": "taken-at-once"})
        world.start()
        drop(world, "POINTS_quick.dat.pgp")
        world.gateway.wait_state("POINTS_quick.dat.pgp", "closed")
        equal([name for name, _ in world.liar.taken()], ["POINTS_quick_FB.dat.pgp"], "what the partner took")
        has(world.gateway.log(), "answer-not-seen", "the log")


@test
def an_answer_whose_upload_broke_is_delivered_where_nothing_may_be_written_over():
    for kind in (LyingWorld, LyingFtpWorld):
        with kind() as world:
            world.liar.lie_about({".POINTS_x_FB*": ("no-overwriting", "cut-after-put")})
            world.start()
            drop(world, "POINTS_x.dat.pgp")
            world.liar.wait_told("cut-after-put", log=world.gateway.log_tail)
            world.liar.lie("no-overwriting", ".POINTS_x_FB*")
            equal(world.feedback("POINTS_x.dat.pgp").accepted, 20, "accepted")
            assert world.liar.told("no-overwriting") >= 1, "the part was in nobody's way"
            world.settle()
            equal(left_at_the_partners(world), [], "temporary files")


@test
def an_upload_that_the_server_takes_at_its_close_is_sent_once_more_by_a_person_only():
    for kind in (LyingWorld, LyingFtpWorld):
        with kind() as world:
            world.liar.lie(*("taken-at-close", ".POINTS_gone_FB*"))
            world.start()
            drop(world, "POINTS_gone.dat.pgp")
            wait_problem(world, "POINTS_gone.dat.pgp", "vanishes = delivered")
            tries = lambda: world.gateway.file("POINTS_gone.dat.pgp").get("attempts", 0)
            before = tries()
            wait_until("further tries", lambda: tries() >= before + 2, seconds=60, log=world.gateway.log_tail)
            equal(len(world.liar.taken()), 1, "uploads that the server took")
            world.gateway.stop()
            world.gateway.start()
            wait_until("a try after the restart", lambda: tries() >= before + 3, seconds=60, log=world.gateway.log_tail)
            equal(len(world.liar.taken()), 1, "uploads that the server took")
            end_of_the_lie(world, "POINTS_gone.dat.pgp")
            equal(world.feedback("POINTS_gone.dat.pgp").accepted, 20, "accepted")
            world.settle()


@test
def what_a_server_takes_at_its_close_is_delivered_once_where_the_configuration_says_so():
    for kind in (LyingWorld, LyingFtpWorld):
        with kind() as world:
            world.feed.feedback.update({"write": "direct", "vanishes": "delivered"})
            world.liar.lie("taken-at-close", "POINTS_*_FB.dat.pgp")
            world.start()
            drop(world, "POINTS_a.dat.pgp", "POINTS_b.dat.pgp")
            for name in ("POINTS_a.dat.pgp", "POINTS_b.dat.pgp"):
                world.gateway.wait_state(name, "closed")
            equal(sorted(name for name, _ in world.liar.taken()), ["POINTS_a_FB.dat.pgp", "POINTS_b_FB.dat.pgp"],
                  "what the server took")
            equal(left_at_the_partners(world), [], "temporary files")


@test
def an_answer_that_is_written_directly_comes_whole_after_a_cut():
    with LyingFtpWorld() as world:
        world.feed.feedback["write"] = "direct"
        world.liar.lie_about({"POINTS_d_FB.dat.pgp": ("put-half", "no-overwriting", "cut-after-put")}, times=1)
        world.start()
        drop(world, "POINTS_d.dat.pgp")
        equal(world.feedback("POINTS_d.dat.pgp").accepted, 20, "accepted")
        world.settle()


@test
def a_lost_rename_reply_and_an_immediate_pick_up_make_no_second_answer():
    for kind in (LyingWorld, LyingFtpWorld):
        with kind() as world:
            del world.feed.feedback["marker"]
            world.liar.lie("taken-at-once", "POINTS_lost_FB*")
            world.liar.lie_about({"POINTS_lost_FB*": ("taken-at-once", "cut-after-rename")})
            world.start()
            drop(world, "POINTS_lost.dat.pgp")
            world.gateway.wait_state("POINTS_lost.dat.pgp", "closed")
            equal([name for name, _ in world.liar.taken()], ["POINTS_lost_FB.dat.pgp"], "what the partner took")
            has(world.gateway.log(), "answer-not-seen", "the log")


@test
def answers_go_where_nobody_may_look_or_a_look_tells_nothing():
    refused = ("stat-refused", "open-refused")
    for lies in ({"*POINTS_w_FB*": ("stat-vague",)}, {"*POINTS_w_FB*": refused, "incoming": "list-refused"}):
        with LyingWorld() as world:
            world.liar.lie_about(lies)
            world.start()
            drop(world, "POINTS_w.dat.pgp")
            equal(world.feedback("POINTS_w.dat.pgp").accepted, 20, "accepted")
            equal(left_at_the_partners(world), [], "temporary files")
            world.liar.tell_the_truth()
            world.settle()


# --- Taking the partner's copy away

@test
def a_file_that_stays_although_it_was_archived_is_not_taken_again():
    with LyingWorld() as world:
        lies = {"POINTS_stays.dat.pgp": "rename-does-nothing", "POINTS_copied.dat.pgp": "rename-copies",
                "POINTS_lost.dat.pgp": "rename-loses"}
        # under any name in the archive: the second try takes another one
        world.liar.lie_about({name + "*": lie for name, lie in lies.items()})
        world.start()
        drop(world, *lies)
        for name in lies:
            equal(world.feedback(name).accepted, 20, name)
        for name in ("POINTS_stays.dat.pgp", "POINTS_copied.dat.pgp"):
            wait_problem(world, name, "still there")
            equal(world.gateway.file(name)["state"], "answered", name)
        world.gateway.wait_state("POINTS_lost.dat.pgp", "closed")
        end_of_the_lie(world, "POINTS_stays.dat.pgp", "POINTS_copied.dat.pgp")
        world.settle()
        equal(len(world.gateway.files()), 3, "files in the book")
        equal(world.credits()[0], 60, "credits")


@test
def a_file_that_stays_although_it_was_deleted_is_not_taken_again():
    with LyingWorld() as world:
        world.feed.source["after"] = "delete"
        world.liar.lie("remove-does-nothing", ".sallyport-*")  # the name under which it is claimed
        world.start()
        drop(world, "POINTS_stays.dat.pgp")
        equal(world.feedback("POINTS_stays.dat.pgp").accepted, 20, "accepted")
        wait_problem(world, "POINTS_stays.dat.pgp", "still there")
        end_of_the_lie(world, "POINTS_stays.dat.pgp")
        world.gateway.wait_state("POINTS_stays.dat.pgp", "closed")
        world.settle()
        equal(len(world.gateway.files()), 1, "files in the book")
        assert not os.path.exists(os.path.join(world.partner.outgoing, "POINTS_stays.dat.pgp")), "it is still there"


# --- Clocks and silence

@test
def a_clock_that_jumps_by_a_day_and_back_doubles_nothing():
    with LyingWorld() as world:
        world.feed.source["after"] = "keep"
        world.liar.lie("clock-ahead")
        world.start()
        drop(world, "POINTS_kept.dat.pgp")
        equal(world.feedback("POINTS_kept.dat.pgp").accepted, 20, "accepted")
        world.gateway.wait_state("POINTS_kept.dat.pgp", "closed")
        world.liar.lie("clock-behind")
        wait_until("the file to be seen anew", lambda: len(world.gateway.files()) == 2, log=world.gateway.log_tail)
        world.liar.tell_the_truth()
        kept = os.path.join(world.partner.outgoing, "POINTS_kept.dat.pgp")
        true = int(os.stat(kept).st_mtime)  # as a file of its own, or as a change of the second

        def is_seen():
            times = [int(datetime.datetime.fromisoformat(file["modified"]).timestamp())
                     for file in world.gateway.files()]
            assert true in times, f"{true} is not among {times}"
            return True
        wait_until("the true time to be seen, too", is_seen, log=world.gateway.log_tail)
        world.gateway.wait_quiet()
        equal(world.credits()[0], 20, "credits")
        world.settle()


@test
def a_server_that_falls_silent_in_any_request_is_given_up_and_asked_again():
    with LyingWorld() as world:
        world.configuration.endpoints["main"]["io-timeout"] = "1s"
        world.liar.lie_about({"outgoing": "stall-list", "POINTS_mute.dat.pgp": ("stall-stat", "stall-read")}, times=1)
        world.start()
        drop(world, "POINTS_mute.dat.pgp")
        equal(world.feedback("POINTS_mute.dat.pgp", seconds=60).accepted, 20, "accepted")
        equal([world.liar.told(lie) for lie in ("stall-list", "stall-stat", "stall-read")], [1, 1, 1], "lies told")
        world.settle()


# --- The same with FTP

@test
def what_an_ftp_server_tells_wrong_of_its_files_waits_and_comes_whole_when_the_lie_stops():
    with LyingFtpWorld() as world:
        lies = {"POINTS_early*": "early-end", "POINTS_zero*": "size-zero", "POINTS_other*": "list-larger"}
        world.liar.lie_about({**lies, "POINTS_twice*": "list-repeats", "POINTS_once*": "read-once",
                              "epsv": "pasv-elsewhere"})
        world.start()
        names = [glob.replace("*", ".dat.pgp") for glob in lies]
        drop(world, *names, "POINTS_twice.dat.pgp", "POINTS_once.dat.pgp")
        for name in ("POINTS_twice.dat.pgp", "POINTS_once.dat.pgp"):
            equal(world.feedback(name).accepted, 20, name)
        for name in names:
            wait_until(f"{name} to have a problem", lambda n=name: problem_of(world, n), log=world.gateway.log_tail)
        equal(world.credits()[0], 40, "credits while the lies are told")
        end_of_the_lie(world, *names)
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        world.settle()


@test
def what_an_ftp_server_says_that_it_has_done_is_looked_at():
    with LyingFtpWorld() as world:
        lies = {"POINTS_idle_FB*": "rename-does-nothing", "POINTS_lost_FB*": "rename-loses",
                "POINTS_stays.dat.pgp": "rename-does-nothing"}
        world.liar.lie_about({**lies, ".POINTS_half_FB*": "put-half"})
        world.start()
        names = ["POINTS_idle.dat.pgp", "POINTS_lost.dat.pgp", "POINTS_half.dat.pgp"]
        drop(world, *names, "POINTS_stays.dat.pgp")
        equal(world.feedback("POINTS_stays.dat.pgp").accepted, 20, "accepted")
        wait_problem(world, "POINTS_stays.dat.pgp", "still there")
        for name in names:
            wait_until(f"{name} to have a problem", lambda n=name: problem_of(world, n), log=world.gateway.log_tail)
            equal(world.gateway.file(name)["state"], "sealed", name)
        end_of_the_lie(world, *names, "POINTS_stays.dat.pgp")
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        world.settle()
        equal(left_at_the_partners(world), [], "temporary files")


@test
def an_effect_whose_reply_an_ftp_server_lost_is_not_repeated():
    with LyingFtpWorld() as world:
        world.liar.lie_about({"POINTS_a_FB*": "cut-after-rename", "POINTS_b.dat.pgp": "cut-after-rename",
                              "POINTS_c_FB*.ok": "cut-after-put",
                              "POINTS_d*.pgp": "cut-after-half"}, times=1)
        world.start()
        names = [f"POINTS_{letter}.dat.pgp" for letter in "abcd"]
        drop(world, *names)
        for name in names:
            equal(world.feedback(name).accepted, 20, name)
        world.settle()
        archived = os.listdir(os.path.join(world.partner.outgoing, "archive"))
        equal(sorted(n for n in archived if n.endswith(".pgp")), names, "the partner's archive")
