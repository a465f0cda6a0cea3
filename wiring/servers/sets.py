"""Which servers, in which versions. `python -m wiring.servers.sets` writes the lists of jars anew."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from wiring.servers.jars import JarSet, render_list, resolve_set

_HERE = Path(__file__).parent

# The binding is not Kafka's own dependency; without it, it dies without a word.
KAFKA_JARS = JarSet(
    "kafka",
    ("org.apache.kafka:kafka_2.13:4.1.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"),
    _HERE / "kafka.sha256",
)
CASSANDRA_JARS = JarSet(
    "cassandra", ("org.apache.cassandra:cassandra-all:5.0.6",), _HERE / "cassandra.sha256"
)


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        for wanted in (KAFKA_JARS, CASSANDRA_JARS):
            jars = resolve_set(wanted, Path(cache))
            wanted.list_file.write_text(render_list(jars))
            sys.stderr.write(f"{wanted.list_file}: {len(jars)} jars\n")


if __name__ == "__main__":
    main()
