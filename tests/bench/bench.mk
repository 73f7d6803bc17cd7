# make bench, make bench-growth: BENCH='--rounds=3 --docs=docs', for example.
# What tests/root/unpack-peers has fetched into build/peers is measured as well.

load_sources = $(addprefix tests/bench/, load.c load_many.c link.c)
peers = $(if $(wildcard build/peers/done),--peers=build/peers/root)

build/load: $(load_sources) $(wildcard tests/bench/*.h) | build
	$(CC) $(all_cflags) -o $@ $(load_sources) -lssl -lcrypto

build/greet: tests/bench/greet.c | build
	$(CC) $(all_cflags) -o $@ $<

.PHONY: bench bench-growth

bench: pop3d build/load build/greet
	/usr/bin/python3 -B tests/bench/bench.py build/load $(peers) $(BENCH)

bench-growth: pop3d
	/usr/bin/python3 -B tests/bench/growth.py $(BENCH)
