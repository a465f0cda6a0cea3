"""TLS, certificates and passwords on a real node: let in with the right papers, told what to do else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cassandra.cluster import Session

from core.errors import ConfigurationError, RankfeedError, Unavailable
from stores.cassandra.assembly import open_cassandra
from stores.cassandra.driver import open_cluster
from stores.cassandra.migrate import migrate
from stores.cassandra.options import CassandraOptions, CassandraTls
from stores.cassandra.session import connect
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import RecordedLog
from tests.integration.cassandra_writes import tweet, tweet_stands
from tests.local_servers import CassandraAddress
from tests.papers import Papers
from tests.proxy import Proxy

KEYSPACE = "rankfeed_secured"


@pytest.fixture(scope="module")
def root(secure_cassandra: CassandraOptions) -> CassandraOptions:
    """Who may do everything, and the keyspace that is made so."""
    options = replace(secure_cassandra, keyspace=KEYSPACE)
    migrate(options)
    return options


@pytest.fixture(scope="module")
def session(root: CassandraOptions) -> Iterator[Session]:
    cluster = open_cluster(root)
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


@pytest.fixture(scope="module")
def user(root: CassandraOptions, session: Session) -> CassandraOptions:
    """A user as docs/security.md makes one: everything in the keyspace, and nothing beside it."""
    session.execute("CREATE ROLE feeds WITH PASSWORD = 'of-its-own' AND LOGIN = true")
    session.execute(f"GRANT ALL PERMISSIONS ON KEYSPACE {KEYSPACE} TO feeds")
    return replace(root, username="feeds", password="of-its-own")


async def refused(options: CassandraOptions, error: type[RankfeedError], words: str) -> None:
    """Both `rankfeed migrate` and a process that starts are told."""
    with pytest.raises(error, match=words):
        await asyncio.to_thread(migrate, options)
    with pytest.raises(error, match=words):
        await connect(options)


async def test_a_certificate_and_a_password_open(user: CassandraOptions) -> None:
    clock = FakeClock()
    async with open_cassandra(user, RecordedLog(), clock) as stores:
        await tweet(stores, 1, clock)
        assert await tweet_stands(stores, 1)


def test_whoever_may_do_everything_in_the_keyspace_may_migrate_it(user: CassandraOptions) -> None:
    assert migrate(user) >= 1


async def test_a_user_without_rights(session: Session, user: CassandraOptions) -> None:
    session.execute("CREATE ROLE nobody WITH PASSWORD = 'x' AND LOGIN = true")
    nobody = replace(user, username="nobody", password="x")
    await refused(nobody, ConfigurationError, f"grant it all permissions on keyspace '{KEYSPACE}'")


async def test_a_wrong_password(user: CassandraOptions) -> None:
    wrong = replace(user, password="another")
    await refused(wrong, ConfigurationError, r"refuses user 'feeds' .*: set the right cassandra\.username")


async def test_no_password(user: CassandraOptions) -> None:
    without = replace(user, username=None, password=None)
    await refused(without, ConfigurationError, r"asks for a name and a password: set cassandra\.username")


async def test_an_authority_that_did_not_sign_the_node(user: CassandraOptions, papers: Papers) -> None:
    tls = CassandraTls(papers.stranger.certificate, papers.client.certificate, papers.client.key)
    wrong = replace(user, tls=tls)
    await refused(wrong, ConfigurationError, r"certificate of .* is not accepted .*: set cassandra\.tls_ca")


@pytest.mark.parametrize("strange", [True, False])
async def test_no_certificate_or_a_strangers(user: CassandraOptions, papers: Papers, strange: bool) -> None:
    stranger = papers.stranger
    ours = (stranger.certificate, stranger.key) if strange else (None, None)
    wrong = replace(user, tls=CassandraTls(papers.authority.certificate, *ours))
    await refused(
        wrong, ConfigurationError, r"does not accept our certificate .*: set cassandra\.tls_certificate"
    )


async def test_an_address_that_is_not_in_the_certificate(user: CassandraOptions) -> None:
    proxy = Proxy((user.hosts[0], user.port), host="127.0.0.2")
    async with proxy.listening():
        elsewhere = replace(user, hosts=("127.0.0.2",), port=proxy.port)
        await refused(elsewhere, ConfigurationError, r"not valid for '127\.0\.0\.2'.*name the node's address")


async def test_no_tls_where_it_is_spoken(user: CassandraOptions) -> None:
    await refused(replace(user, tls=None), ConfigurationError, r"TLS is spoken at .*: set cassandra\.tls_ca")


async def test_tls_where_none_is_spoken(user: CassandraOptions, cassandra_server: CassandraAddress) -> None:
    plain = replace(user, hosts=cassandra_server.hosts, port=cassandra_server.port)
    await refused(plain, Unavailable, r"no TLS is spoken at .*or unset cassandra\.tls_ca")
