"""The console listens to others than this machine only where they have to know a password."""

from __future__ import annotations

import pytest

from core.errors import ConfigurationError
from wiring.console.access import access_of, require_password
from wiring.environment import load_settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_machine_needs_no_password(host: str) -> None:
    settings = load_settings({"RANKFEED_CONSOLE_HOST": host})
    require_password(settings)
    assert access_of(settings).password is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "console.example"])
def test_others_do(host: str) -> None:
    with pytest.raises(ConfigurationError, match="set RANKFEED_CONSOLE_PASSWORD to 12 characters"):
        require_password(load_settings({"RANKFEED_CONSOLE_HOST": host}))
    settings = load_settings({"RANKFEED_CONSOLE_HOST": host, "RANKFEED_CONSOLE_PASSWORD": "twelve chars"})
    require_password(settings)
    assert access_of(settings).password == "twelve chars"
    assert "twelve" not in repr(settings)


def test_a_password_is_not_short() -> None:
    with pytest.raises(ConfigurationError, match="RANKFEED_CONSOLE_PASSWORD"):
        load_settings({"RANKFEED_CONSOLE_PASSWORD": "short"})
