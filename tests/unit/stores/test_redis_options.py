"""What a Redis URL says, and which ones are refused before anything connects."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from stores.redis_options import Address, Login, RedisOptions, RedisPlace


@pytest.mark.parametrize(
    ("url", "address", "login", "tls"),
    [
        ("redis://localhost", Address("localhost", 6379), Login(), False),
        ("redis://:p%40ss%2F@h:1/3", Address("h", 1), Login("", "p@ss/", 3), False),
        ("rediss://ada:secret@[::1]:7000/0", Address("::1", 7000), Login("ada", "secret"), True),
        ("unix:///run/redis.sock?db=2", Address("/run/redis.sock", 0), Login(database=2), False),
    ],
)
def test_a_url_says_where_and_who(url: str, address: Address, login: Login, tls: bool) -> None:
    assert RedisPlace.parse(url, cluster=False) == RedisPlace((address,), login, tls)


def test_a_cluster_may_be_named_by_several_nodes() -> None:
    place = RedisPlace.parse("redis://ada:secret@a:1, redis://b:2/0", cluster=True)
    assert place == RedisPlace((Address("a", 1), Address("b", 2)), Login("ada", "secret"), False)


@pytest.mark.parametrize(
    ("url", "cluster", "said"),
    [
        ("http://h", False, "must begin with"),
        ("redis://h:port", False, "port"),
        ("redis://h/zero", False, "database"),
        ("redis://h/0?ssl_cert_reqs=none", False, "options"),
        ("redis://:se/cret@h", False, "port"),
        ("redis://:se#cret@h", False, "%23"),
        ("redis://a,redis://b", False, "Cluster"),
        ("redis://a,rediss://b", True, "the same"),
        ("redis://a/1", True, "database 0"),
        ("unix:///run/redis.sock", True, "socket"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_quoting_it(url: str, cluster: bool, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        RedisPlace.parse(url, cluster=cluster)
    assert "cret" not in str(refused.value)


def test_passwords_are_in_no_text() -> None:
    options = RedisOptions("redis://ada:hunter2@h")
    assert "hunter2" not in repr(options) + repr(options.place) + repr(options.place.login)


def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nobody\.pem"):
        RedisOptions("rediss://h", tls_ca=tmp_path / "nobody.pem").tls()
    assert RedisOptions("redis://h").tls() is None
