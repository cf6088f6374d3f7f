# Sallyport. The two commands: `make demo` and `make test`. `make help` lists the rest.
# BUILD names the folder of the results; SANITIZE=1 builds with ASan and UBSan; FAULTS=1 compiles the fail points in.

BUILD    ?= build
CC       ?= gcc
PREFIX   ?= /usr
DESTDIR  ?=
VERSION  := 0.1.0

PACKAGES := glib-2.0 sqlite3 libssh2 libcurl gpgme libconfuse jansson openssl libseccomp
WARNINGS := -Wall -Wextra -Wformat=2 -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
            -Wwrite-strings
ifdef SANITIZE
  HARDEN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
  HARDEN := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
endif
HARDEN_LINK := -pie -Wl,-z,relro,-z,now
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

# A room is a folder and a static library: what a room may link is what its tests link.
ROOMS    := conf crypto store transfer gateway
BASE_C   := $(wildcard gateway/base/*.c)
MAIN_C   := gateway/main.c
room_c    = $(filter-out $(BASE_C) $(MAIN_C),$(shell find $(1) -name '*.c' 2>/dev/null | sort))
object    = $(patsubst %.c,$(BUILD)/%.o,$(1))
libraries = $(patsubst %,$(BUILD)/lib%.a,$(1))

all: $(BUILD)/sallyport

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) -MMD -MP -c -o $@ $<

# SQL lives in files of its own; each becomes one C string constant (x.sql -> x.sql.h, `x_sql`).
$(BUILD)/%.sql.h: %.sql packaging/sql-to-c
	@mkdir -p $(@D)
	packaging/sql-to-c $< > $@.tmp && mv $@.tmp $@
SQL_H := $(patsubst %.sql,$(BUILD)/%.sql.h,$(shell find store gateway -name '*.sql' 2>/dev/null))
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

ALL_LIBRARIES := $(call libraries,gateway conf crypto store transfer base)
$(BUILD)/sallyport: $(call object,$(MAIN_C)) $(ALL_LIBRARIES)
	$(CC) $(LDFLAGS_) -o $@ $^ $(LDLIBS_)

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

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf build

.PHONY: all clean unit $(patsubst %,unit-%,$(ROOMS))
.SECONDARY:
