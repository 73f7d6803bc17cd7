# pop3d: make, make demo, make check, make install

CC ?= cc
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
HARDENING = -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
LINK_HARDENING = -pie -Wl,-z,relro,-z,now
LIBS = -lnettle

all_cflags = -std=gnu17 -D_GNU_SOURCE $(WARNINGS) $(HARDENING) $(CFLAGS) -MMD
sources = $(sort $(wildcard *.c))
build ?= build
program ?= pop3d
objects = $(sources:%.c=$(build)/%.o)

all: $(program)

$(program): $(objects)
	$(CC) $(CFLAGS) $(LINK_HARDENING) $(LDFLAGS) -o $@ $^ $(LIBS)

$(build)/%.o: %.c Makefile | $(build)
	$(CC) $(all_cflags) -c -o $@ $<

$(build):
	mkdir -p $@

include tests/tests.mk
-include tests/hijack/hijack.mk
-include tests/fuzz/fuzz.mk
-include tests/lint.mk
-include tests/coverage/coverage.mk
-include tests/bench/bench.mk
-include demo/demo.mk
-include install.mk
-include packaging/packages.mk
-include $(objects:.o=.d)

format:
	clang-format -i *.c *.h tests/unit/*.c

clean:
	rm -rf build pop3d

.PHONY: all format clean
