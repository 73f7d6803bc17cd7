#!/bin/sh
# demo/serve.sh POP3D
# Serves the sample mailbox on 127.0.0.1:1110 until interrupted.
set -eu
. "$(dirname "$0")/setup.sh"

command -v systemd-socket-activate >/dev/null ||
	fail "no systemd-socket-activate (Debian: systemd); ./bootstrap gets it"
make_host "$1"
cat <<'END'
POP3 on 127.0.0.1, port 1110: user thomas, password secret, no TLS. Try

    curl pop3://127.0.0.1:1110/ --user thomas:secret
    curl pop3://127.0.0.1:1110/1 --user thomas:secret

or a mail program. Interrupt (Ctrl-C) ends it.

END
systemd-socket-activate --listen=127.0.0.1:1110 --accept --inetd \
	/bin/sh "$host/session"
