from __future__ import annotations

import polars as pl
import pytest
from stock_mlops.services.warehouse_sync import whole_tickers

ROWS = pl.DataFrame({"exchange": ["US"] * 9, "ticker": list("AAABBBBBC"), "session": range(9)})


@pytest.mark.parametrize(
    ("rows", "parts"),
    [(1, ["AAA", "BBBBB", "C"]), (4, ["AAA", "BBBBB", "C"]), (6, ["AAA", "BBBBBC"]), (8, ["AAABBBBB", "C"])],
)
def test_what_is_written_together_is_whole_tickers(rows: int, parts: list[str]) -> None:
    assert ["".join(part["ticker"]) for part in whole_tickers(ROWS, rows)] == parts
    assert pl.concat(whole_tickers(ROWS, rows)).equals(ROWS)


def test_no_rows_are_no_part() -> None:
    assert list(whole_tickers(ROWS.clear(), 5)) == []
