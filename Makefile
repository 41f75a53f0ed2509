# kefud: one page that builds, runs, tests and installs everything. GNU make 4.3.
#
# `make run` and `make test` first install the Debian packages they miss (scripts/need says which and why).
# Modes, each in its own folder: SAN=1 (address and undefined), TSAN=1 (threads), and for the targets fuzz and lint,
# by clang, FUZZ=1 (libFuzzer) and TIDY=1 (clang's warnings, then clang-tidy, only on what changed).
# It keeps true: every source found by wildcard, every header dependency known, every warning an error.

VERSION := 0.1.0
PREFIX  ?= /usr/local
# Where systemd looks for units under /usr and /usr/local; for another PREFIX say UNITDIR=/etc/systemd/system.
UNITDIR ?= $(PREFIX)/lib/systemd/system
T       ?=
export CI T VALGRIND

MODE := $(if $(SAN),san,$(if $(TSAN),tsan,$(if $(FUZZ),fuzz,$(if $(TIDY),lint))))
B    := build$(if $(MODE),/$(MODE))
# As many jobs as processors; but `make clean test` is meant one after the other.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --no-print-directory $(if $(V),,--silent) \
             --jobs=$(if $(and $(word 2,$(MAKECMDGOALS)),$(filter-out build tests,$(MAKECMDGOALS))),1,$(shell nproc))
endif

PKGS := libsystemd libevent libevent_pthreads hiredis sqlite3 libcjson libsodium libxxhash libzstd xlsxwriter
WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Werror
HARD := -O2 -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
MODE_CFLAGS_     := $(HARD)
MODE_CFLAGS_lint := $(HARD)
MODE_CFLAGS_san  := -O1 -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
MODE_CFLAGS_tsan := -O1 -fPIE -fno-omit-frame-pointer -fsanitize=thread
MODE_CFLAGS_fuzz := $(MODE_CFLAGS_san) -fsanitize=fuzzer-no-link
ifneq ($(FUZZ)$(TIDY),)
override CC := clang
endif
# pkg-config is asked at the first use, and once: a bare machine has none until scripts/need has run.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DKEFU_VERSION='"$(VERSION)"' -Iinclude -g -pthread -MMD -MP \
             $(MODE_CFLAGS_$(MODE)) $(WARN) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now $(filter -fsanitize=% -fno-sanitize%,$(MODE_CFLAGS_$(MODE))) $(LDFLAGS)

