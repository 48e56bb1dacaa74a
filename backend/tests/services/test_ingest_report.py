from datetime import date

import polars as pl
from stock_mlops.instruments import Instrument
from stock_mlops.services.ingest_report import IngestReport, Rejection, TickerReport

X = Instrument("US", "X")
DAY = date(2020, 1, 2)


def rejected(count: int) -> pl.DataFrame:
    rows = {"session": [DAY] * count, "row_number": list(range(count)), "reason": ["close is missing"] * count}
    return pl.DataFrame(rows)


def test_a_report_counts_all_rejections_and_shows_the_first_hundred() -> None:
    report = TickerReport(X)
    report.reject(rejected(70))
    report.reject(rejected(70))
    assert (report.rejected, len(report.rejections)) == (140, 100)
    assert report.rejections[0] == Rejection(DAY, 0, "close is missing")


def test_a_report_is_plain_values() -> None:
    report = TickerReport(X, rows_read=2, new=1, first_session=DAY, last_session=DAY)
    report.reject(rejected(1))
    values = report.as_dict()
    assert (values["exchange"], values["ticker"], values["first_session"]) == ("US", "X", "2020-01-02")
    assert values["rejections"] == [{"session": "2020-01-02", "row_number": 0, "reason": "close is missing"}]


def test_a_load_sums_its_tickers() -> None:
    good, bad = TickerReport(X, new=3, changed=1), TickerReport(Instrument("US", "Y"), error="no such symbol")
    report = IngestReport("file", [good, bad])
    assert (report.new, report.changed, report.failed) == (3, 1, [bad])
