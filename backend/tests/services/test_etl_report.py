from __future__ import annotations

from datetime import date

import orjson
from stock_mlops.instruments import Instrument
from stock_mlops.services.etl_report import RunReport
from stock_mlops.services.ingest_report import Rejection, TickerReport

LOADED = TickerReport(
    Instrument("US", "AAPL"),
    rows_read=10,
    new=8,
    rejected=2,
    rejections=[Rejection(date(2024, 1, 6), 7, "Saturday 2024-01-06 is not a session of the exchange")],
    first_session=date(2024, 1, 2),
    last_session=date(2024, 1, 12),
    warehouse="all",
    notes=["no volume column"],
)
FAILED = TickerReport(Instrument("TW", "2330"), error="unknown | to the source")


def test_a_report_survives_its_way_through_the_database() -> None:
    report = RunReport(total=3, tickers=(LOADED, FAILED))
    stored = orjson.loads(orjson.dumps(report.to_dict()))
    assert RunReport.from_dict(stored) == report


def test_a_run_that_has_just_begun_has_an_empty_report() -> None:
    report = RunReport.from_dict({})
    assert (report.total, report.tickers, report.failed) == (None, (), False)


def test_a_run_failed_when_every_ticker_did_or_its_source_was_refused() -> None:
    assert not RunReport(2, (LOADED, FAILED)).failed
    assert RunReport(1, (FAILED,)).failed
    assert RunReport(error="prices.csv: is empty").failed


def test_the_page_shows_every_ticker_and_says_what_it_leaves_out() -> None:
    page = RunReport(2, (LOADED, FAILED)).markdown("file")
    assert "| US:AAPL | 10 | 8 | 0 | 0 | 2 | 2024-01-02 | 2024-01-12 | loaded |" in page
    assert "| TW:2330 | 0 | 0 | 0 | 0 | 0 |  |  | unknown ¦ to the source |" in page
    assert "- row 7 (2024-01-06): Saturday 2024-01-06 is not a session of the exchange" in page
    assert "- and 1 more" in page


def test_the_page_of_a_refused_source_says_why() -> None:
    assert "**Refused:** prices.csv: is empty" in RunReport(error="prices.csv: is empty").markdown("file")
