# install and uninstall, below $(DESTDIR). Without DESTDIR and as root they also
# tell systemd; nothing is enabled or started.

PREFIX ?= /usr/local
SBINDIR = $(PREFIX)/sbin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/pop3d
EXAMPLEDIR = $(DOCDIR)/examples
SYSCONFDIR = /etc
# systemd looks below these two prefixes only.
SYSTEMD_LIBDIR = $(if $(filter /usr,$(PREFIX)),/usr,/usr/local)/lib
UNITDIR = $(SYSTEMD_LIBDIR)/systemd/system
SYSUSERSDIR = $(SYSTEMD_LIBDIR)/sysusers.d
TMPFILESDIR = $(SYSTEMD_LIBDIR)/tmpfiles.d
COMPLETIONDIR = $(PREFIX)/share/bash-completion/completions
CATALOGDIR = $(SYSTEMD_LIBDIR)/systemd/catalog

ifneq ($(SYSTEMD),no)
UNITS = pop3d.socket pop3d@.service pop3d.service pop3d-recover.service
# The same with TLS from the first octet: made of those.
TLS_UNITS = pop3ds.socket pop3ds@.service pop3ds.service
endif
EXAMPLES = pop3d.xinetd fail2ban/filter.d/pop3d.conf fail2ban/jail.d/pop3d.conf
DOCS = README.md SECURITY.md docs/maildir.md docs/migrating.md docs/scaling.md \
	docs/virtual.md
PAM_FILE = $(DESTDIR)$(SYSCONFDIR)/pam.d/pop3d

# $(call put,FROM,TO): a text file, with the paths in it filled in.
put = sed 's|@SBINDIR@|$(SBINDIR)|g; s|@DOCDIR@|$(DOCDIR)|g' $(1) | install -D -m 644 /dev/stdin '$(DESTDIR)$(2)'

# $(call put_tls,UNIT)
put_tls = sed -f units/implicit-tls.sed units/$(subst pop3ds,pop3d,$(1)) | $(call put,/dev/stdin,$(UNITDIR)/$(1))

# Runs the rest of the line where this host's systemd is to hear of it.
on_host = [ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] ||
with_systemd = $(on_host) [ ! -d /run/systemd/system ] ||

# journalctl looks into a database that is made of all catalogs.
update_catalog = $(on_host) ! command -v journalctl >/dev/null || \
	journalctl --update-catalog

.PHONY: install uninstall

install: pop3d
	install -D -m 755 pop3d '$(DESTDIR)$(SBINDIR)/pop3d'
	$(foreach unit,$(UNITS),$(call put,units/$(unit),$(UNITDIR)/$(unit)) &&) :
	$(foreach unit,$(TLS_UNITS),$(call put_tls,$(unit)) &&) :
	$(call put,units/pop3d.sysusers,$(SYSUSERSDIR)/pop3d.conf)
	$(call put,units/pop3d.tmpfiles,$(TMPFILESDIR)/pop3d.conf)
	$(foreach file,$(EXAMPLES),$(call put,units/$(file),$(EXAMPLEDIR)/$(file)) &&) :
	$(foreach file,$(DOCS),$(call put,$(file),$(DOCDIR)/$(notdir $(file))) &&) :
	$(call put,units/pop3d.bash-completion,$(COMPLETIONDIR)/pop3d)
	$(call put,units/pop3d.catalog,$(CATALOGDIR)/pop3d.catalog)
	$(call put,pop3d.8,$(MANDIR)/man8/pop3d.8)
	install -d '$(DESTDIR)$(SYSCONFDIR)/pop3d'
	if [ ! -e '$(PAM_FILE)' ]; then \
		install -D -m 644 units/pop3d.pam '$(PAM_FILE)'; \
	elif ! cmp -s units/pop3d.pam '$(PAM_FILE)'; then \
		echo '$(PAM_FILE) was changed here: left as it is'; \
	fi
	$(on_host) if command -v systemd-sysusers >/dev/null; then \
		systemd-sysusers '$(SYSUSERSDIR)/pop3d.conf'; \
	elif ! id -u pop3d >/dev/null 2>&1; then \
		useradd --system --no-create-home --home-dir /run/pop3d/empty \
			--shell /usr/sbin/nologin --comment 'POP3 server' pop3d; \
	fi
	$(on_host) ! command -v systemd-tmpfiles >/dev/null || \
		systemd-tmpfiles --create '$(TMPFILESDIR)/pop3d.conf'
	$(update_catalog)
	$(with_systemd) systemctl daemon-reload

uninstall:
	$(with_systemd) [ ! -e '$(UNITDIR)/pop3d.socket' ] || \
		systemctl disable --now pop3d.socket pop3ds.socket \
		pop3d-recover.service
	rm -f '$(DESTDIR)$(SBINDIR)/pop3d' \
		$(foreach unit,$(UNITS) $(TLS_UNITS),'$(DESTDIR)$(UNITDIR)/$(unit)') \
		'$(DESTDIR)$(SYSUSERSDIR)/pop3d.conf' \
		'$(DESTDIR)$(TMPFILESDIR)/pop3d.conf' \
		'$(DESTDIR)$(CATALOGDIR)/pop3d.catalog' \
		$(foreach file,$(EXAMPLES),'$(DESTDIR)$(EXAMPLEDIR)/$(file)') \
		$(foreach file,$(DOCS),'$(DESTDIR)$(DOCDIR)/$(notdir $(file))') \
		'$(DESTDIR)$(COMPLETIONDIR)/pop3d' \
		'$(DESTDIR)$(MANDIR)/man8/pop3d.8'
	for dir in $(foreach dir,/fail2ban/filter.d /fail2ban/jail.d /fail2ban,\
			'$(DESTDIR)$(EXAMPLEDIR)$(dir)') \
		'$(DESTDIR)$(EXAMPLEDIR)' '$(DESTDIR)$(DOCDIR)' \
		'$(DESTDIR)$(SYSCONFDIR)/pop3d'; do \
		[ ! -d "$$dir" ] || rmdir --ignore-fail-on-non-empty "$$dir"; \
	done
	if cmp -s units/pop3d.pam '$(PAM_FILE)'; then \
		rm -f '$(PAM_FILE)'; \
	elif [ -e '$(PAM_FILE)' ]; then \
		echo '$(PAM_FILE) was changed here: left as it is'; \
	fi
	$(update_catalog)
	$(with_systemd) systemctl daemon-reload
	@$(on_host) echo 'Left: mail, what is in /etc/pop3d and /var/lib/pop3d, the user pop3d.'
