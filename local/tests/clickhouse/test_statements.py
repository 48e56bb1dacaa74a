from __future__ import annotations

import pytest
from stock_local.clickhouse.statements import insert_head, is_select, output_format


@pytest.mark.parametrize(
    ("text", "statement", "input_format", "rows"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02", "INSERT INTO t", "Native", b"\x01\x02"),
        (b"INSERT INTO t (a, b) FORMAT CSV\n1,2", "INSERT INTO t (a, b)", "CSV", b"1,2"),
        (b"INSERT INTO t (`format`, `FORMAT x`) FORMAT CSV\n1", "INSERT INTO t (`format`, `FORMAT x`)", "CSV", b"1"),
        (b"insert into t format TabSeparated 1\t2", "insert into t", "TabSeparated", b"1\t2"),
        (b"INSERT INTO t SETTINGS async_insert=0 FORMAT Arrow", "INSERT INTO t SETTINGS async_insert=0", "Arrow", b""),
        (b"-- FORMAT JSON\n/* INSERT */ INSERT INTO t FORMAT CSV\n", "INSERT INTO t", "CSV", b""),
        (b"INSERT INTO reformat FORMAT CSV\n", "INSERT INTO reformat", "CSV", b""),
        (b"INSERT INTO t FORMAT CSV\n\n1", "INSERT INTO t", "CSV", b"\n1"),
    ],
)
def test_the_rows_of_an_insert_begin_after_its_format(
    text: bytes, statement: str, input_format: str, rows: bytes
) -> None:
    head = insert_head(text)
    assert head is not None
    assert (head.statement, head.input_format, text[head.length :]) == (statement, input_format, rows)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT CSV",
        b"INSERT INTO t VALUES ('a FORMAT b')",
        b"INSERT INTO t (a) VALUES (1) FORMAT CSV",
        b"INSERT INTO t SELECT x FROM y FORMAT CSV",
        b"INSERT INTO t WITH 1 AS a SELECT a FORMAT CSV",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"",
    ],
)
def test_a_statement_that_carries_no_rows_is_left_to_the_engine(text: bytes) -> None:
    assert insert_head(text) is None


def test_a_long_text_without_a_format_is_recognised_quickly() -> None:
    assert insert_head(b"INSERT INTO t (" + b"a, " * 20_000) is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "TabSeparated"),
        ("SELECT 1 FORMAT Native", "Native"),
        ("SELECT 1\n FORMAT JSONEachRow;\n", "JSONEachRow"),
        ("SELECT 1 format CSV SETTINGS max_threads=1", "CSV"),
        ("SELECT ' FORMAT CSV '", "TabSeparated"),
    ],
)
def test_the_format_of_an_answer_is_the_statements_own_or_the_default(sql: str, expected: str) -> None:
    assert output_format(sql, "TabSeparated") == expected


def test_a_select_is_told_from_what_changes_something() -> None:
    assert is_select("  SELECT 1")
    assert is_select("with 1 as a select a")
    assert not is_select("ALTER TABLE t ADD COLUMN select Int8")
