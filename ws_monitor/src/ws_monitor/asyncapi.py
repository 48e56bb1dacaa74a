"""The AsyncAPI document of topics and sockets: ``python -m ws_monitor.asyncapi > docs/asyncapi.json``.

Made from the models that producers, consumers and the sockets use, so that it cannot say anything else than they do.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from stock_kit.events import AlertEvent, Event, MetricsEvent, PredictionEvent, SignalEvent, Topic
from stock_kit.server_settings import KafkaSettings

from ws_monitor import asyncapi_examples as examples
from ws_monitor.channel import CHANNELS
from ws_monitor.frames import ChannelName, Frame
from ws_monitor.gate import FORBIDDEN, POLICY_VIOLATION, TRY_AGAIN_LATER, UNAUTHENTICATED
from ws_monitor.requests import MAX_TICKERS, PING, UNSUPPORTED_DATA, ChooseTickers, Introduction

_DESCRIPTION = """What happens on the platform, as it happens.

Events travel over Kafka, one topic per kind; ws_monitor stores them and pushes them to WebSockets, each replica all of
them. An event may be sent more than once: consumers know it by its id.

The sockets:

- The first frame is a `snapshot`: the newest messages, or the newest of each service on the metrics channel.
- With `?since=CURSOR` of an earlier frame it is an `update` with all that was missed. When the history does not reach
  back so far, a `gap` says so and a `snapshot` follows. Any replica continues any cursor.
