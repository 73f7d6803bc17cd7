"""What a client of AUTH and APOP has to know: base64, SCRAM, digests."""
import base64
import hashlib
import hmac
import os
import subprocess

from pop3 import PATIENCE, pam_matrix


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def plain(user, password, authzid=""):
    return b64(f"{authzid}\0{user}\0{password}")


def bearer(user, token):
    return b64(f"n,a={user},\1host=pop.example.org\1port=995\1"
               f"auth=Bearer {token}\1\1")


def xoauth2(user, token):
    return b64(f"user={user}\1auth=Bearer {token}\1\1")


# ---- a host with secrets

def secrets_file(host):
    return os.path.join(host.top, "etc", "secrets")


def tool(host, *options, stdin="", file=None):
    """pop3d at the command line; its exit status and what it said."""
    process = host.popen(
        [host.pop3d, f"--secrets={file or secrets_file(host)}", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    said = process.communicate(stdin, timeout=PATIENCE)[0]
    host.transcript.append(f"pop3d {' '.join(options)}: {said}")
    return process.returncode, said


def set_secret(host, user, password, *options):
    if not os.path.isdir(os.path.join(host.top, "etc")):
        host.directory("etc")
    assert tool(host, f"--set-secret={user}", *options,
                stdin=password + "\n") == (0, "")
    return f"--secrets={secrets_file(host)}"


def allow_tokens(host, **tokens):
    """The PAM service for tokens, with these users' tokens."""
    passdb = os.path.join(host.pam, "tokens")
    host.put(passdb, "".join(f"{user}:{token}:pop3d-oauth\n"
                             for user, token in tokens.items()).encode())
    host.put(os.path.join(host.pam, "pop3d-oauth"), "".join(
        f"{kind} required {pam_matrix()} passdb={passdb}\n"
        for kind in ("auth", "account", "session")).encode())


# ---- SCRAM-SHA-256 (RFC 5802, RFC 7677)

def sign(key, message):
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


class Scram:
    """A client's side, with anything in it open to be wrong."""

    def __init__(self, user, password, gs2="n,,", nonce="fyko+d2lbbFgONRv",
                 binding=b""):
        self.password = password
        self.gs2, self.binding, self.nonce = gs2, binding, nonce
        self.bare = f"n={user},r={nonce}"

    def first(self):
        return b64(self.gs2 + self.bare)

    def challenged(self, server_first):
        """Takes "r=...,s=...,i=..." and derives the keys."""
        self.server_first = server_first
        parts = dict(part.split("=", 1) for part in server_first.split(","))
        assert list(parts) == ["r", "s", "i"]
        self.both, self.salt = parts["r"], unb64(parts["s"])
        self.iterations = int(parts["i"])
        assert self.both.startswith(self.nonce)
        assert len(self.both) - len(self.nonce) >= 18
        assert self.iterations >= 4096
        self.salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), self.salt, self.iterations)

    def final(self, **other):
        """other: what is said instead of what is signed (c, r, p)."""
        channel = b64(self.gs2.encode() + self.binding)
        self.message = ",".join([self.bare, self.server_first,
                                 f"c={channel},r={self.both}"])
        key = sign(self.salted, "Client Key")
        stored = hashlib.sha256(key).digest()
        proof = bytes(a ^ b for a, b in zip(key, sign(stored, self.message)))
        said = {"c": channel, "r": self.both, "p": b64(proof), **other}
        return b64(",".join(f"{k}={v}" for k, v in said.items()))

    def signature(self):
        key = sign(self.salted, "Server Key")
        return "v=" + b64(sign(key, self.message))

    def challenge(self, session, mechanism="SCRAM-SHA-256"):
        """Says the first message; the server's nonce, salt and so on."""
        line = session.ok(f"AUTH {mechanism} {self.first()}", "+ ...")
        self.challenged(unb64(line[2:]).decode())

    def login(self, session, mechanism="SCRAM-SHA-256"):
        """A login that has to work; leaves the server's +OK to come."""
        self.challenge(session, mechanism)
        line = session.ok(self.final(), "+ ...")
        assert unb64(line[2:]).decode() == self.signature()
        session.send("")