LIB_C   := $(filter-out %/main.c,$(wildcard daemon/*.c daemon/*/*.c collectors/*.c rules/*.c ctl/*.c))
TEST_C  := $(wildcard tests/unit/test_*.c)
HELP_C  := $(wildcard tests/unit/support*.c)
SIM_C   := $(wildcard tests/sim/*.c)
FUZZ_C  := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_C := $(filter-out bench/support.c,$(wildcard bench/*.c))
Q        = @mkdir -p $(@D); $(if $(V),set -x,echo "  $(1) $@");
obj      = $(patsubst %.c,$(B)/obj/%.o,$(1))
# The board's pages: what web/ is bundled into, if it is there. They are the same in every mode.
WEB_DIST := build/web/dist
WEB_SRC  := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
WEB_DONE := $(if $(wildcard web/package.json),build/web/done)
SEED_O  := $(if $(wildcard rulebooks/seed.json),$(B)/obj/gen/seed.o)
TESTS   := $(TEST_C:tests/unit/%.c=$(B)/tests/%)
FUZZERS := $(FUZZ_C:tests/fuzz/%.c=$(B)/fuzzers/%)
BENCHES := $(BENCH_C:bench/%.c=$(B)/bench/%)
OBJS    := $(call obj,$(LIB_C) daemon/main.c ctl/main.c $(TEST_C) $(HELP_C) $(SIM_C) $(FUZZ_C) $(wildcard bench/*.c)) $(SEED_O)

.PHONY: build help tests fuzzers benches tidy ready run test bench fuzz soak lint format install uninstall clean
.SECONDARY:
.DELETE_ON_ERROR:

build: $(B)/kefud $(B)/kefuctl ## build/kefud and build/kefuctl (the default)
tests: $(TESTS) ## the unit tests' programs, not run
fuzzers: $(FUZZERS) # with FUZZ=1 only
benches: $(BENCHES) # the programs of bench/, not run
tidy: $(patsubst %.o,%.tidy,$(filter-out $(SEED_O),$(OBJS))) # with TIDY=1 only

$(B)/libkefu.a: $(call obj,$(LIB_C)) $(SEED_O) $(B)/obj/gen/web.o
	$(call Q,AR)rm -f $@ && $(AR) rcs $@ $^
$(B)/kefud: $(call obj,daemon/main.c) $(B)/libkefu.a
	$(call Q,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm
$(B)/kefuctl: $(call obj,ctl/main.c) $(B)/libkefu.a
	$(call Q,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(call obj,$(HELP_C)) $(B)/libkefu.a
	$(call Q,LD)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) -lcmocka -lm
# The simulated month stands between the code and the world: what the lane sends ends in a Redis in memory, and what the
# disk of the test keeps need not be synced for real.
SIM_T   := $(B)/tests/test_month $(B)/tests/test_faults
$(SIM_T): $(call obj,$(SIM_C))
$(SIM_T): ALL_LDFLAGS += -Wl,$(subst @,--wrap=,@redis_conn_send,@redis_conn_drop,@fsync,@fdatasync,@digest_random)
$(B)/fuzzers/%: $(B)/obj/tests/fuzz/%.o $(B)/libkefu.a
	$(call Q,LD)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) -lm
$(B)/bench/%: $(B)/obj/bench/%.o $(B)/obj/bench/support.o $(B)/libkefu.a
	$(call Q,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm
$(B)/obj/%.o: %.c Makefile
	$(call Q,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(B)/obj/gen/seed.o: $(B)/gen/seed.c Makefile
	$(call Q,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(B)/obj/gen/web.o: $(B)/gen/web.c Makefile
	$(call Q,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(B)/gen/web.c: scripts/embed-web $(WEB_DONE) $(wildcard $(WEB_DIST) $(WEB_DIST)/*)
	$(call Q,GEN)scripts/embed-web $(WEB_DIST) > $@
# npm ci runs when the lock file changed, and runs no script of any package.
build/web/done: web/node_modules/.package-lock.json $(WEB_SRC)
	$(call Q,WEB)node web/build.mjs $(WEB_DIST) && touch $@
web/node_modules/.package-lock.json: web/package-lock.json web/.npmrc
	$(call Q,NPM)cd web && npm ci --silent && touch node_modules/.package-lock.json
$(B)/gen/seed.c: rulebooks/seed.json scripts/embed
	$(call Q,GEN)scripts/embed kefu/rules/seed.h seed_json $< > $@

$(B)/obj/%.tidy: $(B)/obj/%.o .clang-tidy
	$(call Q,TIDY)clang-tidy --quiet $*.c -- $(filter-out -MMD -MP,$(ALL_CFLAGS)) 2>/dev/null && touch $@

ready:
	@scripts/need run test
run: ## set up, build, and show the demo
	@scripts/need run
	@$(MAKE) build
	@scripts/demo
test: ready ## set up, build, run every test; T=pattern, SAN=1, TSAN=1, VALGRIND=1
	@$(MAKE) build tests
	@$(if $(MODE)$(VALGRIND),,$(MAKE) FUZZ=1 fuzzers)
	@KEFU_BUILD=$(B) scripts/run-tests
bench: ready ## set up, build, print the table of docs/performance.md; P=P2,P10 BENCH_SCALE=8
	@$(MAKE) build benches
	@KEFU_BUILD=$(B) bench/run $(P)
fuzz: ready ## every fuzzer for FUZZ_S seconds (60)
	@$(MAKE) FUZZ=1 fuzzers
	@scripts/run-fuzzers $(or $(FUZZ_S),60)
soak: ready ## the long share of the fault tests
	@$(MAKE) build tests
	@KEFU_BUILD=$(B) KEFU_SOAK=1 KEFU_TEST_LIMIT_S=$(or $(KEFU_TEST_LIMIT_S),86400) scripts/run-tests
lint: ready ## formatting, clang-tidy, cppcheck, layers, limits, clang's warnings
	+@scripts/lint
format: ## bring all C files into shape
	@find $(wildcard daemon collectors rules ctl include tests bench) -name '*.[ch]' -print0 | xargs -0r clang-format -i
install: build ## to $(DESTDIR)$(PREFIX): programs, manuals, rulebooks, examples, units
	scripts/install $(B) "$(DESTDIR)" "$(PREFIX)" "$(UNITDIR)"
uninstall: ## takes away what install brought; no state, no configuration
	scripts/install --remove "$(DESTDIR)" "$(PREFIX)" "$(UNITDIR)"
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18
clean: ## remove build/
	rm -rf build

-include $(OBJS:.o=.d)
