"""The quality gate: which rows of a source may be stored, and why the others may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from stock_mlops.instruments import Sessions
from stock_mlops.prices.schema import INSTRUMENT, KEYS, OHLC, RAW_SCHEMA, REJECTED_SCHEMA, ROW_NUMBER

MAX_MOVE = 0.5

MOVED = "moved "
"""How the reason begins of a row that was refused for a large move."""

# Prices that passed through 32-bit floats or an adjustment miss each other by so much.
_NOISE = 1e-6


@dataclass(frozen=True)
class Checked:
    good: pl.DataFrame
    """Columns of ``RAW_SCHEMA``, no session twice, by exchange, ticker and session."""
    rejected: pl.DataFrame
    """Columns of ``REJECTED_SCHEMA``: the row, where it stood, and why it was refused."""


def check(
    frame: pl.DataFrame,
    sessions: Sessions,
    now: datetime,
    *,
    known: pl.DataFrame | None = None,
    accepted: pl.DataFrame | None = None,
    max_move: float = MAX_MOVE,
) -> Checked:
    """Judge the rows of one exchange.

    A row whose close moved by more than ``max_move`` without a split is refused, and with it nothing else: the rows
    after it are measured against it, and against the last row before it, so that neither a crash nor a single wrong
    price refuses what follows. A refused move that is real becomes ``accepted`` when the source repeats it a day later.

    Args:
        frame: columns of ``SOURCE_SCHEMA``, of one or many tickers.
        sessions: the exchange's.
        now: market time. Later sessions are refused, and the present one until it has closed.
        known: closes (columns exchange, ticker, session, close) stored or refused for a move before, which the first
            rows of ``frame`` are measured against.
        accepted: closes (same columns; a null close stands for any) that are good however far they moved.
        max_move: as a share of the previous close.
    """
    judged = frame.lazy().with_columns(reason=_first_fault(frame, sessions, now)).collect()
    judged = _refuse_duplicates(judged)
    sound = judged.filter(pl.col("reason").is_null())
    judged = pl.concat([judged.filter(pl.col("reason").is_not_null()), _refuse_moves(sound, known, accepted, max_move)])
    return Checked(
        good=judged.filter(pl.col("reason").is_null()).select(*RAW_SCHEMA).sort(KEYS),
        rejected=judged.filter(pl.col("reason").is_not_null()).select(*REJECTED_SCHEMA).sort(*INSTRUMENT, ROW_NUMBER),
    )


def _first_fault(frame: pl.DataFrame, sessions: Sessions, now: datetime) -> pl.Expr:
    """The first reason that speaks against a row on its own, or null."""
    return pl.coalesce(_date_fault(frame, sessions, now), *map(_price_fault, OHLC), _bar_fault(), *_other_faults())


def _date_fault(frame: pl.DataFrame, sessions: Sessions, now: datetime) -> pl.Expr:
    day = pl.col("session")
    today, closed = sessions.local_date(now), sessions.last_closed(now)
    first, last = frame["session"].min(), frame["session"].max()
    known = sessions.between(first, last) if isinstance(first, date) and isinstance(last, date) else []
    return (
        pl.when(day.is_null())
        .then(pl.lit("has no date"))
        .when(day > today)
        .then(pl.format("lies in the future: market time is {}", pl.lit(f"{now:%Y-%m-%d %H:%M} UTC")))
        .when(~day.is_in(pl.Series(known, dtype=pl.Date).implode()))
        .then(pl.format("{} is not a session of the exchange", day.dt.strftime("%A %Y-%m-%d")))
        .when(day > closed)
        .then(pl.lit("provisional: the session has not closed yet"))
    )


def _price_fault(name: str) -> pl.Expr:
    value = pl.col(name)
    return (
        pl.when(value.is_null() | value.is_nan())
        .then(pl.lit(f"{name} is missing"))
        .when(value.is_infinite() | (value <= 0))
        .then(pl.format(f"{name} is {{}}, expected a positive number", value))
    )


def _bar_fault() -> pl.Expr:
    lower, upper = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    return (
        pl.when(pl.col("low") > lower * (1 + _NOISE))
        .then(pl.format("low {} is above open or close {}", "low", lower))
        .when(pl.col("high") < upper * (1 - _NOISE))
        .then(pl.format("high {} is below open or close {}", "high", upper))
    )


def _other_faults() -> list[pl.Expr]:
    volume, dividend, split = pl.col("volume"), pl.col("dividend"), pl.col("split")
    return [
        pl.when(volume.is_null() | volume.is_nan())
        .then(pl.lit("volume is missing"))
        .when(volume.is_infinite() | (volume < 0))
        .then(pl.format("volume is {}, expected zero or more", volume)),
        pl.when(~dividend.is_finite().fill_null(value=False) | (dividend < 0)).then(
            pl.format("dividend is {}, expected zero or more", dividend)
        ),
        pl.when(~split.is_finite().fill_null(value=False) | (split <= 0)).then(
            pl.format("split is {}, expected a positive ratio", split)
        ),
    ]


def _refuse_duplicates(judged: pl.DataFrame) -> pl.DataFrame:
    """Of equal rows of one session the first stays; of different ones none, as nobody can tell which is right."""
    values = pl.struct(*OHLC, "volume", "dividend", "split")
    again = pl.col("reason").is_null() & (pl.len().over(*KEYS, pl.col("reason").is_null()) > 1)
    if not judged.select(again.any()).item():
        return judged
    different = again & (values.n_unique().over(*KEYS, pl.col("reason").is_null()) > 1)
    lines = pl.col(ROW_NUMBER).cast(pl.String).str.join(", ").over(*KEYS, pl.col("reason").is_null())
    first = pl.col(ROW_NUMBER) == pl.col(ROW_NUMBER).min().over(*KEYS, pl.col("reason").is_null())
    return judged.with_columns(
        reason=pl.when(different)
        .then(pl.format("the session comes with different values in rows {}", lines))
        .when(again & ~first)
        .then(pl.format("the session comes more than once, in rows {}", lines))
        .otherwise("reason")
    )


def _refuse_moves(
    sound: pl.DataFrame, known: pl.DataFrame | None, accepted: pl.DataFrame | None, max_move: float
) -> pl.DataFrame:
    rows = sound.lazy().with_columns(_given=pl.lit(value=True))
    if known is not None and not known.is_empty():
        # What was refused once may come twice with different closes; one of them is enough to measure against.
        before = known.lazy().select(*KEYS, "close").unique(KEYS, keep="last").join(sound.lazy(), on=KEYS, how="anti")
        rows = pl.concat([rows, before.with_columns(_given=pl.lit(value=False))], how="diagonal")
    split, dividend = pl.col("split").fill_null(1.0), pl.col("dividend").fill_null(0.0)
    worth = (pl.col("close") + dividend) * split
    previous = pl.col("close").shift(1).over(INSTRUMENT)
    jumped = pl.col("_jumped")
    back = (worth / pl.col("close").shift(2).over(INSTRUMENT) - 1).abs() <= max_move
    return (
        rows.sort(KEYS)
        .with_columns(_move=worth / previous - 1)
        .with_columns(_jumped=(pl.col("_move").abs() > max_move).fill_null(value=False))
        .with_columns(_back=jumped & jumped.shift(1, fill_value=False).over(INSTRUMENT) & back.fill_null(value=False))
        .filter("_given")
        .with_columns(_accepted=_is_accepted(accepted))
        .with_columns(
            reason=pl.when(jumped & ~pl.col("_back") & ~pl.col("_accepted")).then(
                pl.format(
                    MOVED + "{} % in a session without a split that explains it;"
                    " accepted when the source repeats the close a day later",
                    (pl.col("_move") * 100).round(1),
                )
            )
        )
        .select(sound.columns)
        .collect()
    )


def _is_accepted(accepted: pl.DataFrame | None) -> pl.Expr:
    if accepted is None or accepted.is_empty():
        return pl.lit(value=False)
    closes = accepted.select(key=pl.struct(*KEYS, pl.col("close").cast(pl.Float64)))["key"]
    any_close = pl.struct(*KEYS, pl.lit(None, dtype=pl.Float64).alias("close"))
    return pl.struct(*KEYS, "close").is_in(closes.implode()) | any_close.is_in(closes.implode())
