"""The commands, as a user types them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import httpx
import jwt
import pytest

from feed_api.problems import CODES
from tests.e2e.command import rankfeed
from tests.e2e.live_stack import LiveStack
from tests.pages import parsed
from wiring.cli.contracts import REDIS_KEYS
from wiring.environment import list_settings
from wiring.settings import Settings


# The embedded one is on a person's path: tests/browser/test_persons_path.py.
@pytest.mark.parametrize("stack", ["distributed"])
def test_the_small_demo_tells_the_whole_story(stack: str, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    home = tmp_path / "home"
    page = tmp_path / "page.html"
    files = ("--json", str(told), "--html", str(page))
    ended = rankfeed("demo", "--small", *files, home=home, environment={"RANKFEED_STACK": stack})
    assert ended.code == 0, ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
    audit = re.search(r"(\d+) feeds read to their end, [\d,]+ items: (\d+) lost,\s+(\d+) doubled", ended.out)
    assert audit is not None, ended.out
    assert audit.groups()[1:] == ("0", "0")
    assert re.search(r"promoted home@\S+ 1 of 1 processes run it", ended.out)
    served = re.search(r"(\d+) of (\d+) feeds served ranked", ended.out)
    assert served is not None
    # On a busy machine a feed may run out of its time: how many do is measured (`make bar-demo-seeds`).
    assert int(served[1]) > 0.5 * int(served[2]) > 0
    figures = json.loads(told.read_text())
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert set(figures["utility"]) == {"chronological", "random", "ranked", "oracle", "lift"}
    assert set(figures["utility"]["lift"]) == {"mean", "lo", "hi"}
    # So few people cannot tell what share of the best possible gain is reached.
    assert "oracle_share" in figures
    for key in ("wall_s", "aa", "ndcg10", "auc", "latency_ms", "post_to_feed_ms"):
        assert figures[key]
    assert figures["ndcg10"]["logistic"] is not None
    assert sum(figures["sources"].values()) > 0
    assert {"svg", "table"} <= parsed(page.read_text()).seen
    assert str(page) in "".join(ended.out.split())


def test_settings_are_listed_with_their_origin_and_without_secrets() -> None:
    changed = {"RANKFEED_REDIS_URL": "redis://:hunter2@example.org:1/0", "RANKFEED_API_PORT": "8123"}
    ended = rankfeed("settings", home=None, environment=changed)
    assert ended.code == 0
    lines = {line.split()[0]: line for line in ended.out.splitlines()}
    assert set(lines) == {leaf.variable for leaf in list_settings(Settings(), os.environ)}
    assert re.search(r"8123\s+environment\s+Port of the API", lines["RANKFEED_API_PORT"])
    assert re.search(r"\.rankfeed\s+default\s", lines["RANKFEED_HOME"])
    assert "hunter2" not in ended.out + ended.err
    assert "****" in lines["RANKFEED_REDIS_URL"]


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant() -> None:
    refused = rankfeed("settings", home=None, environment={"RANKFEED_API_PROT": "1"})
    assert refused.code == 1
    assert "RANKFEED_API_PROT is no setting" in refused.err
    assert "RANKFEED_API_PORT" in refused.err
    strange = rankfeed("settings", home=None, environment={"RANKFEED_ZZZZZZZZ": "1"})
    assert "RANKFEED_ZZZZZZZZ is no setting" in strange.err
    assert "`rankfeed settings`" in strange.err


def test_a_setting_of_a_wrong_value_is_named() -> None:
    refused = rankfeed("settings", home=None, environment={"RANKFEED_API_PORT": "70000"})
    assert refused.code == 1
    assert "RANKFEED_API_PORT" in refused.err
    assert "Traceback" not in refused.err


def test_the_contracts_are_printed() -> None:
    ended = rankfeed("contracts", home=None)
    assert ended.code == 0
    for word in (*CODES, *(key for key, _, _ in REDIS_KEYS), "tweet.created", "feed.served"):
        assert word in ended.out


def test_a_token_opens_the_api(stack: LiveStack) -> None:
    ended = rankfeed("token", "--user", "4711", "--scope", "feed", "--ttl", "60", home=stack.home.root)
    assert ended.code == 0
    token = ended.out.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("4711", "rankfeed", "feed")
    assert claims["exp"] - claims["iat"] == 60
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{stack.url}/v1/feed", headers=headers).status_code == 200
    posted = httpx.post(f"{stack.url}/v1/tweets", headers=headers, json={"text": "x"})
    assert (posted.status_code, posted.json()["code"], posted.json()["limit"]) == (403, "forbidden", "write")


def test_a_token_of_an_unknown_scope_or_user_is_refused(tmp_path: Path) -> None:
    assert "'admin' is none of" in rankfeed("token", "--user", "1", "--scope", "admin", home=tmp_path).err
    assert rankfeed("token", "--user", "0", home=tmp_path).code == 2
    assert rankfeed("token", home=tmp_path).code == 2


def test_keys_are_for_their_owner_only(stack: LiveStack) -> None:
    for file in (*stack.home.keys.iterdir(), stack.home.state_file, stack.home.run / "redis.conf"):
        assert file.stat().st_mode & 0o077 == 0, file
