"""Who may open the console, by the settings: it shows what people read, and promotes models."""

from __future__ import annotations

from console.access import Access, is_loopback
from core.errors import ConfigurationError
from wiring.environment import variable_of
from wiring.settings import Settings


def require_password(settings: Settings) -> None:
    """Raises ConfigurationError where it would listen to others than this machine without a password."""
    console = settings.console
    if console.password is None and not is_loopback(console.host):
        raise ConfigurationError(
            f"the console would be open to whoever reaches {console.host}: set "
            f"{variable_of(('console', 'password'))} to 12 characters or more, or leave "
            f"{variable_of(('console', 'host'))} at 127.0.0.1"
        )


def access_of(settings: Settings) -> Access:
    console = settings.console
    return Access(console.host, None if console.password is None else console.password.get_secret_value())
