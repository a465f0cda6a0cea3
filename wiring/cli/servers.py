"""`rankfeed servers`: Kafka, Cassandra and a Redis Cluster on this machine, without Docker."""

from __future__ import annotations

import click

from wiring.home import Home
from wiring.servers.diagnosis import explain_stop
from wiring.servers.local import NAMES, Endpoints, LocalServers
from wiring.settings import Settings

_names = click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[" + "] [".join(NAMES) + "]")


@click.group()
def servers() -> None:
    """Kafka, Cassandra and a Redis Cluster of your own, on the loopback. Without names: all three."""


@servers.command()
@_names
@click.option(
    "--nodes",
    type=click.Choice(["1", "3"]),
    default="1",
    show_default=True,
    help="Nodes of each; a Redis Cluster of 3 has a replica to each.",
)
@click.pass_obj
def up(settings: Settings, names: tuple[str, ...], nodes: str) -> None:
    """Start servers and wait until they are ready. They stay after this command has ended."""
    endpoints = _local(settings).up(_chosen(names), int(nodes))
    for line in _lines(endpoints):
        click.echo(line)


@servers.command()
@_names
@click.option("--wipe", is_flag=True, help="Delete their data as well.")
@click.pass_obj
def down(settings: Settings, names: tuple[str, ...], wipe: bool) -> None:
    """Stop servers; their data stays for the next start."""
    _local(settings).down(_chosen(names), wipe=wipe)


@servers.command()
@_names
@click.pass_obj
def status(settings: Settings, names: tuple[str, ...]) -> None:
    """List the nodes with their addresses; exits 1 where one that was started does not run."""
    local = _local(settings)
    nodes = local.status(_chosen(names))
    for name, node, running in nodes:
        said = f"running, pid {node.pid}" if running else _stopped(local, name, node.index)
        click.echo(f"{name:14} node {node.index}  {node.address:21} {said}")
    if not nodes:
        click.echo("none was started here: `rankfeed servers up`")
    if not all(running for _, _, running in nodes):
        raise click.exceptions.Exit(1)


@servers.command()
@_names
@click.option("--lines", default=20, show_default=True, type=click.IntRange(1), help="Of each node.")
@click.pass_obj
def logs(settings: Settings, names: tuple[str, ...], lines: int) -> None:
    """Print the end of what each node said, and the file that has all of it."""
    local = _local(settings)
    for name, node, _ in local.status(_chosen(names)):
        directory = local.cluster(name).node(node.index)
        click.echo(f"==> {name} node {node.index}: {directory.log}")
        for line in directory.log_tail(lines):
            click.echo(line)


def _local(settings: Settings) -> LocalServers:
    chosen = settings.servers
    ports = (chosen.kafka_port, chosen.cassandra_port, chosen.redis_port)
    return LocalServers(
        Home(settings.home.absolute()),
        chosen.cache,
        click.echo,
        dict(zip(NAMES, ports, strict=True)),
        lasting=chosen.lasting,
    )


def _stopped(local: LocalServers, name: str, index: int) -> str:
    why = explain_stop(local.cluster(name).node(index))
    return "stopped" if why is None else f"stopped: {why}"


def _chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names)) or NAMES


def _lines(endpoints: Endpoints) -> list[str]:
    lines = []
    if endpoints.kafka_bootstrap:
        lines.append(f"kafka          {endpoints.kafka_bootstrap}")
    if endpoints.cassandra_hosts:
        lines.append(f"cassandra      {','.join(endpoints.cassandra_hosts)} port {endpoints.cassandra_port}")
    if endpoints.redis_cluster_urls:
        lines.append(f"redis-cluster  {' '.join(endpoints.redis_cluster_urls)}")
    return lines
