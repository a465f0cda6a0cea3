"""One machine's stack: Redis, API, fan-out and pipelines under one supervisor and one data directory."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import msgspec

from core.clock import SystemClock
from core.errors import ConfigurationError
from feed_api.auth import TokenVerifier
from wiring.chaos.allowed import may_be_disturbed
from wiring.console.access import require_password
from wiring.console.child import start_console
from wiring.environment import variable_of
from wiring.home import Home, StackState
from wiring.keys import load_jwks, stack_keys
from wiring.process import listen_as, url_of
from wiring.readiness import await_ready
from wiring.redis_server import redis_command
from wiring.redis_settings import redis_options
from wiring.settings import Settings
from wiring.stop_signals import StopSignals
from wiring.supervisor import BACKOFF_S, Child, Process, Supervisor


@dataclass(frozen=True, slots=True)
class Programs:
    """The command of each process: the product's own, or a test's with faults around its ports."""

    api: tuple[str, ...] = (sys.executable, "-m", "wiring.cli", "api")
    fanout: tuple[str, ...] = (sys.executable, "-m", "wiring.cli", "fanout")
    pipelines: tuple[str, ...] = (sys.executable, "-m", "wiring.cli", "pipelines")


def run_stack(
    settings: Settings,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    programs: Programs | None = None,
    backoff_s: Sequence[float] = BACKOFF_S,
    spawn: Callable[[Child], Process] | None = None,
) -> None:
    """Runs the stack until SIGINT or SIGTERM; raises ConfigurationError where it cannot start.

    `backoff_s` are the supervisor's waits before it starts a process again that died early, `spawn` is how it
    starts one.
    """
    home = Home(settings.home.absolute())
    # What people write and read is nobody else's business on a shared machine.
    os.umask(0o077)
    stopping = StopSignals()
    with suppress(KeyboardInterrupt), ExitStack() as cleanup:
        cleanup.enter_context(stopping)
        cleanup.enter_context(home.only_stack())
        if settings.console.enabled:
            require_password(settings)
        keys = stack_keys(home)
        if settings.auth.jwks is not None:
            # Read here as well: three processes that cannot start say it less clearly.
            TokenVerifier(load_jwks(settings.auth.jwks), settings.auth.audience, SystemClock())
        listeners = {
            name: cleanup.enter_context(listen_as(name, host, port))
            for name, host, port in (
                ("api", settings.api.host, settings.api.port),
                ("fanout", "127.0.0.1", settings.fanout.port),
                ("pipelines", "127.0.0.1", settings.pipelines.port),
            )
        }
        own = {
            variable_of(("home",)): str(home.root),
            variable_of(("stack",)): settings.stack,
            variable_of(("chaos", "allowed")): str(may_be_disturbed(settings)).lower(),
        }
        if settings.stack == "distributed":
            # Imported here: an embedded stack needs none of the drivers.
            from wiring.own_servers import bring_up_servers

            with stopping.interrupting(say):
                own |= bring_up_servers(settings, home, say, cleanup)
        # After the servers, so that it is stopped before them: the children still drain into them.
        supervisor = Supervisor(say, backoff_s, spawn)
        cleanup.callback(supervisor.stop)
        if settings.redis.url is not None:
            redis_url = redis_options(settings).url
        elif variable_of(("redis", "url")) in own:
            redis_url = own[variable_of(("redis", "url"))]
        elif settings.redis.cluster:
            raise ConfigurationError(
                f"which Redis Cluster? Set {variable_of(('redis', 'url'))} to some of its nodes, or run the "
                "distributed stack, which starts one"
            )
        else:
            # Asked for first: a Redis that cannot listen would be restarted again and again.
            port = _port_for("redis", settings.redis.port)
            redis_url = f"redis://:{keys.redis_password}@127.0.0.1:{port}/0"
            supervisor.start(
                Child(
                    "redis",
                    redis_command(home, port, keys.redis_password),
                    environment,
                    home.logs / "redis.log",
                    # It has nothing to save, and a stopped one would not hear anything else.
                    on_parent_death=signal.SIGKILL,
                    on_stop=signal.SIGKILL,
                )
            )
        own[variable_of(("redis", "url"))] = redis_url
        programs = programs or Programs()
        for role, command, processes in (
            ("api", programs.api, settings.api.processes),
            ("fanout", programs.fanout, 1),
            ("pipelines", programs.pipelines, 1),
        ):
            descriptor = listeners[role].fileno()
            options = ("--fd", str(descriptor), "--lifeline", str(supervisor.lifeline))
            for number in range(processes):
                name = f"{role}-{number}" if number else role
                supervisor.start(
                    Child(
                        name,
                        (*command, *options),
                        {**environment, **own, variable_of(("kafka", "instance")): f"{role}-{number}"},
                        home.logs / f"{name}.log",
                        pass_fds=(descriptor, supervisor.lifeline),
                    )
                )
        console_url = start_console(settings, {**environment, **own}, home, supervisor, cleanup, say)
        api_url = url_of(listeners["api"])
        state = StackState(
            os.getpid(),
            api_url,
            redis_url,
            ready=False,
            settings=own,
            console_url=console_url,
            # Workers have theirs mounted: without the slash they would send whoever asks on.
            metrics_urls={
                role: f"{url_of(listener)}/metrics{'' if role == 'api' else '/'}"
                for role, listener in listeners.items()
            },
            own_redis=settings.redis.url is None,
        )
        home.write_state(state)
        await_ready(supervisor, listeners, home, lambda: stopping.requested)
        if not stopping.requested:
            # As it stands there: a console that was left out is no longer in it.
            state = msgspec.structs.replace(home.state() or state, ready=True)
            home.write_state(state)
            say(f"ready: {api_url}")
            say(f"  data and logs in {home.root}; Ctrl-C stops everything")
            if state.console_url:
                say(f"  compare feeds, promote models, look at its health: {state.console_url}")
            say("  a token for calling it: rankfeed token --user 1001")
            supervisor.watch(lambda: stopping.requested)
        say("stopping")


def _port_for(name: str, wanted: int) -> int:
    """A port that can be listened on now: the one wanted, or any where that is 0."""
    with listen_as(name, "127.0.0.1", wanted) as probe:
        port: int = probe.getsockname()[1]
        return port
