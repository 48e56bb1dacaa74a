"""What the API says in whole English sentences is said by the page in Chinese, known by their wording."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import orjson

from .said import all_texts, sentences

_LOCALE = Path(__file__).parents[3] / "frontend/src/i18n/locales/zh-TW.sentences.json"
CHINESE: Mapping[str, str] = orjson.loads(_LOCALE.read_bytes())


@cache
def pattern(english: str) -> re.Pattern[str]:
    """As the page knows a sentence: any text in the place of a value."""
    return re.compile("(.*?)".join(map(re.escape, re.split(r"{{\w+}}", english))), re.DOTALL)


def without_field(text: str) -> str:
    """Most messages of a field come without its name, where they begin with it."""
    return re.sub(r"^\w+: ", "", text)


def test_every_sentence_of_the_api_has_a_chinese_form() -> None:
    missing = {
        text: place
        for text, place in sentences().items()
        if not any(pattern(english).fullmatch(said) for english in CHINESE for said in (text, without_field(text)))
    }
    assert not missing, "expected each of these in zh-TW.sentences.json, with {{name}} for each of its values"


def test_no_chinese_sentence_is_left_whose_english_nobody_says() -> None:
    texts = all_texts() | sentences().keys()
    said = texts | set(map(without_field, texts))
    assert [english for english in CHINESE if not any(map(pattern(english).fullmatch, said))] == []
