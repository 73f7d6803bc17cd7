# make lint: what machines find by reading; make lint-NAME for one of them.
# Clean, or it fails. What is not looked for has its reason in .clang-tidy and
# in tests/cppcheck.suppressions.

CLANG ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
GCC ?= gcc

lint_flags = -std=gnu17 -D_GNU_SOURCE -I. $(WARNINGS)

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

build/lint/cppcheck: $(sources) $(headers) tests/cppcheck.suppressions
	@mkdir -p $(@D)
	$(CPPCHECK) -I. --enable=warning,performance,portability --std=c11 \
		-D_GNU_SOURCE --quiet --error-exitcode=1 \
		--suppressions-list=tests/cppcheck.suppressions $(sources)
	@touch $@

# A header may be what has changed.
$(sources:%.c=build/lint/%.tidy) $(sources:%.c=build/lint/%.analyzed) \
	$(sources:%.c=build/lint/%.clang): $(headers)

lint_names = format cppcheck clang analyzer tidy man scripts
lint_scripts = $(shell find . \( -path ./build -o -path ./.git \) -prune -o \
	-type f -exec awk 'FNR == 1 && /^\#!\/bin\/(ba)?sh/ { print FILENAME } \
	{ nextfile }' {} +)

lint-format:
	$(CLANG_FORMAT) --dry-run -Werror $(sources) $(headers) \
		$(unit_sources)

lint-cppcheck: build/lint/cppcheck
lint-clang: $(sources:%.c=build/lint/%.clang)
lint-analyzer: $(sources:%.c=build/lint/%.analyzed)
lint-tidy: $(sources:%.c=build/lint/%.tidy)

lint-man:
	mandoc -T lint -W warning $(wildcard *.8)

lint-scripts:
	shellcheck -x -P SCRIPTDIR $(lint_scripts)

lint: $(lint_names:%=lint-%)
	@echo "lint: nothing found by $(lint_names) in $(words $(sources)) files"

.PHONY: lint $(lint_names:%=lint-%)
