"""Keys of an embedded stack, made on its first start: a signing key pair and a secret."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from core.errors import ConfigurationError
from wiring.home import Home, kept_private

ISSUER = "rankfeed"
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")


class StackKeys:
    """What the stack signs and verifies with; the private parts never leave their files' mode 0600."""

    def __init__(self, private_key: Ed25519PrivateKey, secret: bytes, redis_password: str) -> None:
        self._private_key = private_key
        self.secret = secret
        self.redis_password = redis_password
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        self.key_id = jwk["x"][:16]
        self.jwks: Mapping[str, Any] = {"keys": [{**jwk, "kid": self.key_id, "use": "sig", "alg": "EdDSA"}]}

    def token(self, *, user_id: int, scopes: Sequence[str], audience: str, issued_s: int, ttl_s: int) -> str:
        """A token for development and for the demo; in production an issuer of yours makes them."""
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": str(user_id),
            "scope": " ".join(scopes),
            "iat": issued_s,
            "exp": issued_s + ttl_s,
        }
        return jwt.encode(claims, self._private_key, algorithm="EdDSA", headers={"kid": self.key_id})


def stack_keys(home: Home) -> StackKeys:
    """The keys under `home`, made where they are not there yet: the same in every process of it."""
    pem_file = home.keys / "signing.pem"
    private_key = serialization.load_pem_private_key(kept_private(pem_file, _signing_key), password=None)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise ConfigurationError(f"{pem_file} holds no Ed25519 key; remove it to have one made")
    secret = kept_private(home.keys / "secret", lambda: secrets.token_bytes(32))
    redis_password = kept_private(home.keys / "redis-password", lambda: secrets.token_hex(16).encode())
    return StackKeys(private_key, secret, redis_password.decode())


def _signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_jwks(path: Path) -> Mapping[str, Any]:
    """The public members of a key set; raises ConfigurationError for a private or a secret key."""
    try:
        keys = json.loads(path.read_text())["keys"]
        public = [{name: key[name] for name in _PUBLIC_MEMBERS if name in key} for key in keys]
        private = any(name in key for key in keys for name in ("d", "k"))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigurationError(f"RANKFEED_AUTH_JWKS: {path} cannot be read as a key set: {exc!r}") from exc
    if private:
        raise ConfigurationError(
            f"RANKFEED_AUTH_JWKS: {path} holds a private key; give rankfeed the public ones only"
        )
    return {"keys": public}
