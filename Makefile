# Sallyport. The two commands: `make demo` and `make test`. `make help` lists the rest.
# BUILD names the folder of the results; SANITIZE=1 builds with ASan and UBSan; TSAN=1 with ThreadSanitizer;
# COVERAGE=1 counts what is passed; FUZZ=1 is for the fuzz targets (clang, libFuzzer). FAULTS=1 compiles the fail
# points in; beside a plain build, build/faults/sallyport has them, and shares all objects that have none.

BUILD    ?= build
CC       ?= gcc
PREFIX   ?= /usr
DESTDIR  ?=
VERSION  := 0.1.0

PACKAGES := glib-2.0 sqlite3 libssh2 libcurl gpgme jansson openssl libseccomp libarchive libmicrohttpd gnutls libpq \
            odbc zlib libxxhash
WARNINGS := -Wall -Wextra -Wformat=2 -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
            -Wwrite-strings
ifdef FUZZ
  CC     := clang
  HARDEN := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifdef COVERAGE
  HARDEN := -O0 --coverage -fprofile-update=atomic
  DEFINES += -DSALLYPORT_COVERAGE
else ifdef TSAN
  HARDEN := -O1 -fsanitize=thread -fno-omit-frame-pointer
else ifdef SANITIZE
  HARDEN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
  HARDEN := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
endif
HARDEN_LINK := -pie -Wl,-z,relro,-z,now
# What only tests run: the plain build's warnings count; lines for a report are enough; it is compiled and linked
# faster.
ifneq ($(FUZZ)$(TSAN)$(SANITIZE),)
  WARNINGS := -w
  CFLAGS ?= -g1
  HARDEN_LINK += $(if $(FUZZ),,$(if $(shell command -v ld.gold),-fuse-ld=gold))
  OFTEN  := $(if $(findstring ccache,$(CC)),,$(BUILD)/often.h) # ccache wants to be asked for precompiled headers
endif
ifdef CI
  WARNINGS += -Werror
endif
ifdef FAULTS
  DEFINES += -DSALLYPORT_FAULTS
endif
CFLAGS   ?= -g
CFLAGS_  := -std=gnu11 -fPIE -pthread -I. $(WARNINGS) $(HARDEN) $(DEFINES) -DSALLYPORT_VERSION='"$(VERSION)"' \
            -D_GNU_SOURCE $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) $(CFLAGS)
LDLIBS_  := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -pthread -lm
LDFLAGS_ := $(HARDEN) $(HARDEN_LINK) $(LDFLAGS)
ifdef SANITIZE
  LDFLAGS_ += $(BUILD)/tests/asan.o
endif

