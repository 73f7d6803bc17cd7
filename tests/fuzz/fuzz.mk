# make fuzz: each target for FUZZ_SECONDS; make check-fuzz: as make check does.
# A target starts from tests/fuzz/corpus/NAME, which is kept, and goes on in
# build/fuzz/corpus/NAME, which is not. What it finds goes to build/fuzz/found.

FUZZ_SECONDS ?= 60
FUZZ_CHECK_SECONDS ?= 20
FUZZ_CC = clang
FUZZ_SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_FLAGS = $(dialect) -O1 -g -fno-omit-frame-pointer \
	$(WARNINGS) $(FUZZ_SANITIZE) -MMD

fuzz_targets = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_objects = $(patsubst %.c,build/fuzz/%.o,$(filter-out pop3d.c,$(sources)))
# Each runs in a process of its own, once, and leaves its variables as they are.
FUZZ_OWN_SECTION = objcopy --rename-section \
	.bss=role_state,alloc,load,data,contents
fuzz_roles = build/fuzz/authorization.o build/fuzz/transaction.o

# A target that includes a file of ours takes the place of its object.
build/fuzz/fuzz_mbox: FUZZ_INSTEAD = build/fuzz/mbox/syntax.o
build/fuzz/fuzz_monitor: FUZZ_INSTEAD = build/fuzz/monitor/monitor.o
build/fuzz/fuzz_monitor: FUZZ_WRAP = authenticator_ask authenticator_close \
	account_find account_make_state_dir keeper_try keeper_release \
	kill ppoll dprintf

build/fuzz/%.o: %.c Makefile tests/fuzz/fuzz.mk
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<
	$(if $(filter $@,$(fuzz_roles)),$(FUZZ_OWN_SECTION) $@)

build/fuzz/sandbox/refusal.o: $(build)/syscall_names.h

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(fuzz_objects)
	$(FUZZ_CC) $(FUZZ_FLAGS) -Wno-unused-function -fsanitize=fuzzer \
		$(FUZZ_WRAP:%=-Wl,--wrap=%) -o $@ $< \
		$(filter-out $(FUZZ_INSTEAD),$(fuzz_objects)) -lcmocka $(LIBS)

-include $(fuzz_objects:.o=.d) $(fuzz_targets:=.d)

.SECONDARY: $(fuzz_objects)
.PHONY: fuzz check-fuzz fuzz-targets

fuzz-targets: $(fuzz_targets)

fuzz: $(fuzz_targets)
	sh tests/fuzz/run $(FUZZ_SECONDS) $(fuzz_targets)

check-fuzz: $(fuzz_targets)
	@sh tests/fuzz/run $(FUZZ_CHECK_SECONDS) $(fuzz_targets)
