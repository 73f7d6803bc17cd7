# make coverage: which lines the tests run. Built without the sandbox, in which
# no process could say what it has run. The parts that need root run in a copy
# of the host and are not counted.

coverage_build = build/coverage
coverage_data = $(abspath $(coverage_build))/data
coverage = build=$(coverage_build) program=$(coverage_build)/pop3d \
    HARDENING=-fPIE CFLAGS="-O0 -g --coverage -DPOP3D_COVERAGE" \
    LIBS="$(LIBS) -Wl,--wrap=_exit $(coverage_build)/exit.o"
# What is run as another user must be able to write, too.
coverage_run = mkdir -p -m 1777 $(coverage_data)/$(1) && \
    POP3D=$(abspath $(coverage_build))/pop3d POP3D_BUILD=$(coverage_build) \
    GCOV_PREFIX=$(coverage_data)/$(1) /usr/bin/python3 tests/check.py $(1)

coverage:
	@rm -rf $(coverage_data)
	@mkdir -p $(coverage_build)
	$(CC) -c -o $(coverage_build)/exit.o tests/coverage/exit.c
	@$(MAKE) -s $(parallel) $(coverage) $(coverage_build)/pop3d unit-tests
	@chmod a+x $(coverage_build) $(coverage_data)/.. || true
	@$(call coverage_run,unit)
	@$(call coverage_run,e2e)
	@/usr/bin/python3 tests/coverage/report.py $(coverage_build) \
	    $(coverage_data)/unit $(coverage_data)/e2e

.PHONY: coverage
