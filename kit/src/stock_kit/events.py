"""What travels over Kafka: topics, keys, and the schemas that producers and consumers share.

A value is the JSON of one of these models. Consumers ignore fields that they do not know, so that a newer producer may
run beside an older consumer; a producer sends only what the schema names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Topic(StrEnum):
    PREDICTIONS = "stock.predictions"
    METRICS = "stock.metrics"
    SIGNALS = "stock.signals"
    """What the stream detectors see; only the alert desk listens."""
    ALERTS = "stock.alerts"


class Event(BaseModel, ABC):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @property
    @abstractmethod
    def key(self) -> str:
        """The Kafka key: events of one key keep their order."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Equal when the same event is sent twice, so that consumers can deduplicate."""

    @property
    @abstractmethod
    def occurred_at(self) -> datetime:
        """Wall time at which the event was made."""


class PredictionEvent(Event):
    """One forecast of one instrument, one horizon ahead. Immutable; ``prediction_id`` makes it unique everywhere."""

    type: Literal["prediction"] = "prediction"
    prediction_id: UUID
    exchange: str = Field(description="market code, e.g. US")
    ticker: str
    made_at: AwareDatetime = Field(description="wall time")
    as_of: date = Field(description="the session whose close the forecast starts from")
    target_session: date = Field(description="the session whose close is forecast")
    horizon: int = Field(ge=1, description="sessions from as_of to target_session")
    last_close: float = Field(gt=0, description="close of as_of, unadjusted, in the instrument's currency")
    predicted_return: float = Field(description="log return from as_of to target_session")
    predicted_close: float = Field(gt=0, description="last_close * exp(predicted_return)")
    lower: float | None = Field(None, description="lower end of the interval on the close; null without one")
    upper: float | None = Field(None, description="upper end")
    level: float | None = Field(None, gt=0, lt=1, description="stated coverage of the interval, e.g. 0.9")
    levels: tuple[float, ...] = Field((), description="stated coverages of all intervals, ascending")
    lowers: tuple[float, ...] = Field((), description="lower ends of the intervals at these levels")
    uppers: tuple[float, ...] = Field((), description="upper ends")
    adapted_through: date | None = Field(
        None, description="last session whose outcome the intervals were adapted to; null: not adapted"
    )
    probability_up: float | None = Field(None, ge=0, le=1)
    model_name: str = Field(description="registered model, or random_walk when none serves the ticker")
    model_version: str | None = None
    model_type: str
    run_id: str | None = Field(None, description="MLflow run that trained the model")
    fallback: bool = Field(False, description="true when no trained model serves the ticker")
    feature_version: str
    data_version: str = Field(description="version of the rows that the feature vector came from")
    inputs: tuple[float, ...] = Field((), description="what the model was given, in the order of its features")
    stale: bool = Field(False, description="true when the model is past its expiry")
    out_of_range: tuple[str, ...] = Field(
        (), description="features with a value beyond everything the model was trained on"
    )
    origin: Literal["api", "job", "replay"] = "api"
    job_id: UUID | None = None

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.ticker}"

    @property
    def identity(self) -> str:
        return str(self.prediction_id)

    @property
    def occurred_at(self) -> datetime:
        return self.made_at


class MetricsEvent(Event):
    """One scrape of one service's ``/metrics``, flattened."""

    type: Literal["metrics"] = "metrics"
    service: str
    instance: str = Field(description="address scraped")
    scraped_at: AwareDatetime
    up: bool = Field(description="false when the service did not answer; samples are empty then")
    duration_seconds: float = Field(ge=0)
    error: str | None = None
    samples: dict[str, float] = Field(default_factory=dict, description='keys like http_requests_total{route="/x"}')

    @property
    def key(self) -> str:
        return self.service

    @property
    def identity(self) -> str:
        return f"{self.service}@{self.instance}@{self.scraped_at.isoformat()}"

    @property
    def occurred_at(self) -> datetime:
        return self.scraped_at


class Severity(StrEnum):
    """From the least to the most severe."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class SignalEvent(Event):
    """A stream detector's word on one condition: that it holds, or that it does not.

    Said again now and then while the condition holds, and by whichever replica looks at the moment: the alert desk
    makes one alert of all that bear the same fingerprint.
    """

    type: Literal["signal"] = "signal"
    detector: str
    fingerprint: str = Field(description="equal for the same condition, whoever sees it")
    subject: str = Field(description="what was looked at: EXCHANGE:TICKER, or a service's name")
    holds: bool = Field(description="false: the condition does not hold (any more)")
    severity: Severity
    title: str
    detail: str
    seen_at: AwareDatetime = Field(description="wall time of what was looked at")
    lasts_seconds: float = Field(gt=0, description="the condition counts as over when not confirmed for so long")
    exchange: str | None = None
    ticker: str | None = None
    service: str | None = None
    value: float | None = None
    threshold: float | None = None

    @property
    def key(self) -> str:
        return self.subject

    @property
    def identity(self) -> str:
        return f"{self.fingerprint}@{self.seen_at.isoformat()}:{self.holds}"

    @property
    def occurred_at(self) -> datetime:
        return self.seen_at


class AlertState(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class AlertChange(StrEnum):
    RAISED = "raised"
    ESCALATED = "escalated"
    """Its severity rose."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    """Its condition came back within the cool-down."""
    ACKNOWLEDGED = "acknowledged"


class AlertEvent(Event):
    """An alert changed, and how it stands now. The newest revision of an ``alert_id`` is all that counts."""

    type: Literal["alert"] = "alert"
    event_id: UUID = Field(description="of this change")
    alert_id: UUID = Field(description="of the alert, through all its changes")
    revision: int = Field(ge=0, description="1 for the first change of an alert; 0: from an earlier release")
    change: AlertChange
    state: AlertState
    changed_at: AwareDatetime
    fingerprint: str = Field(description="of the condition; at most one firing alert bears it")
    severity: Severity
    detector: str
    subject: str = Field(description="what was looked at: EXCHANGE:TICKER, or a service's name")
    title: str
    detail: str
    raised_at: AwareDatetime
    resolved_at: AwareDatetime | None = None
    count: int = Field(ge=1, description="how often the condition was seen")
    exchange: str | None = None
    ticker: str | None = None
    service: str | None = None
    value: float | None = None
    threshold: float | None = None
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: str | None = None
    comment: str | None = Field(None, description="of who acknowledged it")

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.ticker}" if self.ticker else (self.service or self.detector)

    @property
    def identity(self) -> str:
        return str(self.event_id)

    @property
    def occurred_at(self) -> datetime:
        return self.changed_at
