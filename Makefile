# tcp53: `make` builds ./tcp53; `make demo` installs what is missing and judges a sample; `make check` runs all tests.

# WIRETAP=0 builds without Wireshark's file library: pcap and pcapng only, by libpcap
WIRETAP ?= 1
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build$(if $(filter 0,$(WIRETAP)),/plain)
CC ?= cc
JOBS ?= $(shell nproc)
PYTHON ?= /usr/bin/python3

is_clang := $(findstring clang,$(CC))
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Werror
OPTIMISE ?= -O3 -g $(if $(is_clang),,-flto=auto)
HARDEN ?= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
SANITIZE ?=
override CPPFLAGS += -I. -D_GNU_SOURCE -DTCP53_WIRETAP=$(WIRETAP)
override CFLAGS += -std=c17 $(WARNINGS) $(OPTIMISE) $(HARDEN) $(SANITIZE) -MMD -MP
override LDFLAGS += -pie -Wl,-z,relro,-z,now $(OPTIMISE) $(SANITIZE)
LIBS := -lpcap -lldns -ljson-c -lcrypto -lcap -lseccomp -lsystemd -lz -lm -pthread
ifeq ($(WIRETAP),1)
LIBS += -lwiretap -lwsutil -lglib-2.0
wiretap_flags := -isystem /usr/include/wireshark $(subst -I,-isystem ,$(shell pkg-config --cflags-only-I glib-2.0 2>/dev/null))
endif
# an archiver that understands the objects of link-time optimisation
AR := $(if $(is_clang),ar,gcc-ar)

