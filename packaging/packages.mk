# make deb: a package for Debian below build/deb. make rpm-lint: the RPM spec.

DEB_TREE = build/deb/pop3d
SPEC = packaging/pop3d.spec

deb:
	rm -rf build/deb && mkdir -p $(DEB_TREE)
	tar -c --exclude=./build --exclude=./.git --exclude=./pop3d \
		--exclude=__pycache__ --exclude=.pytest_cache . | \
		tar -x -C $(DEB_TREE)
	cd $(DEB_TREE) && dpkg-buildpackage -b -us -uc
	rm -rf $(DEB_TREE)
	@$(MAKE) --no-print-directory deb-lint
	@ls build/deb/*.deb

# A package is built where lintian is not installed, too, and the builder told.
deb-lint:
	@if command -v lintian >/dev/null; then \
		lintian --fail-on error,warning build/deb/*.changes; \
	else \
		echo "make deb: not linted: lintian is not installed" >&2; \
	fi

rpm-lint:
	rpmlint --strict --config packaging/rpmlint.toml $(SPEC)

.PHONY: deb deb-lint rpm-lint

# The package installed, used, upgraded and purged in a copy of this host, and
# beside the other servers that Debian has. Fetches their packages.
check-package: deb
	tests/root/fetch-servers build/servers
	IN_HOST_COPY_LIMIT=600 /usr/bin/python3 -m pytest -q -rs \
		-p no:cacheprovider tests/root/test_package.py \
		tests/root/test_beside.py </dev/null

.PHONY: check-package
