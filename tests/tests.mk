# make check: what README promises. CHECK="unit plain" runs parts of it; the
# parts are told in tests/check.py.

unit_sources = $(wildcard tests/unit/*/*.[ch] tests/unit/*.[ch])
unit_names = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*/test_*.c))
unit_tests = $(unit_names:%=$(build)/unit/%)
unit_objects = $(filter-out $(build)/pop3d.o,$(objects))

# gcc mistakes what the sanitizers add for a buffer of four bytes.
asan = build=build/asan program=build/asan/pop3d HARDENING=-fPIE \
    CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all -Wno-stringop-overflow"
# All processors, unless make was told how many.
parallel = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# What the tests are built from has no warning. What cannot be built is a
# failure that keeps nothing else from running: tests/check.py calls the three.
check: export WERROR = 1
check:
	+@/usr/bin/python3 tests/check.py $(CHECK)

# $(call make_all,TARGETS,VARIABLES): as much of it as can be made; of the rest
# nothing stays that an earlier build has left.
make_all = @$(MAKE) -s -k $(parallel) $(2) $(1) || { for made in $(1); do \
    $(MAKE) -q $(2) $$made 2>/dev/null || rm -f $$made; done; false; }

check-build:
	$(call make_all,pop3d $(unit_tests) build/pop3d-hasty build/hijack/pop3d)

check-build-asan:
	$(call make_all,build/asan/pop3d $(unit_names:%=build/asan/unit/%) \
	    build/asan/pop3d-hasty,$(asan))

check-build-fuzz:
	$(call make_all,$(fuzz_targets))

unit-tests: $(unit_tests) $(build)/pop3d-hasty

# pop3d with seconds for the minutes that a stranger has, and a module of PAM;
# for tests/e2e.
hasty = authorization monitor/authenticator_ask
$(build)/pop3d-hasty: $(objects)
	$(CC) $(all_cflags) -DSILENCE_SECONDS=2 -DLOGIN_SECONDS=4 \
	    -c -o $@.o authorization.c
	$(CC) $(all_cflags) -DANSWER_SECONDS=2 -DCLOSE_SECONDS=3 \
	    -DENDING_SECONDS=2 -c -o $@-ask.o monitor/authenticator_ask.c
	$(CC) $(CFLAGS) $(LINK_HARDENING) $(LDFLAGS) -o $@ $@.o $@-ask.o \
	    $(filter-out $(hasty:%=$(build)/%.o),$(objects)) $(LIBS)

$(build)/unit/%: tests/unit/%.c $(unit_objects)
	@mkdir -p $(@D)
	$(CC) $(all_cflags) -Wno-unused-parameter $(LINK_HARDENING) \
	    -o $@ $< $(unit_objects) -lcmocka $(LIBS)

# The servers that users come from, run beside pop3d. Fetches packages.
check-migration: pop3d
	tests/root/unpack-peers build/peers
	IN_HOST_COPY_LIMIT=600 /usr/bin/python3 -m pytest -q -rs \
	    -p no:cacheprovider tests/root/test_migration.py \
	    tests/root/test_written.py </dev/null

-include $(unit_tests:=.d)

.PHONY: check check-build check-build-asan check-build-fuzz check-migration \
    unit-tests
# All clients, also those that a package registry has.
check-clients: pop3d
	[ -e build/clients/node_modules ] || \
		npm install --silent --prefix build/clients node-pop3@0.11.0
	ALL_CLIENTS=1 /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider \
	    tests/clients </dev/null

.PHONY: check-clients
