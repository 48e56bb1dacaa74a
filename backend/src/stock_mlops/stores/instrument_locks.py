"""One load of an instrument at a time, over all processes: advisory locks in raw_db, which end with their process."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from stock_mlops.instruments import Instrument

# Any number that no other user of the database takes for the first half of its advisory locks.
_LOADING = 73_150_204
_WAIT_SECONDS = 0.25
_TRY = text("""
    SELECT bool_and(pg_try_advisory_xact_lock(:kind, hashtext(key)))
    FROM unnest(CAST(:keys AS text[])) AS wanted (key)
""")


@contextmanager
def loading(engine: Engine, instruments: Collection[Instrument], check: Callable[[], None]) -> Iterator[None]:
    """Wait until nobody else loads one of ``instruments``, and keep others from it as long as the block runs.

    Args:
        check: called while waiting; what it raises ends the wait.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not answer.
    """
    keys = sorted(instrument.key for instrument in instruments)
    with engine.connect() as connection:
        # All or none: who holds some while waiting for others may wait for somebody who does the same.
        while not connection.execute(_TRY, {"kind": _LOADING, "keys": keys}).scalar():
            connection.rollback()
            check()
            time.sleep(_WAIT_SECONDS)
        try:
            yield
        finally:
            connection.rollback()