# A room is a folder and a static library: what a room may link is what its tests link.
ROOMS    := conf crypto store transfer gateway
BASE_C   := $(wildcard gateway/base/*.c)
MAIN_C   := gateway/main.c
room_c    = $(filter-out $(BASE_C) $(MAIN_C),$(shell find $(1) -name '*.c' 2>/dev/null | sort))
object    = $(patsubst %.c,$(BUILD)/%.o,$(1))
libraries = $(patsubst %,$(BUILD)/lib%.a,$(1))

all: $(BUILD)/sallyport

$(BUILD)/%.o: %.c $(OFTEN:%=%.gch)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) $(OFTEN:%=-include %) -MMD -MP -c -o $@ $<

$(BUILD)/often.h.gch:
	@mkdir -p $(@D)
	echo '#include <glib.h>' > $(BUILD)/often.h
	$(CC) $(CFLAGS_) -x c-header -o $@ $(BUILD)/often.h

# SQL lives in files of its own; each becomes one C string constant (room/x.sql -> `room_x_sql`).
$(BUILD)/%.sql.h: %.sql packaging/sql-to-c
	@mkdir -p $(@D)
	packaging/sql-to-c $< > $@.tmp && mv $@.tmp $@
# So does the description of the front's interface (packaging/doc/openapi.json -> `doc_openapi_json`).
$(BUILD)/%.json.h: %.json packaging/sql-to-c
	@mkdir -p $(@D)
	packaging/sql-to-c $< > $@.tmp && mv $@.tmp $@
SQL_H := $(patsubst %.sql,$(BUILD)/%.sql.h,$(shell find store gateway -name '*.sql' 2>/dev/null)) \
         $(BUILD)/packaging/doc/openapi.json.h
CFLAGS_ += -I$(BUILD)

define room_rule
$(BUILD)/lib$(1).a: $$(call object,$$(call room_c,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(AR) rcs $$@ $$^
$$(call object,$$(call room_c,$(1))): | $(SQL_H)
endef
$(foreach room,$(ROOMS),$(eval $(call room_rule,$(room))))
$(BUILD)/libbase.a: $(call object,$(BASE_C))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

ifdef SANITIZE
$(BUILD)/libbase.a: | $(BUILD)/tests/asan.o
endif

ALL_LIBRARIES := $(call libraries,gateway conf crypto store transfer base)
$(BUILD)/sallyport: $(call object,$(MAIN_C)) $(ALL_LIBRARIES)
	$(CC) $(LDFLAGS_) -o $@ $^ $(LDLIBS_)

# The same program with fail points: a second object for each file that has one, and the plain build's for all others.
FAULTY_C := $(shell grep -rlE 'fault_point|SALLYPORT_FAULTS' --include='*.c' $(ROOMS))
PLAIN_C  := $(filter-out $(FAULTY_C),$(MAIN_C) $(BASE_C) $(foreach room,$(ROOMS),$(call room_c,$(room))))
$(BUILD)/faults/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) -DSALLYPORT_FAULTS -MMD -MP -c -o $@ $<
$(BUILD)/faults/sallyport: $(call object,$(PLAIN_C)) $(patsubst %.c,$(BUILD)/faults/%.o,$(FAULTY_C))
	$(CC) $(LDFLAGS_) -o $@ $^ $(LDLIBS_)
faults: $(BUILD)/faults/sallyport

# Unit tests mirror the source: tests/unit/ROOM/…/test_NAME.c links its own room (gateway links all).
UNIT_C   := $(shell find tests/unit -name 'test_*.c' | sort)
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_C))
unit_room = $(word 1,$(subst /, ,$(1)))
$(BUILD)/tests/unit/gateway/%: $(BUILD)/tests/unit/gateway/%.o $(ALL_LIBRARIES)
	$(CC) $(LDFLAGS_) -o $@ $^ $(LDLIBS_) -lcmocka
define unit_rule
$(BUILD)/tests/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(BUILD)/lib$(1).a $(BUILD)/libbase.a
	$$(CC) $$(LDFLAGS_) -o $$@ $$^ $$(LDLIBS_) -lcmocka
unit-$(1): $$(filter $(BUILD)/tests/unit/$(1)/%,$$(UNIT))
	@set -e; for t in $$^; do echo "== $$$${t#$(BUILD)/tests/unit/}"; $$$$t; done
endef
$(foreach room,conf crypto store transfer,$(eval $(call unit_rule,$(room))))
unit-gateway: $(filter $(BUILD)/tests/unit/gateway/%,$(UNIT)) $(BUILD)/sallyport
	@set -e; for t in $(filter-out %/sallyport,$^); do echo "== $${t#$(BUILD)/tests/unit/}"; $$t; done
unit: $(patsubst %,unit-%,conf crypto store transfer gateway)

units: $(UNIT) $(BUILD)/sallyport
# What a build with ThreadSanitizer runs: see tests/all.
THREADED := gateway/threads/% gateway/lane/% gateway/common/% store/%
units-threaded: $(filter $(addprefix $(BUILD)/tests/unit/,$(THREADED)),$(UNIT))

# Fuzz targets: tests/fuzz/fuzz_NAME.c, each with its corpus in tests/corpus/NAME where there is one. They need FUZZ=1.
# Only what they need is compiled: a target that the linker finds incomplete names another folder or file here.
FUZZERS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZED   := conf store/staging/block.c transfer/wire transfer/process transfer/caged transfer/sftp \
            gateway/base gateway/common gateway/time gateway/threads gateway/records gateway/guess gateway/packing \
            gateway/flow/admission/declared.c
$(BUILD)/libfuzzed.a: $(call object,$(shell find $(FUZZED) -name '*.c'))
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/libfuzzed.a
	$(CC) $(LDFLAGS_) -fsanitize=fuzzer -o $@ $^ $(LDLIBS_)
fuzzers: $(FUZZERS)

# The recorder of the power-loss test.
$(BUILD)/tests/torture/recorder: $(call object,$(wildcard tests/torture/*.c))
	$(CC) $(LDFLAGS_) -o $@ $^

# Programs of the benchmark that link the libraries.
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(ALL_LIBRARIES)
	$(CC) $(LDFLAGS_) -o $@ $^ $(LDLIBS_)
benches: $(BENCHES) $(BUILD)/sallyport

# The matrix of OpenPGP implementations: crypto/ as a program, and the others, installed or below build/.
$(BUILD)/tests/interop/interop_tool: $(BUILD)/tests/interop/interop_tool.o $(BUILD)/libcrypto.a $(BUILD)/libbase.a
	$(CC) $(LDFLAGS_) -o $@ $^ $(LDLIBS_)
test-openpgp:
	packaging/install-packages build openpgp
	+$(MAKE) $(BUILD)/tests/interop/interop_tool
	for v in 5 6; do npm install --silent --no-audit --no-fund --prefix $(BUILD)/interop/openpgp$$v openpgp@$$v; done
	BUILD=$(BUILD) tests/interop/run

# Not below build/servers, build/toys and build/roots: other people's files lie there.
-include $(shell find $(BUILD) \( -path '*/servers' -o -path '*/toys' -o -path '*/roots' \) -prune -o \
                   -name '*.d' -type f -print 2>/dev/null)

# Everything below asks packaging/install-packages for what is missing, which needs root only if something is.
test:
	packaging/install-packages build test
	tests/all

toys:
	tests/house/toys/run

# Longer ones, each with packages of its own. README.md in tests/ says what they are for and how long each takes.
soak:
	packaging/install-packages build test soak
	+$(MAKE) all faults $(BUILD)/tests/torture/recorder
	SALLYPORT=$(BUILD)/faults/sallyport tests/torture/run --every 1
	SALLYPORT=$(BUILD)/sallyport tests/torture/powerloss --cuts 1000 --each 25
	SALLYPORT=$(BUILD)/sallyport tests/torture/storm --rounds 30 --seconds 120
	+$(MAKE) $(BUILD)/tests/unit/gateway/records/test_random_layouts
	SALLYPORT=$(BUILD)/sallyport SALLYPORT_BILLING_RECORDS=100000 SALLYPORT_TEST_PATIENCE=10 tests/e2e/run -k samples_come
	SALLYPORT_RANDOM_LAYOUTS=50000 $(BUILD)/tests/unit/gateway/records/test_random_layouts

test-servers: all
	packaging/install-packages build test test-servers
	npm install --silent --no-audit --no-fund --prefix $(BUILD)/test-servers ftp-srv@4.6.3
	SALLYPORT=$(BUILD)/sallyport tests/servers/run

test-debian13:
	packaging/install-packages roots
	tests/debian13

# Packages for the release of Debian that runs here, and for others that use RPM.
deb:
	packaging/install-packages build deb
	packaging/deb/build $(BUILD)/deb

rpm:
	packaging/install-packages build rpm
	packaging/rpm/build $(BUILD)/rpm

test-packages:
	packaging/install-packages roots test-packages
	tests/packages/run

coverage:
	packaging/install-packages build test coverage
	tests/coverage $(COVERED)

lint: all
	BUILD=$(BUILD) tests/lint

demo:
	packaging/install-packages build demo
	+$(MAKE) all
	SALLYPORT=$(BUILD)/sallyport packaging/demo/run

bench:
	packaging/install-packages build bench
	+$(MAKE) benches
	BUILD=$(BUILD) tests/bench/run

# DESTDIR and PREFIX as usual. What stands in /etc already is left as it is.
ETC      ?= /etc
UNIT_DIR ?= $(PREFIX)/lib/systemd
ZSH_DIR  ?= zsh/vendor-completions
SHARE    := $(abspath $(DESTDIR)/$(PREFIX)/share)
install: $(BUILD)/sallyport
	install -D -m 755 $(BUILD)/sallyport $(DESTDIR)$(PREFIX)/bin/sallyport
	for page in packaging/man/*.[1-8]; do install -D -m 644 $$page $(SHARE)/man/man$${page##*.}/$${page##*/}; done
	install -D -m 644 packaging/completion/sallyport.bash $(SHARE)/bash-completion/completions/sallyport
	install -D -m 644 packaging/completion/sallyport.zsh $(SHARE)/$(ZSH_DIR)/_sallyport
	install -D -m 644 packaging/completion/sallyport.fish $(SHARE)/fish/vendor_completions.d/sallyport.fish
	install -d $(DESTDIR)$(UNIT_DIR)/system
	sed 's|@PREFIX@|$(PREFIX)|' packaging/sallyport.service > $(DESTDIR)$(UNIT_DIR)/system/sallyport.service
	chmod 644 $(DESTDIR)$(UNIT_DIR)/system/sallyport.service
	install -D -m 644 packaging/sallyport.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/sallyport.conf
	install -D -m 644 packaging/sallyport.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/sallyport.conf
	cd conf/samples && find . -type f -exec install -D -m 644 {} $(SHARE)/doc/sallyport/examples/{} \;
	install -D -m 644 README.md $(SHARE)/doc/sallyport/README.md
	for page in packaging/doc/[A-Z]*.md; do install -D -m 644 $$page $(SHARE)/doc/sallyport/doc/$${page##*/}; done
	install -d $(SHARE)/sallyport/demo
	install -m 644 packaging/demo/*.py $(SHARE)/sallyport/demo
	install -m 755 packaging/demo/run packaging/demo/make-accruals $(SHARE)/sallyport/demo
	install -d -m 755 $(DESTDIR)$(ETC)/sallyport $(DESTDIR)$(ETC)/sallyport/conf.d

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/sallyport $(DESTDIR)$(UNIT_DIR)/system/sallyport.service
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/sallyport.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/sallyport.conf
	rm -f $(SHARE)/bash-completion/completions/sallyport $(SHARE)/$(ZSH_DIR)/_sallyport
	rm -f $(SHARE)/fish/vendor_completions.d/sallyport.fish
	for page in packaging/man/*.[1-8]; do rm -f $(SHARE)/man/man$${page##*.}/$${page##*/}; done
	rm -rf $(SHARE)/doc/sallyport $(SHARE)/sallyport

