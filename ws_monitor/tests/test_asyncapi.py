from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker
from stock_kit.events import PredictionEvent, Topic
from stock_kit.service_settings import WsMonitorSettings
from ws_monitor.asyncapi import document, render
from ws_monitor.frames import ChannelName
from ws_monitor.hub import Hub
from ws_monitor.memory import MemoryLog
from ws_monitor.records import Place

MakePrediction = Callable[..., PredictionEvent]

KEPT = Path(__file__).parents[2] / "docs" / "asyncapi.json"
DOCUMENT = document()
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def validator(message: str) -> Draft7Validator:
    """Of one message's payload; its references point into the document."""
    return Draft7Validator(
        {**MESSAGES[message]["payload"], "components": DOCUMENT["components"]}, format_checker=FormatChecker()
    )


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_document_that_is_kept_is_current() -> None:
    assert KEPT.read_text() == render(), "run: make documents"


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        target: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target


def test_every_topic_and_every_socket_is_described() -> None:
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    assert addresses == {*map(str, Topic), *(f"/ws/{name}" for name in ChannelName)}


@pytest.mark.parametrize("message", MESSAGES)
def test_the_examples_are_what_the_schemas_say(message: str) -> None:
    for example in MESSAGES[message].get("examples", []):
        validator(message).validate(example["payload"])


def test_a_schema_refuses_what_another_channel_sends() -> None:
    (frame, _) = (example["payload"] for example in MESSAGES["AlertsFrame"]["examples"])
    assert not validator("PredictionsFrame").is_valid(frame)


def test_the_frames_that_are_sent_are_what_the_schema_says(make_prediction: MakePrediction) -> None:
    async def converse() -> list[str]:
        hub = Hub(WsMonitorSettings(frame_interval=timedelta(seconds=1)))
        log = MemoryLog()
        hub.start_at({Place(str(Topic.PREDICTIONS), 0): 0})
        client = hub[ChannelName.PREDICTIONS].join("no cursor", None)  # gap and snapshot
        log.append(Topic.PREDICTIONS, make_prediction())
        hub.receive(log.poll(0, hold=False))
        hub.flush()
        texts = [(await client.next_message())["text"] for _ in range(3)]
        hub.ping()
        return [*texts, (await client.next_message())["text"]]

    frames = [json.loads(text) for text in asyncio.run(converse())]
    assert [frame["kind"] for frame in frames] == ["gap", "snapshot", "update", "ping"]
    for frame in frames:
        validator("PredictionsFrame").validate(frame)
