"""A demo's stack that is left running: tokens for its people, and lines to paste."""

from __future__ import annotations

from rich.console import Console

from wiring.home import StackState
from wiring.keys import StackKeys
from wiring.settings import Settings

TOKEN_TTL_S = 24 * 3600


def token(keys: StackKeys, settings: Settings, user_id: int, now_s: int) -> str:
    return keys.token(
        user_id=user_id,
        scopes=("feed", "write"),
        audience=settings.auth.audience,
        issued_s=now_s,
        ttl_s=TOKEN_TTL_S,
    )


def keep(console: Console, state: StackState, token: str, user_id: int) -> None:
    console.rule("[bold]The stack runs on until Ctrl-C", align="left")
    if state.console_url:
        console.print(f"  Compare feeds in a browser: {state.console_url}/?viewer={user_id}", soft_wrap=True)
    console.print(f"  TOKEN={token}", soft_wrap=True)
    for path in ("/v1/feed?algorithm=ranked&limit=5", "/v1/feed?limit=5"):
        console.print(
            f"  curl -s -H \"Authorization: Bearer $TOKEN\" '{state.api_url}{path}'", soft_wrap=True
        )
    console.print(
        f"  curl -s -X POST -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' "
        f"-d '{{\"text\": \"Hello\"}}' '{state.api_url}/v1/tweets'",
        soft_wrap=True,
    )
    console.print(f"  curl -s '{state.api_url}/health/ready'   (viewer_0 is user {user_id})", soft_wrap=True)
