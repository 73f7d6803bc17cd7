# make coverage: which lines the tests run. Built without the sandbox, in which
# no process could say what it has run. Of what runs as root the greeter and
# the relay are not counted: they are in an empty root.

coverage_build = $(abspath build/coverage)
coverage_data = $(coverage_build)/data
coverage = build=build/coverage program=build/coverage/pop3d HARDENING=-fPIE \
    CFLAGS="-O0 -g --coverage -fprofile-dir=$(coverage_data) \
    -DPOP3D_COVERAGE" \
    LIBS="$(LIBS) -Wl,--wrap=_exit $(coverage_build)/exit.o"
# Each part leaves its own, for others could not add to what root has written.
coverage_run = @mkdir $(coverage_data) && chmod a+rwx $(coverage_data) && \
    POP3D_BUILD=build/coverage POP3D=$(coverage_build)/pop3d \
    IN_HOST_COPY_KEEP=$(coverage_data) \
    /usr/bin/python3 tests/check.py $(1) && \
    mv $(coverage_data) $(coverage_data)-$(1)

coverage: pop3d
	@rm -rf $(coverage_data)*
	@mkdir -p $(coverage_build)
	@$(CC) -c -o $(coverage_build)/exit.o tests/coverage/exit.c
	@$(MAKE) -s $(parallel) $(coverage) build/coverage/pop3d unit-tests
	$(call coverage_run,unit)
	$(call coverage_run,plain)
	$(call coverage_run,root)
	@/usr/bin/python3 tests/coverage/report.py $(coverage_build)

.PHONY: coverage
