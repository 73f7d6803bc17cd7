# make check: what README promises

unit_tests = $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))
unit_objects = $(filter-out build/pop3d.o,$(objects))
PYTEST = /usr/bin/python3 -m pytest -q -n 4 -p no:cacheprovider

build/unit/%: tests/unit/%.c $(unit_objects)
	mkdir -p build/unit
	$(CC) $(all_cflags) -I. -Wno-unused-parameter $(LINK_HARDENING) \
	    -o $@ $< $(unit_objects) -lcmocka $(LIBS)

# The servers that users come from, run beside pop3d. Fetches packages.
check-migration: pop3d
	tests/root/unpack-peers build/peers
	$(PYTEST) tests/root/test_migration.py </dev/null

.PHONY: check-migration
