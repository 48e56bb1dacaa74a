"""The little that the HTTP front must know of SQL: where an INSERT's rows begin, and which format an answer has."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = rb"`(?:\\.|[^`\\])*+`|\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+'"
_COMMENT = rb"--[^\n]*+\n|/\*.*?\*/"
# INSERT INTO <anything but a SELECT or inline VALUES> FORMAT <name> <rows>; quotes, brackets and comments are skipped
# as wholes, so that a column called "format" or a text with that word in it does not end the statement.
_INSERT = re.compile(
    rb"(?:\s|" + _COMMENT + rb")*+"
    rb"(?P<into>INSERT\s+INTO\b"
    rb"(?:" + _QUOTED + rb"|" + _COMMENT + rb"|\((?:" + _QUOTED + rb"|[^()`\"'])*+\)|\s"
    rb"|[^\w\s`\"'(]|(?!(?:FORMAT|VALUES|SELECT|WITH|FROM)\b)\w++)*+)"
    rb"FORMAT\s+(?P<format>\w+)[ \t\r]*+(?:;[ \t\r]*+)?\n?",
    re.IGNORECASE | re.DOTALL,
)
_TRAILING_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\s[^;]*)?;?\s*$", re.IGNORECASE)
_SELECT = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_TAIL = 1000  # characters at a statement's end in which its FORMAT is looked for


@dataclass(frozen=True)
class InsertHead:
    """``INSERT INTO ...`` without its FORMAT, the format, and how many bytes of the text lie before the rows."""

    statement: str
    input_format: str
    length: int


def insert_head(text: bytes) -> InsertHead | None:
    """The head of an INSERT whose rows follow in a format of their own; None for any other statement."""
    found = _INSERT.match(text)
    if found is None:
        return None
    return InsertHead(found["into"].decode().strip(), found["format"].decode(), found.end())


def output_format(sql: str, default: str) -> str:
    found = _TRAILING_FORMAT.search(sql[-_TAIL:])
    return found[1] if found else default


def is_select(sql: str) -> bool:
    return _SELECT.match(sql) is not None
