from __future__ import annotations

from ws_monitor.reader import in_order
from ws_monitor.records import Record


def record(partition: int, offset: int, timestamp_ms: int) -> Record:
    return Record("t", partition, offset, timestamp_ms, b"")


def test_partitions_are_merged_by_time() -> None:
    first = [record(0, 0, 10), record(0, 1, 30)]
    second = [record(1, 0, 20), record(1, 1, 40)]
    assert [item.timestamp_ms for item in in_order([first, second])] == [10, 20, 30, 40]


def test_inside_a_partition_offsets_count_whatever_the_clock_said() -> None:
    turned_back = [record(0, 0, 50), record(0, 1, 10)]
    assert in_order([turned_back]) == turned_back
    assert in_order([turned_back, [], [record(1, 0, 20)]]) == [record(1, 0, 20), *turned_back]
    assert in_order([]) == []
