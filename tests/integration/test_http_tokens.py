"""Only tokens of our keys, for our audience, that have not expired: everything else is a 401."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forger:
    """Makes tokens that are almost right."""

    def __init__(self, stack: LiveStack, user_id: int) -> None:
        self.stack = stack
        self.claims: dict[str, Any] = {
            "aud": "rankfeed",
            "sub": str(user_id),
            "scope": "feed write",
            "exp": int(time.time()) + 600,
        }
        pem = (stack.home.keys / "signing.pem").read_bytes()
        self.key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(self.key, Ed25519PrivateKey)
        self.kid = stack.keys.key_id

    def token(self, *, kid: str | None = "", without: str = "", **changes: Any) -> str:
        claims = {name: value for name, value in (self.claims | changes).items() if name != without}
        headers = {} if kid is None else {"kid": kid or self.kid}
        assert isinstance(self.key, Ed25519PrivateKey)
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers=headers)

    def raw(self, header: dict[str, Any], signature: bytes = b"") -> str:
        parts = [_base64url(json.dumps(one).encode()) for one in (header, self.claims)]
        return ".".join([*parts, _base64url(signature)])

    def public_bytes(self, encoding: serialization.Encoding) -> bytes:
        assert isinstance(self.key, Ed25519PrivateKey)
        raw = encoding == serialization.Encoding.Raw
        form = serialization.PublicFormat.Raw if raw else serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form)

    def signed_with_public_key(self, encoding: serialization.Encoding) -> str:
        import hashlib
        import hmac

        unsigned = self.raw({"alg": "HS256", "typ": "JWT", "kid": self.kid}).rpartition(".")[0]
        key = self.public_bytes(encoding)
        return f"{unsigned}.{_base64url(hmac.digest(key, unsigned.encode(), hashlib.sha256))}"

    def of_another_key(self) -> str:
        other = Ed25519PrivateKey.generate()
        return jwt.encode(self.claims, other, algorithm="EdDSA", headers={"kid": self.kid})

    def with_other_claims(self) -> str:
        header, _, signature = self.token().split(".")
        claims = self.claims | {"sub": "1"}
        return f"{header}.{_base64url(json.dumps(claims).encode())}.{signature}"


FORGERIES: dict[str, Callable[[Forger], str | None]] = {
    "missing": lambda forger: None,
    "empty": lambda forger: "",
    "only the scheme": lambda forger: "Bearer",
    "another scheme": lambda forger: f"Basic {forger.token()}",
    "garbage": lambda forger: "Bearer garbage",
    "dots": lambda forger: "Bearer ..",
    "not base64": lambda forger: "Bearer !.!.!",
    "not ASCII": lambda forger: "Bearer \xff\xfe.\xff.\xff",
    "twice": lambda forger: f"Bearer {forger.token()} {forger.token()}",
    "too long": lambda forger: "Bearer " + "A" * 5_000,
    "expired": lambda forger: f"Bearer {forger.token(exp=int(time.time()) - 60)}",
    "without expiry": lambda forger: f"Bearer {forger.token(without='exp')}",
    "expiry in words": lambda forger: f"Bearer {forger.token(exp='never')}",
    "expiry null": lambda forger: f"Bearer {forger.token(exp=None)}",
    "expiry infinite": lambda forger: f"Bearer {forger.token(exp=float('inf'))}",
    "expiry NaN": lambda forger: f"Bearer {forger.token(exp=float('nan'))}",
    "not valid yet": lambda forger: f"Bearer {forger.token(nbf=int(time.time()) + 600)}",
    "issued tomorrow": lambda forger: f"Bearer {forger.token(iat=int(time.time()) + 86_400)}",
    "another audience": lambda forger: f"Bearer {forger.token(aud='other')}",
    "without audience": lambda forger: f"Bearer {forger.token(without='aud')}",
    "audience a number": lambda forger: f"Bearer {forger.token(aud=1)}",
    "without subject": lambda forger: f"Bearer {forger.token(without='sub')}",
    "subject a name": lambda forger: f"Bearer {forger.token(sub='ada')}",
    "subject 0": lambda forger: f"Bearer {forger.token(sub='0')}",
    "subject 01": lambda forger: f"Bearer {forger.token(sub='01')}",
    "subject 2^63": lambda forger: f"Bearer {forger.token(sub=str(2**63))}",
    "subject a number": lambda forger: f"Bearer {forger.token(sub=4711)}",
    "unknown kid": lambda forger: f"Bearer {forger.token(kid='other')}",
    "without kid": lambda forger: f"Bearer {forger.token(kid=None)}",
    "unsigned": lambda forger: f"Bearer {forger.raw({'alg': 'EdDSA', 'kid': forger.kid})}",
    "a signature cut short": lambda forger: f"Bearer {forger.token()[:-8]}",
    "alg none": lambda forger: f"Bearer {forger.raw({'alg': 'none', 'kid': forger.kid})}",
    "alg None": lambda forger: f"Bearer {forger.raw({'alg': 'NonE', 'kid': forger.kid})}",
    "alg missing": lambda forger: f"Bearer {forger.raw({'kid': forger.kid})}",
    "alg a list": lambda forger: f"Bearer {forger.raw({'alg': ['EdDSA'], 'kid': forger.kid})}",
    "kid a list": lambda forger: f"Bearer {forger.raw({'alg': 'EdDSA', 'kid': [forger.kid]})}",
    "HS256 with the public key": (
        lambda forger: f"Bearer {forger.signed_with_public_key(serialization.Encoding.Raw)}"
    ),
    "HS256 with the public key in PEM": (
        lambda forger: f"Bearer {forger.signed_with_public_key(serialization.Encoding.PEM)}"
    ),
    "another key": lambda forger: f"Bearer {forger.of_another_key()}",
    "other claims": lambda forger: f"Bearer {forger.with_other_claims()}",
}


@pytest.mark.parametrize("forge", list(FORGERIES.values()), ids=list(FORGERIES))
async def test_a_token_that_is_none(
    forge: Callable[[Forger], str | None], stack: LiveStack, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(stack, http, 1)
    value = forge(Forger(stack, ada.user_id))
    headers = {} if value is None else {b"Authorization": value.encode("latin-1")}
    for method, path, body in (
        ("GET", "/v1/feed", None),
        ("POST", "/v1/tweets", {"text": "x"}),
        ("POST", "/v1/events", {"events": []}),
    ):
        answer = await http.request(method, path, headers=headers, json=body)
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["code"], problem["field"]) == ("unauthenticated", "Authorization")
        assert problem["request_id"]
    assert await ada.feed_ids() == []


async def test_a_token_that_is_right_for_comparison(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    for token in (
        Forger(stack, ada.user_id).token(),
        Forger(stack, ada.user_id).token(aud=["x", "rankfeed"]),
    ):
        headers = {"Authorization": f"bearer {token}"}
        assert (await http.get("/v1/feed", headers=headers)).status_code == 200


async def test_a_scope_that_is_missing(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    reader, writer, nobody = (
        {"Authorization": f"Bearer {Forger(stack, ada.user_id).token(scope=scope)}"}
        for scope in ("feed", ["write"], "")
    )
    for method, path, body, able, unable in (
        ("GET", "/v1/feed", None, reader, writer),
        ("GET", f"/v1/users/{ada.user_id}", None, reader, nobody),
        ("POST", "/v1/tweets", {"text": "x"}, writer, reader),
        ("POST", "/v1/tweets", {"text": "x"}, writer, nobody),
    ):
        assert (await http.request(method, path, headers=able, json=body)).is_success
        answer = await http.request(method, path, headers=unable, json=body)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (403, "forbidden", "Authorization")
        assert problem["limit"] in ("feed", "write")
    assert len(await Person(stack, http, ada.user_id).feed_ids()) == 2
