# make hijack: pop3d with an attacker's code in each of its processes, for
# tests/e2e/test_hijack.py and tests/root/test_hijack.py. Never installed.

hijack_wraps = authorization_run transaction_run tls_relay proxy_read
hijack_sources = $(wildcard tests/hijack/*.c)

hijack: $(build)/hijack/pop3d

$(build)/hijack/pop3d: $(hijack_sources) tests/hijack/hijack.h $(objects)
	@mkdir -p $(@D)
	$(CC) $(all_cflags) $(LINK_HARDENING) $(LDFLAGS) \
	    $(hijack_wraps:%=-Wl,--wrap=%) -o $@ $(hijack_sources) $(objects) $(LIBS)

-include $(wildcard $(build)/hijack/*.d)

.PHONY: hijack
