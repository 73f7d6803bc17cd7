# make lint: what machines find by reading; make lint-NAME for one of them.
# Clean, or it fails. What is not looked for has its reason in .clang-tidy and
# in tests/cppcheck.suppressions. What another version of such a tool finds is
# another matter: each runs where it is the one that this was written for, and
# says so elsewhere. Compilers have to be content whatever their version.

CLANG ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
GCC ?= gcc

lint_flags = $(dialect) $(WARNINGS)
written_for = @tests/written-for

build/lint/%.tidy: %.c .clang-tidy
	@mkdir -p $(@D)
	$(CLANG_TIDY) --quiet $< -- $(filter-out -Werror,$(lint_flags)) 2>$@.err || \
		{ cat $@.err; exit 1; }
	@touch $@

build/lint/%.analyzed: %.c
	@mkdir -p $(@D)
	$(GCC) $(lint_flags) -O2 -fanalyzer -c -o /dev/null $<
	@touch $@

# -O2, for the warnings that need to know what becomes of a value.
build/lint/%.clang: %.c
	@mkdir -p $(@D)
	$(CLANG) $(lint_flags) -O2 -c -o /dev/null $<
	@touch $@

build/lint/cppcheck: $(sources) $(headers) tests/cppcheck.suppressions \
	$(build)/syscall_names.h
	@mkdir -p $(@D)
	$(CPPCHECK) -I. -I$(build) --enable=warning,performance,portability --std=c11 \
		-D_GNU_SOURCE --quiet --error-exitcode=1 \
		--suppressions-list=tests/cppcheck.suppressions $(sources)
	@touch $@

# A header may be what has changed.
$(sources:%.c=build/lint/%.tidy) $(sources:%.c=build/lint/%.analyzed) \
	$(sources:%.c=build/lint/%.clang): $(headers) $(build)/syscall_names.h

lint_names = format cppcheck clang analyzer tidy man scripts
lint_scripts = $(shell find . \( -path ./build -o -path ./.git \) -prune -o \
	-type f -exec awk 'FNR == 1 && /^\#!\/bin\/(ba)?sh/ { print FILENAME } \
	{ nextfile }' {} +)

lint-format:
	$(written_for) 14 $(CLANG_FORMAT) || \
		$(CLANG_FORMAT) --dry-run -Werror $(sources) $(headers) \
		$(unit_sources)

lint-cppcheck:
	$(written_for) 2.10 $(CPPCHECK) || $(MAKE) -s build/lint/cppcheck

lint-clang: $(sources:%.c=build/lint/%.clang)

lint-analyzer:
	$(written_for) 12 $(GCC) || \
		$(MAKE) -s $(sources:%.c=build/lint/%.analyzed)

lint-tidy:
	$(written_for) 14 $(CLANG_TIDY) || \
		$(MAKE) -s $(sources:%.c=build/lint/%.tidy)

lint-man:
	$(written_for) 1.14.6 mandoc || \
		mandoc -T lint -W warning $(wildcard *.8)

lint-scripts:
	$(written_for) 0.9 shellcheck || \
		shellcheck -x -P SCRIPTDIR $(lint_scripts)

lint: $(lint_names:%=lint-%)
	@echo "lint: nothing found by $(lint_names) in $(words $(sources)) files"

.PHONY: lint $(lint_names:%=lint-%)
