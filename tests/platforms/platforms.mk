# make check-platforms: README's commands on bare systems, other machines, other
# C libraries, packages. As root, where those can be had. PLATFORMS='-k musl'
# picks some. What each has counted goes to build/platforms/results.

check-platforms: pop3d
	/usr/bin/python3 -B -m pytest -v -rs -p no:cacheprovider $(PLATFORMS) \
	    tests/platforms </dev/null

.PHONY: check-platforms
