from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal
from stock_kit.model_settings import EtlSettings
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import REJECTED_SCHEMA, SOURCE_SCHEMA
from stock_mlops.prices.sources import Fetched, FetchRequest, SourceError, open_source
from stock_mlops.prices.sources.file import FileSource
from stock_mlops.prices.sources.sample import _daily

X = Instrument("US", "X")
REQUEST = FetchRequest(until=datetime(2026, 11, 20, tzinfo=UTC))
DAY = date(2020, 1, 2)

Read = Callable[..., list[Fetched]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(text: str | bytes, instrument: Instrument | None = X, exchange: str = "US") -> list[Fetched]:
        file = tmp_path / "prices.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(FileSource(file, instrument, exchange).fetch(REQUEST))

    return write_and_read


def rejections(item: Fetched) -> dict[int, str]:
    return dict(item.rejected.select("row_number", "reason").rows())


@pytest.mark.parametrize(
    "text",
    [
        "date,open,high,low,close,adj close,volume\n2020-01-02,1,3,0.5,2,2,100\n",
        "Volume,ADJ_CLOSE,Close,LOW,High,Open,Date\n100,2,2,0.5,3,1,2020-01-02\n",
        "timestamp;o;h;l;c;AdjClose;vol\n2020-01-02T00:00:00-05:00;1;3;0.5;2;2;100\n",
        "\ufeffDate\tOpen\tHigh\tLow\tClose/Last\tAdj Close\tVolume\tRemark\n20200102\t1\t3\t0.5\t2\t2\t100\thello\n",
        'Date,Open,High,Low,Close,Adj Close,Volume\r\n"Jan 02, 2020",$1.00,$3,0.5,2,2,"100"\r\n',
        "date,open,high,low,close,adj close,volume\n1577923200,1,3,0.5,2,2,100\n",
        "date,open,high,low,close,adj close,volume\n1577923200000,1,3,0.5,2,2,100\n",
    ],
)
def test_columns_are_known_by_their_usual_names_in_any_order_and_case(read: Read, text: str) -> None:
    [item] = read(text)
    assert item.rows.schema == SOURCE_SCHEMA
    assert item.rows.row(0, named=True) == {
        "exchange": "US",
        "ticker": "X",
        "session": DAY,
        "open": 1.0,
        "high": 3.0,
        "low": 0.5,
        "close": 2.0,
        "volume": 100.0,
        "dividend": 0.0,
        "split": 1.0,
        "adj_close": 2.0,
        "source": "file",
        "row_number": 2,
    }


def test_text_in_place_of_a_value_rejects_its_row_and_says_where(read: Read) -> None:
    [item] = read(
        "date,close,volume\n2020-01-02,10,1\n\n2020-01-03,abc,1\n2020-01-06,11,many\nsoon,12,1\n2020-01-07,13,1\n"
    )
    assert rejections(item) == {
        4: "close: expected a number, got 'abc'",
        5: "volume: expected a number, got 'many'",
        6: "date: expected a day like 2024-01-31, got 'soon'",
    }
    assert item.rejected.schema == REJECTED_SCHEMA
    assert item.rows["row_number"].to_list() == [2, 7]
    assert item.rows_read == 5


@pytest.mark.parametrize(("text", "value"), [("1,234.5", 1234.5), ("$1,234,567", 1234567), ("-3", -3), ("1e3", 1000)])
def test_numbers_as_people_write_them(read: Read, text: str, value: float) -> None:
    [item] = read(f'date,close\n2020-01-02,"{text}"\n')
    assert item.rows["close"].to_list() == [value]


@pytest.mark.parametrize("nothing", ["", "null", "NaN", "N/A", "-"])
def test_an_absent_value_is_left_to_the_quality_gate(read: Read, nothing: str) -> None:
    [item] = read(f"date,close,volume\n2020-01-02,{nothing},1\n")
    assert item.rows["close"].to_list() == [None]


@pytest.mark.parametrize("text", ["1,5", "12,34", "1 234", "ten"])
def test_what_may_be_misread_is_no_number(read: Read, text: str) -> None:
    [item] = read(f'date,close\n2020-01-02,"{text}"\n')
    assert rejections(item) == {2: f"close: expected a number, got '{text}'"}


def test_what_a_file_does_not_have_is_assumed_and_said(read: Read) -> None:
    [item] = read("date,close\n2020-01-02,10\n")
    assert item.rows.select("open", "high", "low", "volume", "dividend", "split").row(0) == (10, 10, 10, 0, 0, 1)
    assert item.notes == ("no column for open, high, low: taken equal to close", "no volume column: taken as zero")


def test_an_adjusted_close_alone_is_the_close(read: Read) -> None:
    [item] = read("date,adj close\n2020-01-02,10\n")
    assert item.rows["close"].to_list() == [10.0]
    assert item.notes[0] == "no close column: adj close is taken as the close"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,what\n2020-01-02,10\n", "no date column .expected one named date.; the columns are: when, what"),
        ("date,open\n2020-01-02,10\n", "no price column .expected one named close or adj close."),
        ("date,close,Price\n2020-01-02,10,10\n", "the columns 'close' and 'Price' both mean close"),
        ("date,close\n2020-01-02,10\n2020-01-03,1,5\n", "line 3 has 3 fields, expected 2"),
        ("date,close\n01/02/2020,10\n02/03/2020,10\n", "can be month/day or day/month"),
        ("", "is empty"),
        (b"date,close\n\xff\xfe,1\n", "expected CSV in UTF-8 or Parquet"),
        (b"PAR1 and no more", "is not a readable Parquet file"),
    ],
)
def test_what_is_no_file_of_prices_is_refused(read: Read, text: str | bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere.csv: cannot be read: No such file"):
        FileSource(tmp_path / "nowhere.csv", X)
    with pytest.raises(SourceError, match="needs a file"):
        open_source("file", EtlSettings())


@pytest.mark.parametrize("dates", [("13/01/2020", "14/01/2020"), ("01/13/2020", "01/14/2020")])
def test_day_and_month_are_told_apart_by_the_whole_column(read: Read, dates: tuple[str, str]) -> None:
    [item] = read(f"date,close\n{dates[0]},1\n{dates[1]},1\n")
    assert item.rows["session"].to_list() == [date(2020, 1, 13), date(2020, 1, 14)]


def test_one_file_may_hold_many_tickers_and_markets(read: Read) -> None:
    items = read("symbol,date,close\naapl,2020-01-02,3\n2330.TW,2020-01-02,4\naapl,2020-01-03,5\n", None)
    rows = {item.instrument.key: item.rows.select("row_number", "close").rows() for item in items}
    assert rows == {"US:AAPL": [(2, 3.0), (4, 5.0)], "TW:2330": [(3, 4.0)]}


def test_a_market_column_or_option_places_bare_tickers(read: Read) -> None:
    by_column = read("ticker,market,date,close\n2330,tw,2020-01-02,3\nF,US,2020-01-02,4\n", None)
    assert [item.instrument.key for item in by_column] == ["TW:2330", "US:F"]
    [by_option] = read("ticker,date,close\n2330,2020-01-02,3\n", None, "TW")
    assert by_option.instrument.key == "TW:2330"


def test_one_ticker_is_picked_out_of_many(read: Read) -> None:
    [item] = read("ticker,date,close\nX,2020-01-02,3\nY,2020-01-02,4\n", X)
    assert item.rows["close"].to_list() == [3.0]
    [absent] = read("ticker,date,close\nY,2020-01-02,4\n", X)
    assert absent.error is not None
    assert absent.error.endswith("prices.csv has no rows of US:X")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,close\n2020-01-02,10\n", "no ticker column; say whose prices they are"),
        ("ticker,date,close\nA B,2020-01-02,10\n", "row 2: ticker: expected 1 to 20 of A-Z"),
        ("ticker,date,close\nA,2020-01-02,10\n,2020-01-02,10\n", "row 3 has no ticker"),
        ("ticker,exchange,date,close\nA,MOON,2020-01-02,10\n", "row 2: exchange: expected one of US, TW"),
    ],
)
def test_a_file_must_say_whose_prices_it_holds(read: Read, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(text, None)


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    columns = ("ticker", "session", "open", "high", "low", "close", "volume", "dividend", "split", "adj_close")
    sample = _daily().select(columns)
    sample.write_parquet(tmp_path / "prices.parquet")
    sample.write_csv(tmp_path / "prices.csv")
    from_parquet = list(FileSource(tmp_path / "prices.parquet").fetch(REQUEST))
    from_csv = list(FileSource(tmp_path / "prices.csv").fetch(REQUEST))
    assert [item.instrument.ticker for item in from_parquet] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    for parquet, text in zip(from_parquet, from_csv, strict=True):
        original = _daily().filter(ticker=parquet.instrument.ticker).drop("source")
        assert_frame_equal(parquet.rows.drop("source"), original)
        assert_frame_equal(text.rows.drop("row_number"), parquet.rows.drop("row_number"))
        assert (text.rows["row_number"] == parquet.rows["row_number"] + 1).all()


def test_a_parquet_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stock_mlops.prices.sources.file._PART_ROWS", 1)
    _daily().select("ticker", "session", "close").sample(fraction=0.1, seed=2).write_parquet(tmp_path / "p.parquet")
    items = list(FileSource(tmp_path / "p.parquet").fetch(REQUEST))
    assert {item.instrument.ticker for item in items} == {"AAPL", "FB", "GOOG", "IBM", "MSFT"}
    assert sum(item.rows.height for item in items) == 1215


def test_dividends_and_splits_are_read_out_of_the_adjusted_close(tmp_path: Path) -> None:
    sample = _daily().filter(ticker="AAPL")
    sample.select("session", "close", "adj_close").write_csv(tmp_path / "p.csv")
    [item] = FileSource(tmp_path / "p.csv", Instrument("US", "AAPL")).fetch(REQUEST)
    assert_frame_equal(item.rows.select("dividend", "split"), sample.select("dividend", "split"))
    assert item.notes[-1] == "no columns for dividends and splits: read out of adj close"


def test_prices_that_are_split_adjusted_already_become_as_traded(read: Read) -> None:
    [item] = read(
        "Date,Close,Volume,Dividends,Stock Splits\n"
        "2020-08-27,125.0,400,0.0,0.0\n2020-08-28,124.8,400,0.205,0.0\n2020-08-31,129.0,100,0.0,4.0\n"
    )
    assert item.rows.select("close", "volume", "dividend", "split").rows() == [
        (500.0, 100.0, 0.0, 1.0),
        (499.2, 100.0, 0.82, 1.0),
        (129.0, 100.0, 0.0, 4.0),
    ]
    assert "the prices were adjusted for splits already: undone" in item.notes
