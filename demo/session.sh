#!/bin/sh
# demo/session.sh POP3D
# Plays a whole POP3 session with POP3D over two pipes and prints both sides.
# Ends with 1 when the server says anything but what it should.
set -eu
. "$(dirname "$0")/setup.sh"

# The server's next line. "printf" because echo would read backslashes.
hear() {
	IFS= read -r line <&4 || {
		cat "$host/log" >&2
		fail "the server went away"
	}
	line=${line%"$cr"}
	printf 'S: %s\n' "$line"
}

say() {
	printf 'C: %s\n' "$1"
	printf '%s\r\n' "$1" >&3
}

expect() {
	hear
	# shellcheck disable=SC2254 # $1 is a pattern
	case $line in
	$1) ;;
	*) fail "expected: $1" ;;
	esac
}

# The rest of a reply of several lines.
listen() {
	while hear && [ "$line" != . ]; do :; done
}

make_host "$1"
cr=$(printf '\r')
mkfifo "$host/to" "$host/from"
timeout 60 sh "$host/session" <"$host/to" >"$host/from" 2>"$host/log" &
exec 3>"$host/to" 4<"$host/from"

expect '+OK *'
say 'USER thomas'
expect '+OK Password required for thomas.'
say 'PASS secret'
expect '+OK thomas has 8 messages (3371 octets).'
say LIST
expect '+OK 8 messages (3371 octets)'
listen
say 'LIST 8'
expect '+OK 8 422'
say 'TOP 8 5'
expect '+OK *'
listen
say 'RETR 1'
expect '+OK 441 octets'
listen
say 'UIDL 1'
expect '+OK 1 ????????????????????????????????'
say 'DELE 1'
expect '+OK Message 1 has been deleted.'
say RSET
expect '+OK Maildrop has 8 messages (3371 octets)'
say STAT
expect '+OK 8 3371'
say NOOP
expect '+OK*'
say QUIT
expect '+OK Pop server at * signing off.'
exec 3>&-
wait $! || fail "the server ended with status $?"
cmp "$(dirname "$0")/mbox" "$host/mail/thomas"
