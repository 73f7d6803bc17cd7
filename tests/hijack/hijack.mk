# make hijack: pop3d with an attacker's code in each of its processes, for
# tests/e2e/test_hijack.py and tests/root/test_hijack.py, and with seconds for
# the minutes that an honest process may take. Never installed.

hijack_wraps = authorization_run transaction_run tls_relay proxy_read
hijack_sources = $(wildcard tests/hijack/*.c)

hijack_limits = -DGREETER_SECONDS=8 -DENDING_SECONDS=2 \
    -DREPORT_SECONDS=3 -DSTRANGER_SECONDS=1
hijack_limited = monitor/monitor monitor/monitor_tls proxy/proxy_ask
hijack_objects = $(hijack_limited:%=$(build)/hijack/%.o) \
    $(filter-out $(hijack_limited:%=$(build)/%.o),$(objects))

hijack: $(build)/hijack/pop3d

$(build)/hijack/pop3d: $(hijack_sources) tests/hijack/hijack.h $(hijack_objects)
	@mkdir -p $(@D)
	$(CC) $(all_cflags) $(LINK_HARDENING) $(LDFLAGS) \
	    $(hijack_wraps:%=-Wl,--wrap=%) -o $@ $(hijack_sources) $(hijack_objects) $(LIBS)

$(build)/hijack/%.o: %.c Makefile tests/hijack/hijack.mk
	@mkdir -p $(@D)
	$(CC) $(all_cflags) $(hijack_limits) -c -o $@ $<

-include $(wildcard $(build)/hijack/*.d)

.PHONY: hijack
