"""The little that the HTTP front must know of SQL: where an INSERT's rows begin, and which format an answer has."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = rb"`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
# Quotes, brackets and comments are skipped as wholes, so that a column called "format" or a text with that word in it
# does not end the statement. One part after the other, and not one expression with possessive quantifiers: before
# 3.11.5 Python's re matches those wrongly (CPython's issue 106052), and Debian 12 has 3.11.2.
_PART = re.compile(
    rb"(?P<space>\s+|--[^\n]*\n|/\*.*?\*/)|(?P<word>\w+)|"
    + _QUOTED
    + rb"|\((?:"
    + _QUOTED
    + rb"|[^()`\"'])*\)|[^`\"'(]",
    re.DOTALL,
)
_INSERT = (b"INSERT", b"INTO")
_NO_ROWS = (b"VALUES", b"SELECT", b"WITH", b"FROM")
_FORMAT = re.compile(rb"FORMAT\s+(?P<format>\w+)[ \t\r]*(?:;[ \t\r]*)?\n?", re.IGNORECASE)
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
    words: list[bytes] = []
    begin = position = 0
    while part := _PART.match(text, position):
        word = part["word"]
        if not words and word is None and part["space"] is None:
            return None
        if word is not None:
            words.append(word.upper())
            if len(words) == 1:
                begin = position
            if len(words) <= len(_INSERT):
                if words[-1] != _INSERT[len(words) - 1]:
                    return None
            elif words[-1] in _NO_ROWS:
                return None
            elif words[-1] == b"FORMAT" and (found := _FORMAT.match(text, position)):
                return InsertHead(text[begin:position].decode().strip(), found["format"].decode(), found.end())
        position = part.end()
    return None


def output_format(sql: str, default: str) -> str:
    found = _TRAILING_FORMAT.search(sql[-_TAIL:])
    return found[1] if found else default


def is_select(sql: str) -> bool:
    return _SELECT.match(sql) is not None
