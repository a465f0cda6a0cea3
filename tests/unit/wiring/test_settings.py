"""Settings: one frozen tree; what is wrong is named, what is secret stays hidden."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.errors import ConfigurationError
from wiring.environment import list_settings, load_settings


def test_secrets_are_in_no_text() -> None:
    settings = load_settings({"RANKFEED_REDIS_URL": "redis://:hunter2@localhost"})
    assert settings.redis.url is not None
    assert settings.redis.url.get_secret_value() == "redis://:hunter2@localhost"
    listed = "".join(str(leaf.value) for leaf in list_settings(settings, {}))
    assert "hunter2" not in listed + repr(settings) + str(settings) + settings.model_dump_json()


def test_nothing_is_changed_once_it_is_read() -> None:
    settings = load_settings({})
    with pytest.raises(ValidationError):
        settings.api.port = 1  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", ""])
def test_what_is_no_redis_url_is_refused_before_anything_starts(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"RANKFEED_REDIS_URL.*redis://"):
        load_settings({"RANKFEED_REDIS_URL": url})
