"""Settings from the environment: what is wrong is named, and so is what was meant."""

from __future__ import annotations

import pytest

from core.errors import ConfigurationError
from wiring.environment import list_settings, load_settings, variable_of
from wiring.settings import Settings


def test_without_an_environment_everything_has_its_default() -> None:
    settings = load_settings({"PATH": "/bin", "RANKFEEDER": "x"})
    assert settings == Settings()
    assert all(leaf.origin == "default" for leaf in list_settings(settings, {}))


def test_a_leaf_is_set_by_its_path_in_capitals() -> None:
    environment = {"RANKFEED_API_PORT": "8123", "RANKFEED_LOGGING_LEVEL": "debug", "RANKFEED_HOME": "/tmp/x"}
    settings = load_settings(environment)
    assert (settings.api.port, settings.logging.level, str(settings.home)) == (8123, "debug", "/tmp/x")
    origins = {leaf.variable: leaf.origin for leaf in list_settings(settings, environment)}
    assert {name for name, origin in origins.items() if origin == "environment"} == set(environment)


def test_every_leaf_can_be_set_and_is_described() -> None:
    for leaf in list_settings(Settings(), {}):
        assert leaf.description
        assert leaf.variable == variable_of(leaf.path)
        if leaf.default is not None:
            load_settings({leaf.variable: str(leaf.default)})


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("RANKFEED_API_PROT", "did you mean RANKFEED_API_PORT?"),
        ("RANKFEED_API", "`rankfeed settings`"),
        ("RANKFEED_", "`rankfeed settings`"),
        ("RANKFEED_api_port", "is no setting"),
    ],
)
def test_an_unknown_variable_is_refused(variable: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({variable: "1"})
    assert variable in str(refused.value)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RANKFEED_API_PORT", "-1"),
        ("RANKFEED_API_PORT", "a"),
        ("RANKFEED_API_PORT", ""),
        ("RANKFEED_RANKING_CANDIDATES", "801"),
        ("RANKFEED_LOGGING_LEVEL", "loud"),
        ("RANKFEED_AUTH_AUDIENCE", ""),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        load_settings({variable: value})
