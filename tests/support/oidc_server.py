"""A small OpenID Connect provider: whoever asks is signed in as one person, without a question."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.servers import free_port

PERSON = {"sub": "1", "name": "Ann Example", "email": "ann@example.org"}


@contextmanager
def oidc_server() -> Iterator[str]:
    """Its address; it signs ID tokens with a key of its own."""
    key = RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig", "alg": "RS256"})
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    nonces: dict[str, str] = {}

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/.well-known/openid-configuration":
                endpoints = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
                self._send({"issuer": issuer, **{name: issuer + path for name, path in endpoints.items()}})
            elif address.path == "/keys":
                self._send({"keys": [key.as_dict(private=False)]})
            elif address.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(address.query).items()}
                nonces[code := f"code-{len(nonces)}"] = query.get("nonce", "")
                back = urlencode({"code": code, "state": query["state"]})
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{back}")
                self.end_headers()
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            assert basic.partition(":")[0] == "studio"
            now = int(time.time())
            claims = {"iss": issuer, "aud": "studio", "iat": now, "exp": now + 600, "nonce": nonces[form["code"][0]]}
            token = jwt.encode({"alg": "RS256", "kid": "1"}, {**PERSON, **claims}, key)
            self._send({"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": token})

        def _send(self, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
