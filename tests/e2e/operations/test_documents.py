"""What documents say of the source is held against it by tests/house/documents: here, that it finds what is wrong."""
import os
import subprocess
import tempfile

from harness import equal, has, test

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
CODES = ("F001", "F002", "P000", "P002", "L001", "L010")
WHOLE = {
    "gateway/common/codes.h": '#define CODE_ONE "F001" /* not "F999" */\n#define CODE_TWO "F002"\n',
    "crypto/openpgp.h":
        '#define OPENPGP_REASONS(X) \\\n  X(UNKNOWN, "unknown") \\\n  X(GOOD, "good") \\\n  X(DAMAGED, "damaged")\n',
    "gateway/records/private.h": "typedef enum {\n  FAULT_NONE,\n  FAULT_NUL,\n  FAULT_LAST = 10\n} Fault;\n",
    "gateway/lane/lane.c": 'log_event(LOG_INFO, ok ? "lane-ready" : "lane-late", {"lane", name});\n',
    "tests/test_it.py": "def a_test_that_is_there():\n    pass\n",
    "packaging/doc/CODES.md": "".join(f"| {code} | What it says. |\n" for code in CODES),
    "packaging/man/sallyport.1": "".join(f".It {code}\nwhat it says\n" for code in CODES),
    "packaging/man/sallyport-log.7": ".It Cm lane-ready , lane-late\n",
    "README.md":
        "See `gateway/lane/`, `gateway/lane/lane.c`, [codes](packaging/doc/CODES.md) and `a_test_that_is_there`.\n",
    "gateway/lane/README.md": "Begin with `lane.c`.\n",
}
COMMAND = os.path.join(TOP, "tests/house/documents")


def findings(checks, changed=None):
    """What is found in a small tree, in which some files have another text."""
    with tempfile.TemporaryDirectory() as top:
        for name, text in {**WHOLE, **(changed or {})}.items():
            path = os.path.join(top, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        done = subprocess.run([COMMAND, "--top", top, *checks], capture_output=True, text=True)
        equal(done.stderr, "", "the errors of tests/house/documents")
        equal(done.returncode, 1 if done.stdout else 0, "its exit status")
        return done.stdout


@test
def documents_that_say_what_the_source_says_are_fine():
    equal(findings(["codes", "events", "names"]), "", "the findings")


@test
def a_code_without_a_sentence_and_a_sentence_without_a_code_are_found():
    more = WHOLE["gateway/common/codes.h"] + '#define CODE_NEW "F003"\n'
    has(findings(["codes"], {"gateway/common/codes.h": more}),
        "gateway/common/codes.h:3: code F003 has no sentence in packaging/doc/CODES.md")
    more = WHOLE["crypto/openpgp.h"].replace('"damaged")', '"damaged") \\\n  X(NEW, "new")')
    has(findings(["codes"], {"crypto/openpgp.h": more}), "code P003 has no sentence in packaging/man/sallyport.1")
    more = WHOLE["gateway/records/private.h"].replace("= 10", "= 10,\n  FAULT_NEW")
    has(findings(["codes"], {"gateway/records/private.h": more}), "code L011 has no sentence")
    less = WHOLE["gateway/common/codes.h"].replace('"F002"', "OTHER")
    has(findings(["codes"], {"gateway/common/codes.h": less}),
        "packaging/doc/CODES.md:2: code F002 is nowhere in the source")


@test
def a_log_event_that_no_manual_has_and_one_that_nobody_logs_are_found():
    more = WHOLE["gateway/lane/lane.c"] + 'log_event(LOG_ERROR, "lane-lost");\n'
    has(findings(["events"], {"gateway/lane/lane.c": more}),
        "gateway/lane/lane.c:2: log event lane-lost has no sentence")
    less = WHOLE["gateway/lane/lane.c"].replace("lane-late", "lane-ready")
    has(findings(["events"], {"gateway/lane/lane.c": less}), "log event lane-late is nowhere in the source")
    hidden = 'log_event(LOG_INFO, name, {"lane", name});\n' + WHOLE["gateway/lane/lane.c"]
    has(findings(["events"], {"gateway/lane/lane.c": hidden}),
        "gateway/lane/lane.c:1: the name of this log event is not written here")


@test
def a_document_that_names_what_is_not_there_is_found():
    for wrong in ("`gateway/lane/gone.c`", "`gateway/gone/`", "`a_test_that_is_not_there`",
                  "[codes](packaging/doc/GONE.md)"):
        has(findings(["names"], {"README.md": f"See {wrong}.\n"}), "README.md:1: ", f"the findings of {wrong}")
    has(findings(["names"], {"gateway/lane/README.md": "Begin with `pump.c`.\n"}), "pump.c is not in this tree")


@test
def a_comment_that_names_a_file_that_is_not_there_is_found():
    for name, text in (("gateway/lane/lane.c", "/* What it does.\n * See gateway/lane/gone.h. */\n"),
                       ("tests/test_it.py", '"""What it tests, as gone.c\nhas it."""\n')):
        has(findings(["comments"], {name: text}), "which is not in this tree", f"the findings of {name}")
    fine = "/* Read lane/lane.c, codes.h, and libssh2's userauth.c. */\n"
    equal(findings(["comments"], {"gateway/lane/lane.c": fine}), "", "the findings")
