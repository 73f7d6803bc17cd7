# shellcheck shell=sh
# Sourced by the other scripts: makes a mail host in a temporary directory,
# $host, with one user, thomas, whose password is "secret". `sh $host/session`
# serves one POP3 session of it on stdin and stdout.

fail() {
	echo "demo: $*" >&2
	exit 1
}

# Checks passwords against a file.
find_pam_matrix() {
	for pam_matrix in /usr/lib/*/pam_wrapper/pam_matrix.so \
	    /usr/lib*/pam_wrapper/pam_matrix.so; do
		[ ! -e "$pam_matrix" ] || return 0
	done
	fail "no pam_matrix.so (Debian: libpam-wrapper); ./bootstrap gets it"
}

# As root, pop3d would serve the real users; so it runs as nobody then, from
# where nobody may read it.
give_to_nobody() {
	cp "$pop3d" "$host/pop3d"
	pop3d=$host/pop3d
	become="setpriv --reuid=65534 --regid=65534 --clear-groups"
	chown -R 65534:65534 "$host"
}

# make_host POP3D
make_host() {
	pop3d=$(realpath "$1")
	become=
	find_pam_matrix
	host=$(mktemp -d "${TMPDIR:-/tmp}/pop3d-demo.XXXXXX") ||
		fail "no temporary directory"
	trap 'rm -rf "$host"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	mkdir "$host/mail" "$host/state" "$host/pam.d"
	cp "$(dirname "$0")/mbox" "$host/mail/thomas"
	echo thomas:secret:pop3d >"$host/passdb"
	for kind in auth account password session; do
		echo "$kind required $pam_matrix passdb=$host/passdb"
	done >"$host/pam.d/pop3d"
	[ "$(id -u)" -ne 0 ] || give_to_nobody
	cat >"$host/session" <<-END
		exec $become '$pop3d' --mailbox='$host/mail/%u' \\
			--state-dir='$host/state' --pam-confdir='$host/pam.d' \\
			--log=stderr
	END
}
