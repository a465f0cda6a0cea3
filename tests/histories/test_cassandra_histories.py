"""Some histories over a real Cassandra, where a death or a silence may leave a write half done."""

from __future__ import annotations

import secrets

import pytest

from stores.cassandra.session import connect
from tests.cassandra_keyspace import Keyspace
from tests.histories.facts import cassandra_facts
from tests.histories.strategies import scripts
from tests.histories.telling import teller


@pytest.mark.torture
@pytest.mark.parametrize("histories", [12, 400])
def test_every_feed_is_the_truth_on_cassandra(keyspace: Keyspace, histories: int) -> None:
    seed = secrets.randbelow(10**9)
    with teller() as one:
        session = one.wait_for(connect(keyspace.options))
        try:
            one.open_facts_by(cassandra_facts(session))
            one.tell_many(scripts(), histories, seed)
        except AssertionError as exc:
            exc.add_note(f"seed {seed}")
            raise
        finally:
            one.wait_for(session.close())