help:
	@echo 'make              build $(BUILD)/sallyport'
	@echo 'make demo         a partner, its files, a crash in the middle, and books that balance'
	@echo 'make test         everything: units, sanitizers, end to end, crash test, fuzzing, lint'
	@echo 'make unit         unit tests only; unit-ROOM for one room'
	@echo 'make e2e          end-to-end tests only; tests/e2e/run -k TEXT for some of them'
	@echo 'make toys         what a new processor and a new capability cost: two toys in a copy of the tree'
	@echo 'make test-openpgp other OpenPGP implementations, both ways: a table'
	@echo 'make test-servers servers of partners as they come: what the doctor finds, and a day with each: a table'
	@echo 'make lint         walls between the rooms, sizes, scripts, manual pages'
	@echo 'make bench        against sftp, lftp, rclone and a shell pipeline; BENCH="points exchange"'
	@echo 'make soak         all kills of the crash test, 1,000 losses of power, an hour of storms, two at a time'
	@echo 'make coverage     lines, functions and branches that tests pass, by file; COVERED="store crypto" for some'
	@echo 'make test-debian13  demo and test in a Debian 13 of its own, from a clean clone'
	@echo 'make deb, make rpm  the package for Debian, and the one for others, in $(BUILD)/deb and $(BUILD)/rpm'
	@echo 'make test-packages  packages in clean roots of Debian 12 and 13'
	@echo 'make install      DESTDIR, PREFIX=$(PREFIX), ETC=$(ETC); make uninstall leaves the configuration'
	@echo 'make clean'
	@echo 'Variables: BUILD=folder SANITIZE=1 TSAN=1 COVERAGE=1 FAULTS=1 FUZZ=1 CI=1 (warnings are errors)'

e2e: $(BUILD)/sallyport
	SALLYPORT=$(BUILD)/sallyport tests/e2e/run

clean:
	rm -rf build

.PHONY: all clean faults unit units units-threaded fuzzers benches test toys soak coverage test-debian13 \
        deb rpm test-packages test-openpgp test-servers lint demo bench install uninstall help e2e \
        $(patsubst %,unit-%,$(ROOMS))
.PRECIOUS: $(BUILD)/%.o $(BUILD)/%.sql.h $(BUILD)/%.json.h
