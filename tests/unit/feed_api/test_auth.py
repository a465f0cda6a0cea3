"""Tokens by an issuer of one's own: each allowed algorithm works, every other is refused."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from core.errors import ConfigurationError, Forbidden, Unauthenticated
from feed_api.auth import LEEWAY_S, TokenVerifier
from tests.fakes import FakeClock

RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = Ed25519PrivateKey.generate()
KEYS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}


def _jwk(algorithm: Any, key: Any, kid: str, alg: str) -> dict[str, Any]:
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "alg": alg, "use": "sig"}


JWKS = {
    "keys": [
        _jwk(RSAAlgorithm, RSA, "RS256", "RS256"),
        _jwk(RSAAlgorithm, RSA, "PS256", "PS256"),
        _jwk(ECAlgorithm, EC, "ES256", "ES256"),
        _jwk(ECAlgorithm, P384, "ES384", "ES384"),
        _jwk(OKPAlgorithm, ED, "EdDSA", "EdDSA"),
    ]
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def verifier(clock: FakeClock) -> TokenVerifier:
    return TokenVerifier(JWKS, "rankfeed", clock)


def _claims(clock: FakeClock, **changes: Any) -> dict[str, Any]:
    return {
        "aud": "rankfeed",
        "sub": "42",
        "scope": "feed write",
        "exp": clock.now_ms() // 1000 + 60,
    } | changes


def _bearer(clock: FakeClock, algorithm: str, key: Any, kid: str | None = None, **changes: Any) -> str:
    headers = {"kid": kid or algorithm}
    return f"Bearer {jwt.encode(_claims(clock, **changes), key, algorithm=algorithm, headers=headers)}"


@pytest.mark.parametrize("algorithm", KEYS)
def test_each_allowed_algorithm_is_accepted(
    algorithm: str, verifier: TokenVerifier, clock: FakeClock
) -> None:
    principal = verifier.verify(_bearer(clock, algorithm, KEYS[algorithm]))
    assert principal.user_id == 42
    assert principal.scopes == {"feed", "write"}


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"),
    [
        ("RS512", RSA, "RS256"),
        ("PS256", RSA, "PS256"),
        ("PS256", RSA, "RS256"),
        ("ES384", P384, "ES384"),
        ("RS256", RSA, "EdDSA"),
        ("ES256", EC, "RS256"),
        ("HS256", "a secret of thirty-two characters", "RS256"),
    ],
)
def test_another_algorithm_is_refused(
    algorithm: str, key: Any, kid: str, verifier: TokenVerifier, clock: FakeClock
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(_bearer(clock, algorithm, key, kid))
    assert refused.value.field == "Authorization"


def test_a_verified_token_ends_with_its_time_all_the_same(verifier: TokenVerifier, clock: FakeClock) -> None:
    header = _bearer(clock, "EdDSA", ED)
    verifier.verify(header)
    clock.advance(60_000 + LEEWAY_S * 1000 - 1)
    verifier.verify(header)
    clock.advance(1)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="expired"):
            verifier.verify(header)


def test_the_clock_that_is_passed_in_decides(verifier: TokenVerifier, clock: FakeClock) -> None:
    # By the machine's own clock it expired in 2001.
    assert verifier.verify(_bearer(clock, "EdDSA", ED)).user_id == 42
    with pytest.raises(Unauthenticated):
        verifier.verify(_bearer(clock, "EdDSA", ED, exp=1_000_000_000))


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("feed", {"feed"}),
        ("", set()),
        (None, set()),
        (7, set()),
        (["feed", "debug", 7], {"feed", "debug"}),
        ({"feed": True}, set()),
    ],
)
def test_scopes_are_words(scope: object, scopes: set[str], verifier: TokenVerifier, clock: FakeClock) -> None:
    assert verifier.verify(_bearer(clock, "EdDSA", ED, scope=scope)).scopes == scopes


def test_a_scope_that_is_missing_is_named(verifier: TokenVerifier, clock: FakeClock) -> None:
    principal = verifier.verify(_bearer(clock, "EdDSA", ED, scope="feed"))
    principal.require("feed")
    with pytest.raises(Forbidden) as refused:
        principal.require("write")
    assert refused.value.limit == "write"


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [{"kty": "oct"}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "1"}]},
        {"keys": [{"kty": "RSA", "n": "AQAB", "kid": "1"}]},
    ],
)
def test_a_key_set_without_a_usable_key_is_refused(jwks: dict[str, Any], clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError):
        TokenVerifier(jwks, "rankfeed", clock)
