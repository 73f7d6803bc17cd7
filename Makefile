# pop3d: make, make demo, make check, make install

CC ?= cc
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
# make WERROR=1, as make check does: a newer compiler breaks no user's build.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
    $(if $(WERROR),-Werror)
# make SYSTEMD=no: no unit files and no libsystemd; connections come on
# standard input and output, from inetd and the like.
SYSTEMD ?= yes
# glibc fortifies only what is optimized, and warns of it elsewhere.
FORTIFY = $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDENING = $(FORTIFY) -fstack-protector-strong -fPIE
LINK_HARDENING = -pie -Wl,-z,relro,-z,now
LIBS = -lnettle

# An include names its wing: "mbox/mbox.h". Offsets and times have 64 bits, also
# where a machine has narrow ones.
dialect = -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
    $(if $(filter no,$(SYSTEMD)),-DWITHOUT_SYSTEMD) -I. -I$(build)
all_cflags = $(dialect) $(WARNINGS) $(HARDENING) $(CFLAGS) -MMD -MP
wings = admin monitor sasl mbox maildir proxy commit lock tls sandbox base
sources = $(sort $(wildcard *.c $(wings:=/*.c)))
headers = $(sort $(wildcard *.h $(wings:=/*.h)))
build ?= build
program ?= pop3d
objects = $(sources:%.c=$(build)/%.o)

all: $(program)

$(program): $(objects)
	$(CC) $(CFLAGS) $(LINK_HARDENING) $(LDFLAGS) -o $@ $^ $(LIBS)

$(build)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(all_cflags) -c -o $@ $<

# Chosen at run time, where the processor has it.
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
$(build)/mbox/body_hash_avx2.o: all_cflags += -mavx2
endif

# The names of this machine's system calls, for the log.
$(build)/syscall_names.h: sandbox/syscall-names Makefile
	@mkdir -p $(@D)
	sandbox/syscall-names $(CC) >$@.new
	@mv $@.new $@

$(build)/sandbox/refusal.o: $(build)/syscall_names.h

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
-include tests/platforms/platforms.mk
-include $(objects:.o=.d)

format:
	clang-format -i $(sources) $(headers) $(unit_sources)

clean:
	rm -rf build pop3d

.PHONY: all format clean
