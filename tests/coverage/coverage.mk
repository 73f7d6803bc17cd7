# make coverage: which lines the tests run. Built without the sandbox, in which
# no process could say what it has run. Of what runs as root the greeter and
# the relay are not counted: they are in an empty root.

coverage_build = $(abspath build/coverage)
coverage_data = $(coverage_build)/data
coverage = build=build/coverage program=build/coverage/pop3d HARDENING=-fPIE \
    CFLAGS="-O0 -g --coverage -fprofile-dir=$(coverage_data) \
    -DPOP3D_COVERAGE" \
    LIBS="$(LIBS) -Wl,--wrap=_exit $(coverage_build)/exit.o"
# Root's files must be others' to add to.
coverage_run = @chmod -R a+rwX $(coverage_data); POP3D_BUILD=build/coverage \
    POP3D=$(coverage_build)/pop3d IN_HOST_COPY_KEEP=$(coverage_data) \
    /usr/bin/python3 tests/check.py

coverage: pop3d
	@rm -rf $(coverage_data)
	@mkdir -p $(coverage_data)
	@$(CC) -c -o $(coverage_build)/exit.o tests/coverage/exit.c
	@$(MAKE) -s $(parallel) $(coverage) build/coverage/pop3d unit-tests
	$(coverage_run) unit
	$(coverage_run) plain
	$(coverage_run) root
	@/usr/bin/python3 tests/coverage/report.py $(coverage_build)

.PHONY: coverage
