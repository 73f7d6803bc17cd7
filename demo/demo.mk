# The sample mailbox: a session with it, and a server of it.

.PHONY: demo serve

demo: pop3d
	@sh demo/session.sh ./pop3d

serve: pop3d
	@sh demo/serve.sh ./pop3d
