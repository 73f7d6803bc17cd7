# make bench, make bench-growth: BENCH='--rounds=3 --peers=DIR', for example

build/load: tests/bench/load.c | build
	$(CC) $(all_cflags) -o $@ $<

.PHONY: bench bench-growth

bench: pop3d build/load
	/usr/bin/python3 -B tests/bench/bench.py build/load $(BENCH)

bench-growth: pop3d
	/usr/bin/python3 -B tests/bench/growth.py $(BENCH)
