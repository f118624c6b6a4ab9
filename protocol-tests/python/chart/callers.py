"""Who calls: an authority and its certificates, a user, an API key, and tokens of an identity provider, which answers here."""

import base64
import hashlib
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CURVE = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split()
# The only principal with rights in ci/guarded-values.yaml.
NAME, PASSWORD, KEY = "trial", "planted-password", "planted-api-key-of-the-trial"
ISSUER, AUDIENCE = "https://issuer.example.invalid", "sluiceway"


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, input=data).stdout


class Authority:
    """Files of certificates in a folder."""

    def __init__(self, folder):
        self.folder = folder
        # Without Debian's own extensions beside those that are asked for.
        (folder / "openssl.cnf").write_text("[req]\ndistinguished_name = name\n[name]\n")
        self.pair("authority", "-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")

    def pair(self, file, *options):
        key, certificate = self.folder / f"{file}.key", self.folder / f"{file}.crt"
        config = ["-config", self.folder / "openssl.cnf"]
        openssl("req", "-x509", *config, *CURVE, *options, "-keyout", key, "-out", certificate)
        return key.read_text(), certificate.read_text()

    def issue(self, name):
        """Private key and certificate, for this machine and for clients."""
        signed = ["-CA", self.folder / "authority.crt", "-CAkey", self.folder / "authority.key"]
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        return self.pair(name, *signed, "-subj", f"/CN={name}", *names)

    def server(self):
        """A server's Secret."""
        key, certificate = self.issue("localhost")
        return {"tls-combined.pem": key + certificate, "ca.crt": self.trusted()}

    def client(self):
        """A client's Secret."""
        key, certificate = self.issue(NAME)
        return {"tls.crt": certificate, "tls.key": key, "ca.crt": self.trusted()}

    def trusted(self):
        return (self.folder / "authority.crt").read_text()


def known():
    """The Secret by which the programs know their callers."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    return {"users": f"{NAME}: {PASSWORD}\n", "keys": f"key.{NAME}.sha256={digest}\n", "workers": "sixteen-or-more-characters"}


class Provider:
    """An identity provider's keys by HTTP, for as long as it is open."""

    def __init__(self, folder):
        self.key = folder / "provider.key"
        openssl("genrsa", "-out", self.key, "2048")
        modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().split("=")[1]
        key = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}
        self.body = json.dumps({"keys": [key]}).encode()

    def __enter__(self):
        body = self.body

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/keys"

    def token(self):
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": NAME, "iat": now, "exp": now + 600}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        proof = openssl("dgst", "-sha256", "-sign", self.key, data=signed.encode())
        return f"{signed}.{encoded(proof)}"


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
