"""`make bench`: every benchmark in turn, each against its named alternative in the same run."""

from __future__ import annotations

import asyncio

from bench import cluster_paths, feature_fetch, model_scoring, timeline_layout


def main() -> None:
    for module in (timeline_layout, feature_fetch, cluster_paths):
        asyncio.run(module.main())
    model_scoring.main()


if __name__ == "__main__":
    main()
