"""A certificate of 127.0.0.1 as clients that check it want it."""
import subprocess


def openssl_req(*options, **files):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", *options,
         "-keyout", files["key"], "-out", files["crt"]],
        check=True, capture_output=True)


def make_certificate(directory, name=""):
    """Makes key, crt and the authority's ca.crt in the directory."""
    ca = {kind: directory / f"ca.{kind}" for kind in ("key", "crt")}
    own = {kind: directory / f"{name}{kind}" for kind in ("key", "crt")}
    openssl_req("-subj", "/CN=a test's authority", **ca)
    openssl_req("-subj", "/CN=localhost", "-CA", ca["crt"], "-CAkey",
                ca["key"], "-addext", "subjectAltName=IP:127.0.0.1", "-addext",
                "basicConstraints=critical,CA:FALSE", "-addext",
                "extendedKeyUsage=serverAuth", **own)
    return directory