CORE := $(sort $(wildcard dissect/*.c report/*.c))
CAPTURE := $(sort $(wildcard capture/*.c))
COMMANDS := tcp53.c options.c options_take.c output.c clock.c progress.c compare.c inputs.c \
    probe_run.c probe_view.c probe_paths.c probe_save.c \
    watch.c watch_clock.c watch_outlets.c watch_evidence.c watch_ticket.c watch_command.c watch_signals.c
TESTS := $(sort $(wildcard tests/unit/*.c tests/*.c))
core_objects := $(CORE:%.c=$(BUILD)/%.o)
command_objects := $(COMMANDS:%.c=$(BUILD)/%.o)
shared_objects := $(addprefix $(BUILD)/,compare.o inputs.o clock.o watch_clock.o)
capture_objects := $(CAPTURE:%.c=$(BUILD)/%.o)
test_objects := $(TESTS:%.c=$(BUILD)/%.o)
live_programs := $(BUILD)/tests/live/frames $(BUILD)/tests/live/locate $(BUILD)/tests/live/servers
fuzz_targets := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))

PACKAGES_BUILD := libpcap-dev libldns-dev libjson-c-dev libssl-dev libcap-dev libseccomp-dev libsystemd-dev zlib1g-dev
ifeq ($(WIRETAP),1)
PACKAGES_BUILD += libwiretap-dev libwireshark-dev libwsutil-dev libglib2.0-dev pkg-config
endif
PACKAGES_CHECK := $(PACKAGES_BUILD) libcriterion-dev python3-jsonschema wireshark-common zstd lz4
# promtool comes with prometheus, whose service is of no use here
PACKAGES_LINT := $(PACKAGES_CHECK) clang clang-format clang-tidy cppcheck prometheus

.PHONY: all
all: tcp53

tcp53: $(BUILD)/tcp53
	@cp -f $< $@

$(BUILD)/tcp53: $(command_objects) $(capture_objects) $(BUILD)/libtcp53.a
	@echo '  LD $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libtcp53.a: $(core_objects)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/capture/wiretap.o: CPPFLAGS += $(wiretap_flags)
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Criterion finds tests by their place in a section, which link-time optimisation takes for unused.
$(test_objects): OPTIMISE = -O1 -g

-include $(patsubst %.o,%.d,$(command_objects) $(core_objects) $(capture_objects) $(test_objects) \
    $(live_programs:%=%.o) $(BUILD)/tests/fuzz/replay.o $(fuzz_targets:%=$(BUILD)/tests/fuzz/%.o))

# Set-up: Debian's packages, only those that are missing.

.PHONY: setup setup-check setup-lint
setup:
	@tests/setup $(PACKAGES_BUILD)
setup-check:
	@tests/setup $(PACKAGES_CHECK)
setup-lint:
	@tests/setup $(PACKAGES_LINT)

.PHONY: demo
demo: setup
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@./tcp53 read samples/first-hop-reset-nft.pcap || [ $$? -eq 1 ]

# Tests: command line and JSON Schema (tests/cli*), one exchange in every form (tests/formats), the program without
# libwiretap, live capture (tests/live), watch and probe at work (tests/watch, tests/probe), fuzz targets over their corpora, the lab's quick cases, then units and samples.

.PHONY: check
check: setup-check
	@$(MAKE) --no-print-directory -j$(JOBS) run-tests

.PHONY: run-tests
run-tests: all $(BUILD)/tests/run $(live_programs) $(fuzz_targets:%=$(BUILD)/tests/fuzz/%)
	@PYTHON=$(PYTHON) tests/cli ./tcp53
	@PYTHON=$(PYTHON) tests/cli-inputs ./tcp53
	@$(PYTHON) tests/formats ./tcp53
	@$(MAKE) --no-print-directory check-live
	@$(MAKE) --no-print-directory check-watch
	@$(MAKE) --no-print-directory check-probe
	@$(MAKE) --no-print-directory check-plain
	@for target in $(fuzz_targets); do $(BUILD)/tests/fuzz/$$target samples tests/fuzz/corpus || exit 1; done
	@$(MAKE) --no-print-directory lab-quick
	@$(BUILD)/tests/run --short-filename

# What the tests in network namespaces need; without root they are skipped.
.PHONY: setup-network
setup-network:
	@[ "$$(id -u)" -ne 0 ] || tests/lab/setup quick

.PHONY: check-live
check-live: setup-network $(live_programs)
	@$(PYTHON) tests/live/run $(BUILD)/tests/live/frames
	@$(PYTHON) tests/live/paths $(BUILD)/tests/live/locate
	@$(PYTHON) tests/live/resolved $(BUILD)/tests/live/servers

# `tcp53 watch` as its user sees it, in network namespaces (root); T=PATTERN selects.
.PHONY: check-watch
check-watch: setup-network all
	@$(PYTHON) tests/watch/run ./tcp53 $(T)

# `tcp53 probe` likewise.
.PHONY: check-probe
check-probe: setup-network all
	@$(PYTHON) tests/probe/run ./tcp53 $(T)

# Without libwiretap, beside the ordinary program.
.PHONY: check-plain
check-plain:
	@$(MAKE) --no-print-directory WIRETAP=0 build/plain/tcp53
	@PYTHON=$(PYTHON) tests/cli-plain build/plain/tcp53

$(BUILD)/tests/run: $(test_objects) $(shared_objects) $(capture_objects) $(BUILD)/libtcp53.a
	@echo '  LD $@'
	@$(CC) $(LDFLAGS) -o $@ $^ -lcriterion $(LIBS)

# A fuzz target over saved inputs; libFuzzer's own main() comes with `make fuzz`.
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(shared_objects) $(capture_objects) $(BUILD)/libtcp53.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
# Programs for tests/live.
$(BUILD)/tests/live/%: $(BUILD)/tests/live/%.o $(BUILD)/clock.o $(capture_objects) $(BUILD)/libtcp53.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
.PRECIOUS: $(BUILD)/%.o

# Accept what a sample gives now: make bless S=NAME (or S=all).
.PHONY: bless
bless: $(BUILD)/tests/run
	@BLESS=$(S) $(BUILD)/tests/run --filter '*/expected' --quiet
	@git --no-pager diff --stat -- samples

# gcc's sanitizers hide value ranges from -Wconversion, which the ordinary build checks.
# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer; CAPTURES=DIR adds captures of your own.
.PHONY: sanitize
sanitize: setup-check
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build/sanitize OPTIMISE='-O1 -g' HARDEN=-Wno-conversion \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' run-sanitized

.PHONY: run-sanitized
run-sanitized: $(BUILD)/tcp53 $(BUILD)/tests/run $(fuzz_targets:%=$(BUILD)/tests/fuzz/%)
	@tests/sweep $(BUILD)/tcp53 samples tests/fuzz/corpus $(CAPTURES)
	@for target in $(fuzz_targets); do $(BUILD)/tests/fuzz/$$target samples tests/fuzz/corpus $(CAPTURES) || exit 1; done
	@$(BUILD)/tests/run --short-filename

# Leaks are found by the sanitized tests: libwiretap's own, on damaged files, would end each run here.
.PHONY: fuzz
fuzz: setup-lint
	@for target in $(fuzz_targets); do \
	    mkdir -p build/fuzz/$$target && \
	    clang $(CPPFLAGS) $(wiretap_flags) -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -o build/fuzz/$$target.run \
	        tests/fuzz/$$target.c compare.c inputs.c clock.c $(CORE) $(CAPTURE) $(LIBS) && \
	    build/fuzz/$$target.run -detect_leaks=0 -max_total_time=$(or $(SECONDS),60) build/fuzz/$$target tests/fuzz/corpus samples || exit 1; \
	done

.PHONY: bench
bench: setup
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/bench/run build/bench

# tcp53 watch under load beside tcpdump, in a soak, and when the world around it fails (root); W='--rates 100000 --repeat 3'
# and the like select, see tests/bench/watch --help.
.PHONY: bench-watch
bench-watch: setup
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/setup tcpdump iproute2
	@$(PYTHON) tests/bench/watch $(W)

# The lab: real servers, firewalls and forgers in network namespaces, judged at both ends (root). L=PATTERN selects.
.PHONY: lab
lab: setup
	@tests/lab/setup
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@status=0; tests/lab/run -o build/lab $(L) || status=$$?; \
	    $(PYTHON) tests/lab/judge -o build/lab $(L) && exit $$status

# The same with `tcp53 watch` beside the client's capture: what it says live against what read says, and how soon.
.PHONY: lab-watch
lab-watch: setup
	@tests/lab/setup
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@status=0; LAB_WATCH=$(CURDIR)/tcp53 tests/lab/run -o build/lab $(L) || status=$$?; \
	    $(PYTHON) tests/lab/judge-watch -o build/lab $(L) && exit $$status

# The same with `tcp53 probe` in the place of the clients: its verdicts with and without captured packets, and the hop that
# it locates.
.PHONY: lab-probe
lab-probe: setup
	@tests/lab/setup
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@status=0; LAB_PROBE=$(CURDIR)/tcp53 tests/lab/run -o build/lab $(L) || status=$$?; \
	    $(PYTHON) tests/lab/judge-probe -o build/lab $(L) && exit $$status

# Judge again what was captured.
.PHONY: lab-judge
lab-judge: all
	@tests/lab/run -l -o build/lab
	@$(PYTHON) tests/lab/judge -o build/lab $(L)

# A dozen quick cases; skipped where no lab can be run.
.PHONY: lab-quick
lab-quick: setup-network all
	@rm -rf build/lab-quick
	@tests/lab/run -q --optional -o build/lab-quick
	@$(PYTHON) tests/lab/judge -q --optional -o build/lab-quick

# Remake the samples with the same rows.
.PHONY: samples
samples:
	@tests/lab/setup
	@tests/lab/make-samples $(S)

sources := $(COMMANDS) $(CORE) $(CAPTURE) $(TESTS) $(wildcard *.h */*.h tests/*/*.h tests/bench/*.c tests/fuzz/*.c tests/lab/*.c tests/live/*.c)

.PHONY: lint
lint: setup-lint
	@tests/arrows tcp53.c capture dissect report
	@clang-format --dry-run --Werror $(sort $(sources))
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang BUILD=build/clang build/clang/tcp53 build/clang/tests/run
	@clang-tidy --quiet $(CORE) $(CAPTURE) $(COMMANDS) -- -std=c17 $(CPPFLAGS) $(wiretap_flags)
	@cppcheck --quiet --enable=warning,style,performance,portability --inconclusive --std=c11 --error-exitcode=1 \
	    --inline-suppr --suppressions-list=.cppcheck $(CPPFLAGS) $(COMMANDS) capture dissect report
	@tests/service build/clang/tcp53
	@echo 'lint: clean'

.PHONY: install
install: all
	install -D -m 755 tcp53 $(DESTDIR)$(PREFIX)/bin/tcp53
	install -D -m 644 docs/tcp53.1 $(DESTDIR)$(PREFIX)/share/man/man1/tcp53.1
	install -D -m 644 report/report.schema.json $(DESTDIR)$(PREFIX)/share/tcp53/report.schema.json
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in docs/*.service docs/*.timer; do \
	    sed 's|^ExecStart=/usr/local/|ExecStart=$(PREFIX)/|' "$$unit" >"$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/}" && \
	    chmod 644 "$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/}" || exit 1; \
	done

.PHONY: clean
clean:
	rm -rf build tcp53
