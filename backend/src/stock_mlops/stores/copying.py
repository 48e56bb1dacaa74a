"""Frames in and out of PostgreSQL by COPY, the only way that is fast in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import polars as pl
from sqlalchemy import Connection


def copy_in(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Append the rows of ``frame`` to ``table``, whose columns of the same names they fill; null stays null."""
    buffer = BytesIO()
    frame.write_csv(buffer, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f%:z")
    buffer.seek(0)
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    with _cursor(connection) as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)", buffer)


def copy_out(
    connection: Connection, query: str, parameters: Sequence[object], schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """The rows of ``query`` (psycopg's ``%s`` for parameters), whose columns are those of ``schema`` in that order."""
    buffer = BytesIO()
    with _cursor(connection) as cursor:
        bound = cursor.mogrify(query, tuple(parameters)).decode()
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT csv)", buffer)
    buffer.seek(0)
    if not buffer.getbuffer().nbytes:
        return pl.DataFrame(schema=dict(schema))
    # The CSV reader knows neither a numeric time zone nor PostgreSQL's t and f.
    by_hand = {name: kind for name, kind in schema.items() if isinstance(kind, pl.Datetime | pl.Boolean)}
    frame = pl.read_csv(buffer, has_header=False, schema={**schema, **dict.fromkeys(by_hand, pl.String())})
    return frame.with_columns(
        pl.col(name) == "t"
        if isinstance(kind, pl.Boolean)
        else pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us")
        for name, kind in by_hand.items()
    )


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()
