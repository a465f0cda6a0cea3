"""Feast over a stack's features: its online rows, and the offline source in its lake.

For notebooks and `rankfeed features`; importing Feast takes seconds.
"""

from __future__ import annotations

import os
from pathlib import Path

from feast import FeatureStore
from feast.repo_config import RegistryConfig, RepoConfig

from features.repo.names import PROJECT
from features.repo.offline_store import LakeOfflineStoreConfig
from features.repo.online_store import PackedOnlineStoreConfig
from wiring.environment import load_settings, overlaid, variable_of
from wiring.home import Home
from wiring.redis_settings import redis_options
from wiring.running_stack import as_running
from wiring.settings import Settings


def open_feature_store(home: Path | None = None) -> FeatureStore:
    """The store of the stack that runs in `home`, by default in RANKFEED_HOME; the settings as usual.

    Raises ConfigurationError where no Redis is known: start the stack first, or name one.
    """
    settings = load_settings(os.environ)
    if home is not None:
        settings = overlaid(settings, {variable_of(("home",)): str(home)})
    return feature_store(settings)


def feature_store(settings: Settings) -> FeatureStore:
    """As `open_feature_store`; nothing is registered yet, and nothing is connected to."""
    home = Home(settings.home.absolute())
    options = redis_options(as_running(settings))
    online = PackedOnlineStoreConfig(
        url=options.url,
        cluster=options.cluster,
        tls_ca=options.tls_ca,
        tls_certificate=options.tls_certificate,
        tls_key=options.tls_key,
    )
    home.feast.mkdir(parents=True, exist_ok=True)
    return FeatureStore(
        config=RepoConfig(
            project=PROJECT,
            provider="local",
            registry=RegistryConfig(path=str(home.feast / "registry.db")),
            online_store=online,
            offline_store=LakeOfflineStoreConfig(),
            entity_key_serialization_version=3,
            repo_path=home.feast,
        )
    )
