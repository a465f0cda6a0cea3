"""The settings as the environment says them.

A leaf is set by `RANKFEED_` and its path in capitals: `api.port` by `RANKFEED_API_PORT`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from core.errors import ConfigurationError
from wiring.settings import Settings

PREFIX = "RANKFEED_"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: where it stands, what it is, and what it says now."""

    path: tuple[str, ...]
    description: str
    default: Any
    value: Any
    origin: Literal["default", "environment"]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        return variable_of(self.path)


def variable_of(path: tuple[str, ...]) -> str:
    return PREFIX + "_".join(path).upper()


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Raises ConfigurationError naming the variable, and the one that may have been meant."""
    paths = {variable_of(path): path for path, _ in _leaves(Settings)}
    tree: dict[str, Any] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        path = paths.get(variable)
        if path is None:
            near = difflib.get_close_matches(variable, paths, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigurationError(f"{variable} is no setting{hint} `rankfeed settings` lists them all.")
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = value
    try:
        return Settings.model_validate(tree)
    except ValidationError as exc:
        fault = exc.errors()[0]
        variable = variable_of(tuple(str(part) for part in fault["loc"]))
        raise ConfigurationError(f"{variable}: {fault['msg']}") from exc


def overlaid(settings: Settings, variables: Mapping[str, str]) -> Settings:
    """The settings with some leaves replaced, named by their variables."""
    tree = settings.model_dump()
    paths = {variable_of(path): path for path, _ in _leaves(Settings)}
    for variable, value in variables.items():
        *sections, leaf = paths[variable]
        node = tree
        for section in sections:
            node = node[section]
        node[leaf] = value
    return Settings.model_validate(tree)


def list_settings(settings: Settings, environment: Mapping[str, str]) -> list[Leaf]:
    """Every leaf with its value and origin; secrets stay hidden in their value."""
    listed = []
    for path, field in _leaves(Settings):
        value: Any = settings
        for part in path:
            value = getattr(value, part)
        origin: Literal["default", "environment"] = (
            "environment" if variable_of(path) in environment else "default"
        )
        listed.append(Leaf(path, field.description or "", field.default, value, origin))
    return listed


def _leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, (*path, name))
        else:
            yield (*path, name), field
