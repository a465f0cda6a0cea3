"""`make bar-NAME`: measures one bar, which may be of several rows; exits 1 where one does not hold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from bench.bars import (
    clone,
    cold_timeline,
    deliveries,
    demo_seeds,
    equal_bits,
    faults,
    feature_fetch,
    feed,
    freshness,
    imported,
    kuairand,
    outages,
    overload,
    post_to_feed,
    post_to_feed_heavy,
    promotion,
    ranked_feed,
    relay,
    replay,
    scoring,
    stream,
    three_nodes,
    timeline_bytes,
    training,
    write_latency,
    writes,
)
from bench.bars.bar import Result

BARS: Mapping[str, Callable[[list[str]], Result | list[Result]]] = {
    "demo": clone.demo,
    "demo-seeds": demo_seeds.measure,
    "test": clone.test,
    "kuairand": kuairand.measure,
    "import": imported.measure,
    "post-to-feed": post_to_feed.measure,
    "post-to-feed-heavy": post_to_feed_heavy.measure,
    "deliveries": deliveries.redis_core,
    "deliveries-worker": deliveries.worker,
    "timeline-bytes": timeline_bytes.measure,
    "kill": faults.kill,
    "flush": faults.flush,
    "outage-kafka": outages.kafka,
    "outage-cassandra": outages.cassandra,
    "three-nodes": three_nodes.measure,
    "cold-timeline": cold_timeline.measure,
    "feature-fetch": feature_fetch.measure,
    "feed": feed.measure,
    "ranked": ranked_feed.measure,
    "promotion": promotion.measure,
    "overload": overload.measure,
    "writes": writes.measure,
    "write-latency": write_latency.measure,
    "relay": relay.measure,
    "equal-bits": equal_bits.measure,
    "replay": replay.measure,
    "stream": stream.measure,
    "freshness": freshness.measure,
    "training": training.measure,
    "scoring": scoring.measure,
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in BARS:
        print(f"usage: make bar-NAME, where NAME is one of: {', '.join(BARS)}")
        return 2
    measured = BARS[arguments[0]](arguments[1:])
    results = measured if isinstance(measured, list) else [measured]
    for result in results:
        result.record()
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
