"""Certificates, and clients that speak TLS."""
import os
import ssl
import subprocess
import tempfile
import time

KINDS = {"rsa": ["-newkey", "rsa:2048"],
         "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}
made = {}


def openssl(*argv, **more):
    return subprocess.run(["openssl", *argv], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          **more).stdout


def make_certificate(kind, name, days="30", names=True):
    """(certificate, key), PEM; valid for so many days, or until some ago."""
    names = ["-addext", f"subjectAltName=DNS:{name}"] if names else []
    pem = openssl("req", "-x509", *KINDS[kind], "-nodes", "-subj",
                  f"/CN={name}", *names, "-keyout", "-", "-out", "-",
                  stdin=subprocess.DEVNULL)
    at = pem.index(b"-----BEGIN CERTIFICATE")
    with tempfile.NamedTemporaryFile() as key:
        key.write(pem[:at])
        key.flush()
        if int(days) < 0:
            return expired(key.name, name, int(days)), pem[:at]
        return openssl("x509", "-signkey", key.name, "-days", days,
                       input=pem[at:]), pem[:at]


CA = """\
[ca]
default_ca = it
[it]
database = {top}/database
serial = {top}/serial
new_certs_dir = {top}
policy = any
[any]
commonName = supplied
"""


def expired(key, name, days):
    """OpenSSL 3.5's `x509 -days` takes none that are gone; `ca` takes dates."""
    def date(day):
        return time.strftime("%Y%m%d%H%M%SZ",
                             time.gmtime(time.time() + day * 86400))

    with tempfile.TemporaryDirectory() as top:
        paths = [os.path.join(top, file)
                 for file in ("database", "config", "request")]
        for path, text in zip(paths, ("", CA.format(top=top), openssl(
                "req", "-new", "-key", key, "-subj", f"/CN={name}").decode())):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        return openssl("ca", "-batch", "-notext", "-selfsign", "-rand_serial",
                       "-md", "sha256", "-config", paths[1], "-keyfile", key,
                       "-in", paths[2], "-startdate", date(days - 10),
                       "-enddate", date(days))


def make_chain(name):
    """(certificate, that of its issuer, key), PEM, of a root nobody knows."""
    def new(subject, *more):
        return openssl("req", "-x509", *KINDS["ec"], "-nodes", "-subj",
                       f"/CN={subject}", *more, stdin=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as top:
        paths = {f"{who}.{end}": os.path.join(top, f"{who}.{end}")
                 for who in ("root", "middle", "leaf")
                 for end in ("crt", "key")}
        for who, issuer, more in (
                ("root", None, ()), ("middle", "root", ()),
                ("leaf", "middle", ("-addext", f"subjectAltName=DNS:{name}",
                                    "-addext", "basicConstraints=CA:FALSE"))):
            signer = [] if issuer is None else [
                "-CA", paths[f"{issuer}.crt"], "-CAkey",
                paths[f"{issuer}.key"]]
            new(f"the {who} of {name}", *more, *signer, "-days", "30",
                "-keyout", paths[f"{who}.key"], "-out", paths[f"{who}.crt"])
        return tuple(open(paths[path], "rb").read()
                     for path in ("leaf.crt", "middle.crt", "leaf.key"))


def certificate(kind="rsa", name="localhost"):
    """The same, made once for all tests of a run."""
    if (kind, name) not in made:
        made[kind, name] = make_certificate(kind, name)
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
