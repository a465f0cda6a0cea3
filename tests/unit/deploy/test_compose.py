"""The compose file, read as Docker reads it: what it starts, who reaches it, how it is known to live."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from wiring.servers.sets import CASSANDRA_JARS, KAFKA_JARS

_FILE = Path(__file__).resolve().parents[3] / "deploy" / "compose.yaml"
_COMPOSE: dict[str, Any] = yaml.safe_load(_FILE.read_text())
_SERVICES: dict[str, dict[str, Any]] = _COMPOSE["services"]
_DURATION = re.compile(r"^\d+(ms|s|m)$")


def test_it_has_one_of_each_server_and_nothing_else() -> None:
    assert set(_SERVICES) == {"kafka", "cassandra", "redis"}
    assert set(_COMPOSE) == {"name", "services", "volumes"}


@pytest.mark.parametrize("name", sorted(_SERVICES))
def test_a_service_is_pinned_watched_and_reached_from_this_machine_only(name: str) -> None:
    service = _SERVICES[name]
    assert set(service) <= {"image", "command", "ports", "environment", "volumes", "healthcheck"}
    assert re.search(r":\d+\.\d+(\.\d+)?$", service["image"])
    assert service["ports"]
    for port in service["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    check = service["healthcheck"]
    assert set(check) == {"test", "interval", "timeout", "retries"}
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert len(check["test"]) > 1
    assert _DURATION.match(check["interval"])
    assert _DURATION.match(check["timeout"])
    assert isinstance(check["retries"], int)


@pytest.mark.parametrize("name", sorted(_SERVICES))
def test_environments_hold_strings(name: str) -> None:
    # A bare `false` or `1` would reach the program in YAML's spelling, or not at all.
    for value in _SERVICES[name].get("environment", {}).values():
        assert isinstance(value, str)


def test_every_volume_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in _SERVICES.values() for volume in service.get("volumes", ())}
    assert used == set(_COMPOSE["volumes"])


def test_versions_are_those_of_the_local_servers() -> None:
    assert _version("kafka") == KAFKA_JARS.roots[0].split(":")[-1]
    assert _version("cassandra") == CASSANDRA_JARS.roots[0].split(":")[-1]
    assert _version("redis").startswith("7.")


def test_kafka_makes_no_topic_by_itself_and_is_advertised_where_it_is_reached() -> None:
    environment = _SERVICES["kafka"]["environment"]
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    (port,) = _SERVICES["kafka"]["ports"]
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{port.rsplit(':', 1)[0]}"


def _version(service: str) -> str:
    image: str = _SERVICES[service]["image"]
    return image.split(":")[1]
