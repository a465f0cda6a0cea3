"""What to commit: per partition one past the highest offset, whatever the order."""

from __future__ import annotations

from eventlog.log import Entry, TopicPartition, next_offsets


def entry(topic: str, partition: int, offset: int) -> Entry:
    return Entry(topic, partition, offset, key=1, value=b"", published_ms=0)


def test_the_next_offset_of_each_partition_is_one_past_its_highest() -> None:
    entries = [entry("a", 0, 4), entry("a", 1, 9), entry("b", 0, 2), entry("a", 0, 7), entry("a", 0, 5)]
    assert next_offsets(entries) == {
        TopicPartition("a", 0): 8,
        TopicPartition("a", 1): 10,
        TopicPartition("b", 0): 3,
    }


def test_nothing_has_no_next_offset() -> None:
    assert next_offsets([]) == {}


def test_an_entry_knows_its_partition() -> None:
    assert entry("a", 3, 0).topic_partition == ("a", 3)