- `update` frames follow; what arrives within 100 ms shares one.
- A client that reads too slowly loses its oldest messages and finds a `gap` in their place.
- A `ping` tells every 15 s, and in answer to `ping`, that the line is alive.
"""

_CLOSES = {
    UNSUPPORTED_DATA: "a binary message came; only text is understood",
    POLICY_VIOLATION: "the address or a message cannot be read; the reason says what was expected",
    1009: "a message was too long",
    1012: "the service restarts; connect again with since",
    TRY_AGAIN_LATER: "too many clients, or tickets cannot be checked now",
    UNAUTHENTICATED: "it is not known who calls; connect again with a new ticket",
    FORBIDDEN: "the caller may not read, is a page of another origin, or put a secret into the address",
}

_PRODUCERS = {
    Topic.PREDICTIONS: "backend2 and celery_predict, once a prediction is made",
    Topic.METRICS: "metrics_publisher, one scrape of one service, every 5 s",
    Topic.SIGNALS: "ws_monitor's detectors; the alert desk makes alerts of them",
    Topic.ALERTS: "the alert desk in workflows and backend1, once an alert was raised or changed",
}
_KEYS = {
    Topic.PREDICTIONS: "EXCHANGE:TICKER",
    Topic.METRICS: "the service's name",
    Topic.SIGNALS: "what it is about",
    Topic.ALERTS: "what it is about",
}
_PUSHED: dict[Topic, PredictionEvent | MetricsEvent | AlertEvent] = {
    Topic.PREDICTIONS: examples.PREDICTION,
    Topic.METRICS: examples.METRICS,
    Topic.ALERTS: examples.ALERT,
}
_EVENTS: dict[Topic, Event] = {**_PUSHED, Topic.SIGNALS: examples.SIGNAL}

Json = dict[str, Any]


def document() -> Json:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Stock MLOps", "version": "0.1.0", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {**_topics(), **_sockets()},
        "operations": _operations(),
        "components": {
            "schemas": _schemas(),
            "messages": {**_event_messages(), **_frame_messages(), **_client_messages()},
            "securitySchemes": {
                "ticket": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "ticket",
                    "description": "Good for one socket: POST /api/auth/ws-ticket. A program may send an access token"
                    " as its first message instead. Not asked for where access is off.",
                }
            },
        },
    }


def _servers() -> Json:
    return {
        "kafka": {
            "host": KafkaSettings().bootstrap_servers,
            "protocol": "kafka",
            "description": "Inside; STOCK_KAFKA__BOOTSTRAP_SERVERS names another.",
        },
        "public": {
            "host": "localhost",
            "protocol": "ws",
            "description": "nginx, which the page and the API come from as well.",
            "security": [{"$ref": "#/components/securitySchemes/ticket"}],
        },
    }


def _topics() -> Json:
    return {
        _topic_id(topic): {
            "address": str(topic),
            "summary": f"Key: {_KEYS[topic]}. Sent by {_PRODUCERS[topic]}.",
            "servers": [{"$ref": "#/servers/kafka"}],
            "messages": {"event": {"$ref": f"#/components/messages/{model.__name__}"}},
            "bindings": {"kafka": {"topic": str(topic), "partitions": KafkaSettings().partitions}},
        }
        for topic, model in _models().items()
    }


def _sockets() -> Json:
    return {
        _socket_id(name): {
            "address": f"/ws/{name}",
            "summary": f"The events of {spec.topic}, pushed.",
            "description": "Codes of a close:\n\n" + "\n".join(f"- {code}: {why}" for code, why in _CLOSES.items()),
            "servers": [{"$ref": "#/servers/public"}],
            "messages": {
                "frame": {"$ref": f"#/components/messages/{_frame_id(name)}"},
                "ping": {"$ref": "#/components/messages/Ping"},
                **({} if name is ChannelName.METRICS else {"choose": {"$ref": "#/components/messages/ChooseTickers"}}),
                "introduce": {"$ref": "#/components/messages/Introduction"},
            },
            "bindings": {"ws": {"method": "GET", "query": _query(name)}},
        }
        for name, spec in CHANNELS.items()
    }


def _query(name: ChannelName) -> Json:
    tickers = {
        "type": "string",
        "description": f"EXCHANGE:TICKER, as in US:AAPL; repeatable, or a comma list; at most {MAX_TICKERS}",
    }
    return {
        "type": "object",
        "properties": {
            "since": {"type": "string", "description": "the cursor of the last frame that was read"},
            "ticket": {"type": "string", "description": "opens one socket"},
            **({} if name is ChannelName.METRICS else {"ticker": tickers}),
        },
        "additionalProperties": False,
    }


def _operations() -> Json:
    operations: Json = {}
    for topic in Topic:
        operations[f"publish{topic.name.title()}"] = _operation("send", _topic_id(topic), ["event"])
        operations[f"consume{topic.name.title()}"] = _operation("receive", _topic_id(topic), ["event"])
    for name in ChannelName:
        asks = ["ping", "introduce"] if name is ChannelName.METRICS else ["ping", "choose", "introduce"]
        operations[f"push{name.title()}"] = _operation("send", _socket_id(name), ["frame"])
        operations[f"ask{name.title()}"] = _operation("receive", _socket_id(name), asks)
    return operations


def _operation(action: str, channel: str, messages: list[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"} for message in messages],
    }


def _schemas() -> Json:
    models: list[type[BaseModel]] = [*_models().values(), Frame, ChooseTickers, Introduction]
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    definitions: Json = _without_mappings(schema["$defs"])
    return dict(sorted(definitions.items()))


def _without_mappings(schema: Any) -> Any:
    """AsyncAPI's discriminator is the name alone; OpenAPI's is an object."""
    if isinstance(schema, list):
        return [_without_mappings(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _without_mappings(value) for name, value in schema.items()}
    if isinstance(discriminator := plain.get("discriminator"), dict):
        plain["discriminator"] = discriminator["propertyName"]
    return plain


def _event_messages() -> Json:
    return {
        model.__name__: {
            "name": model.__name__,
            "summary": (model.__doc__ or "").strip().partition("\n")[0],
            "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
            "bindings": {"kafka": {"key": {"type": "string", "description": _KEYS[topic]}}},
            "examples": [{"payload": _EVENTS[topic].model_dump(mode="json")}],
        }
        for topic, model in _models().items()
    }


def _frame_messages() -> Json:
    """A frame, narrowed to one channel's events."""
    return {
        _frame_id(name): {
            "name": _frame_id(name),
            "summary": "From the service to the client.",
            "payload": {
                "allOf": [
                    {"$ref": "#/components/schemas/Frame"},
                    {"properties": {"channel": {"const": str(name)}, "messages": {"items": _holding(spec.model)}}},
                ]
            },
            "examples": [
                {"name": frame.kind.value, "payload": frame.model_dump(mode="json", exclude_none=True)}
                for frame in examples.frames(name, _PUSHED[spec.topic])
            ],
        }
        for name, spec in CHANNELS.items()
    }


def _holding(model: type[Event]) -> Json:
    return {"properties": {"data": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _client_messages() -> Json:
    return {
        "Ping": {
            "name": "Ping",
            "summary": "Answered by a frame of kind ping.",
            "contentType": "text/plain",
            "payload": {"type": "string", "const": PING},
        },
        "ChooseTickers": _asked(ChooseTickers, examples.CHOICE),
        "Introduction": _asked(Introduction, examples.INTRODUCTION),
    }


def _asked(model: type[BaseModel], example: BaseModel) -> Json:
    return {
        "name": model.__name__,
        "summary": " ".join((model.__doc__ or "").split()),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": [{"payload": example.model_dump(mode="json")}],
    }


def _models() -> dict[Topic, type[Event]]:
    return {**{spec.topic: spec.model for spec in CHANNELS.values()}, Topic.SIGNALS: SignalEvent}


def _topic_id(topic: Topic) -> str:
    return f"{topic.name.lower()}Topic"


def _socket_id(name: ChannelName) -> str:
    return f"{name}Socket"


def _frame_id(name: ChannelName) -> str:
    return f"{name.title()}Frame"


def render() -> str:
    """The document as it is kept under ``docs/``."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
