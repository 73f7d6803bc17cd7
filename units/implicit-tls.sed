# Turns the units of pop3d into those of pop3ds: TLS from the first octet.
s|^ExecStart=.*/pop3d$|& --tls=implicit|
s|^ListenStream=110$|ListenStream=995|
s|^Description=POP3|Description=POP3S|
s|pop3d\.socket|pop3ds.socket|g
