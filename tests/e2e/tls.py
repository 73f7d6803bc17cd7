"""Certificates, and clients that speak TLS."""
import os
import ssl
import subprocess

KINDS = {"rsa": ["-newkey", "rsa:2048"],
         "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}
made = {}


def certificate(kind="rsa", name="localhost"):
    """(certificate, key), PEM; made once for all tests of a run."""
    if (kind, name) not in made:
        command = ["openssl", "req", "-x509", *KINDS[kind], "-nodes", "-days",
                   "30", "-subj", f"/CN={name}", "-addext",
                   f"subjectAltName=DNS:{name}", "-keyout", "-", "-out", "-"]
        pem = subprocess.run(command, check=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
        at = pem.index(b"-----BEGIN CERTIFICATE")
        made[kind, name] = pem[at:], pem[:at]
    return made[kind, name]


def install(host, kind="rsa", name="tls", cert=None, key=None):
    """Puts a certificate where the options say that it is."""
    pair = certificate(kind)
    paths = [os.path.join(host.top, f"{name}.{end}") for end in ("crt", "key")]
    host.put(paths[0], cert or pair[0], mode=0o644)
    host.put(paths[1], key or pair[1])
    return [f"--tls-cert={paths[0]}", f"--tls-key={paths[1]}"]


def client(kind="rsa", **settings):
    """A client's context that trusts the certificate."""
    context = ssl.create_default_context(
        cadata=certificate(kind)[0].decode())
    for name, value in settings.items():
        if name == "ciphers":
            context.set_ciphers(value)
        else:
            setattr(context, name, value)
    return context


def stls(host, *options, context=None, **more):
    """A session that has begun TLS by STLS."""
    session = host.connect(*install(host), *options, **more)
    session.ok("STLS")
    return session.secure(context or client())


def implicit(host, *options, context=None, **more):
    """A session over TLS from its first octet; the greeting was taken."""
    session = host.start(*install(host), "--tls=implicit", *options, **more)
    session.secure(context or client())
    session.expect("+OK ...")
    return session


def log_in(session, user="thomas"):
    session.ok(f"USER {user}")
    session.ok(f"PASS {session.host.accounts[user]}")
    return session
