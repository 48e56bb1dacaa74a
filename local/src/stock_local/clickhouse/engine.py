"""chDB as a server needs it: one engine per process, one short connection per request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection

_ERROR = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?(.*)", re.DOTALL)
_SETTING = re.compile(r"\w+")
_UNKNOWN_CODE = 1002  # UNKNOWN_EXCEPTION
_UNKNOWN_SETTING = 115


class QueryError(Exception):
    """The engine refused a query: ClickHouse's error code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @classmethod
    def of(cls, error: Exception) -> QueryError:
        found = _ERROR.search(str(error))
        return cls(int(found[1]), found[2].strip()) if found else cls(_UNKNOWN_CODE, str(error))


@dataclass
class Summary:
    """What ``X-ClickHouse-Summary`` tells."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_ns: int = 0


@dataclass
class Answer:
    """A result in its output format. ``data`` points into the engine's own buffer: it is not copied."""

    data: memoryview
    summary: Summary
    _owner: object = field(default=None, repr=False)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _summary(result: Any) -> Summary:
    return Summary(
        read_rows=result.rows_read(),
        read_bytes=result.bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except QueryError:
        raise
    except Exception as error:  # chDB raises ChdbError here and a bare RuntimeError there
        raise QueryError.of(error) from error


class Session:
    """One connection to the engine: its database and settings are seen by nobody else."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def query(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> Answer:
        """Run one statement and keep the whole result.

        Raises:
            QueryError: the engine refused it.
        """
        with _translated():
            result = self._connection.query(sql, output_format, params=dict(parameters))
        if result is None:  # statements without a result
            return Answer(memoryview(b""), Summary())
        view = result.get_memview()
        return Answer(view.view(), _summary(result), (result, view))

    def stream(self, sql: str, output_format: str, parameters: Mapping[str, str]) -> Iterator[bytes]:
        """Run one SELECT and yield its result block by block, so that a large one never exists as a whole."""
        with _translated(), self._connection.send_query(sql, output_format, params=dict(parameters)) as stream:
            for block in stream:
                yield block.bytes()

    def insert(self, statement: str, input_format: str, chunks: Iterable[bytes]) -> Summary:
        """Run ``INSERT INTO ...`` (without its FORMAT) on rows that arrive in pieces; all of them or an error."""
        with _translated(), self._connection.send_insert(statement, input_format) as inserter:
            for chunk in chunks:
                inserter.append(chunk)
            result = inserter.finish()
        return Summary(
            written_rows=result.rows_written, written_bytes=result.bytes_written, elapsed_ns=int(result.elapsed * 1e9)
        )


class Engine:
    """The engine of this process on one data folder. The folder is locked by it until :meth:`close`."""

    def __init__(self, data_dir: Path) -> None:
        import chdb

        self._connect = cast("Callable[[str], Connection]", chdb.connect)
        self._path = str(data_dir)
        # chDB runs while a connection is open; this one keeps it running between requests.
        self._anchor = self._connect(self._path)
        self.timezone = bytes(self._anchor.query("SELECT timezone()", "TabSeparatedRaw").bytes()).decode().strip()

    @contextmanager
    def session(self, database: str, settings: Mapping[str, str]) -> Iterator[Session]:
        """A fresh session; opening one takes about 0.1 ms.

        Raises:
            QueryError: there is no such database or setting.
        """
        if bad := [name for name in settings if not _SETTING.fullmatch(name)]:
            raise QueryError(_UNKNOWN_SETTING, f"Unknown setting {bad[0]!r} (UNKNOWN_SETTING)")
        connection = self._connect(self._path)
        try:
            with _translated():
                if database:
                    escaped = database.replace("\\", "\\\\").replace("`", "\\`")
                    connection.query(f"USE `{escaped}`", "Null")
                if settings:
                    assigned = ", ".join(f"{name} = {_quoted(value)}" for name, value in settings.items())
                    connection.query(f"SET {assigned}", "Null")
            yield Session(connection)
        finally:
            connection.close()

    def close(self) -> None:
        """Stop the engine and release the data folder."""
        self._anchor.close()
