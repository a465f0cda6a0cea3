"""The driver's errors as ours, and options that cannot be."""

from __future__ import annotations

from pathlib import Path

import cassandra
import pytest
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown
from cassandra.protocol import ServerError, SyntaxException

from core.errors import ConfigurationError, Unavailable
from stores.cassandra.driver import ours_for
from stores.cassandra.options import CassandraOptions, CassandraTls

OPTIONS = CassandraOptions(hosts=("10.0.0.1", "10.0.0.2"), port=9042, username="ada", password="secret")


@pytest.mark.parametrize(
    "error",
    [
        NoHostAvailable("nobody", {"10.0.0.1": ConnectionShutdown("closed")}),
        NoHostAvailable("nobody", ["10.0.0.1"]),
        ConnectionShutdown("closed"),
        cassandra.OperationTimedOut(),
        cassandra.Unavailable("too few"),
        cassandra.ReadTimeout("slow"),
        cassandra.WriteTimeout("slow", write_type=cassandra.WriteType.CAS),
        cassandra.ReadFailure("failed"),
        cassandra.WriteFailure("failed"),
        # The unknown outcome of a lightweight transaction, of which this driver has no class.
        ServerError(0x1700, "cas unknown", None),
    ],
)
def test_what_may_pass_is_unavailable_and_names_the_address(error: Exception) -> None:
    ours = ours_for(error, OPTIONS)
    assert isinstance(ours, Unavailable)
    assert "10.0.0.1:9042, 10.0.0.2:9042" in str(ours)


@pytest.mark.parametrize(
    "error",
    [
        cassandra.AuthenticationFailed("bad credentials"),
        NoHostAvailable("nobody", {"10.0.0.1": cassandra.AuthenticationFailed("bad credentials")}),
        cassandra.Unauthorized("no permission"),
    ],
)
def test_wrong_credentials_say_what_to_set(error: Exception) -> None:
    ours = ours_for(error, OPTIONS)
    assert isinstance(ours, ConfigurationError)
    assert "'ada'" in str(ours)


@pytest.mark.parametrize(
    "error",
    [cassandra.InvalidRequest("no such table"), SyntaxException(0x2000, "what?", None), ValueError("ours")],
)
def test_a_statement_that_is_wrong_stays_a_bug(error: Exception) -> None:
    assert ours_for(error, OPTIONS) is None


def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        CassandraTls(broken).context()


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one address"):
        CassandraOptions(hosts=())
    for name in ("", "1st", "a-b", "a; DROP", "x" * 49, "käse"):
        with pytest.raises(ConfigurationError, match="letters, digits and underscores"):
            CassandraOptions(keyspace=name)
    with pytest.raises(ConfigurationError, match="set both, or neither"):
        CassandraOptions(username="ada")
    with pytest.raises(ConfigurationError, match="name both"):
        CassandraTls(Path("ca.pem"), key=Path("key.pem"))
    assert "secret" not in repr(OPTIONS)
