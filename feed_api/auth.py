"""JWT verification: allow-listed algorithms, our audience, a numeric subject, cached until expiry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from core.clock import Clock
from core.errors import ConfigurationError, Forbidden, InvalidId, Unauthenticated
from core.ids import UserId, parse_id

ALGORITHMS = ("EdDSA", "ES256", "RS256")
SCOPES = ("feed", "write", "model:admin", "objective:admin", "ops:admin", "debug")
LEEWAY_S = 5
CACHED_TOKENS = 50_000
MAX_TOKEN_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, as the token's issuer says."""

    user_id: UserId
    scopes: frozenset[str]
    expires_s: int

    def require(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Forbidden(f"the token lacks the scope '{scope}'", field="Authorization", limit=scope)


class TokenVerifier:
    """Verifies bearer tokens against a key set (RFC 7517), chosen by `kid`."""

    def __init__(self, jwks: Mapping[str, Any], audience: str, clock: Clock) -> None:
        try:
            keys = jwt.PyJWKSet.from_dict(dict(jwks)).keys
        except (jwt.PyJWTError, LookupError, TypeError, ValueError) as exc:
            # The library's own words, or what it stumbled over in a key that lacks a part.
            raise ConfigurationError(f"the key set holds no usable public key: {exc!r}") from exc
        self._keys = {key.key_id: key for key in keys if key.algorithm_name in ALGORITHMS}
        if not self._keys:
            raise ConfigurationError(
                f"the key set holds no key for {', '.join(ALGORITHMS)}; other algorithms are not accepted"
            )
        self._audience = audience
        self._clock = clock
        self._cache: dict[str, Principal] = {}

    def verify(self, authorization: str | None) -> Principal:
        """The caller behind an Authorization header; raises Unauthenticated for everything else."""
        if authorization is None:
            raise Unauthenticated("send an Authorization header with a bearer token", field="Authorization")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARS:
            raise Unauthenticated(
                "the Authorization header must be 'Bearer <token>'",
                field="Authorization",
                limit=MAX_TOKEN_CHARS,
            )
        principal = self._cache.get(token)
        if principal is None:
            principal = self._decode(token)
            # The oldest entry goes first; a token is worth verifying again now and then.
            while len(self._cache) >= CACHED_TOKENS:
                del self._cache[next(iter(self._cache))]
            self._cache[token] = principal
        if principal.expires_s + LEEWAY_S <= self._clock.now_ms() / 1000:
            self._cache.pop(token, None)
            raise Unauthenticated("the token has expired", field="Authorization")
        return principal

    def _decode(self, token: str) -> Principal:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid"))
            # The algorithm is the key's own, never the token's choice: `none` and HMAC under a public
            # key are refused by construction.
            if key is None or header.get("alg") != key.algorithm_name:
                raise Unauthenticated("the token's key or algorithm is not accepted", field="Authorization")
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub", "aud"], "verify_exp": False},
            )
            return Principal(
                UserId(parse_id(claims["sub"], field="sub")), _scopes(claims.get("scope")), int(claims["exp"])
            )
        except (jwt.PyJWTError, InvalidId, ValueError, TypeError, OverflowError) as exc:
            raise Unauthenticated(f"the token is not valid: {exc}", field="Authorization") from exc


def _scopes(claim: object) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, Sequence):
        return frozenset(scope for scope in claim if isinstance(scope, str))
    return frozenset()
