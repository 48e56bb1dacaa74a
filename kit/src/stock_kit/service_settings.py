"""How our own services run, reach each other, and deal with who calls them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import NoDecode

from stock_kit.setting_types import DEVELOPMENT_SECRET, Duration, Group, Link, Port, with_pairs

# Scheme, host and port: what a browser writes into the Origin header. A star would let every page in.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
_WEBHOOK = re.compile(r"(https?://[^\s/]+\S*)?")
# Enough to tell an address from a slip; the mail server knows the rest. No line breaks: they would end a header.
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")


class LogSettings(Group):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe level that is written"
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="json for machines, console for people; auto takes console on a terminal"
    )


class BackendSettings(Group):
    """One of the two HTTP backends."""

    host: str = Field("127.0.0.1", description="address to listen on, and to be reached at by the other services")
    port: Port = Field(8001, description="port")
    workers: int = Field(1, ge=1, le=64, description="processes")

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


class Backend1Settings(BackendSettings):
    port: Port = Field(8001, description="port")


class Backend2Settings(BackendSettings):
    port: Port = Field(8002, description="port")


class WsMonitorSettings(Group):
    host: str = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(8010, description="port")
    history: int = Field(1000, ge=10, le=100_000, description="messages kept per channel for clients that resume")
    client_queue: int = Field(1000, ge=10, le=100_000, description="messages waiting per client before the oldest go")
    frame_interval: Duration = Field(timedelta(milliseconds=100), description="messages within it share one frame")
    sink_batch: int = Field(5000, ge=1, le=100_000, description="most rows of one insert into ClickHouse")
    sink_interval: Duration = Field(timedelta(milliseconds=500), description="longest wait before an insert")

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


class PublisherSettings(Group):
    host: str = Field("127.0.0.1", description="address its own /metrics listens on")
    port: Port = Field(8013, description="port of its own /metrics")
    interval: Duration = Field(timedelta(seconds=5), description="time between two scrapes")
    targets: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="comma list of service=URL to scrape; empty: every service of ours that has /metrics",
    )

    @model_validator(mode="before")
    @classmethod
    def _parse_targets(cls, data: object) -> object:
        return with_pairs(data, "targets")


class WorkflowsSettings(Group):
    host: str = Field("127.0.0.1", description="address its /metrics listens on")
    port: Port = Field(8014, description="port of its /metrics")


class CelerySettings(Group):
    host: str = Field("127.0.0.1", description="address the workers' /metrics and Flower listen on")
    train_host: str = Field("127.0.0.1", description="address at which the others reach celery_train's /metrics")
    predict_host: str = Field("127.0.0.1", description="address at which the others reach celery_predict's /metrics")
    train_metrics_port: Port = Field(8011, description="port of celery_train's /metrics")
    predict_metrics_port: Port = Field(8012, description="port of celery_predict's /metrics")
    train_concurrency: int = Field(1, ge=1, le=64, description="trainings at once per worker")
    predict_concurrency: int = Field(2, ge=1, le=64, description="long predictions at once per worker")
    flower_port: Port = Field(5555, description="Flower's port")


class JobSettings(Group):
    lease: Duration = Field(timedelta(seconds=30), description="a running job not heard of for so long is queued again")
    heartbeat: Duration = Field(timedelta(seconds=5), description="how often a worker renews its lease")
    reap_interval: Duration = Field(timedelta(seconds=5), description="how often lost jobs are looked for")
    pending_resend: Duration = Field(
        timedelta(seconds=20), description="a pending job that no worker took is sent again after so long"
    )
    max_attempts: int = Field(5, ge=1, le=100, description="runs of one job before it is failed")
    retention: Duration = Field(timedelta(days=7), description="how long a finished job's result is kept")
    remembered: Duration = Field(
        timedelta(days=90), description="how long after that its id is still known, and answered by 410 (gone)"
    )


class OutboxSettings(Group):
    confirm_interval: Duration = Field(timedelta(seconds=2), description="how often ClickHouse is asked for ids")
    resend_after: Duration = Field(timedelta(seconds=5), description="an unconfirmed event is sent again after so long")
    commit_batch: int = Field(500, ge=1, le=10_000, description="most rows of one shared commit")


class ReplaySettings(Group):
    """The sample source is replayed: its market clock stands in the past and moves one session at a time."""

    enabled: bool = Field(True, description="whether the workflows service moves the replay clock")
    start: date = Field(date(2012, 6, 29), description="last session already released when the replay begins")
    seconds_per_session: float = Field(5.0, ge=0.2, le=86_400, description="real seconds between two sessions")
    predict: bool = Field(True, description="ask backend2 for a prediction after each released session")


class AccessSettings(Group):
    """Who may call the API and open its sockets. Switched off, everything is open to whoever reaches the ports."""

    enabled: bool = Field(False, description="ask callers who they are; containers: on")
    secret: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET),
        description="signs access tokens, 32 characters or more; local: made when needed",
    )
    api_key: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET),
        description="key that the command line and our services send, and that the backends take from them",
    )
    admin_name: str = Field("admin", min_length=1, max_length=64, description="first account, an operator")
    admin_password: SecretStr = Field(
        SecretStr(""), description="its first password; empty: one is made, and shown once when it is"
    )
    token_lifetime: Duration = Field(timedelta(minutes=15), description="how long an access token is good for")
    refresh_lifetime: Duration = Field(timedelta(days=7), description="how long one stays logged in without coming by")
    ticket_lifetime: Duration = Field(timedelta(seconds=30), description="how long a WebSocket's ticket is good for")
    socket_lifetime: Duration = Field(timedelta(hours=1), description="after so long a WebSocket has to come in again")
    reads_per_minute: int = Field(1200, ge=1, le=1_000_000, description="reading calls of one key or account")
    changes_per_minute: int = Field(120, ge=1, le=1_000_000, description="changing calls of one key or account")
    predictions_per_minute: int = Field(30_000, ge=1, le=10_000_000, description="predictions of one key or account")
    login_attempts: int = Field(
        10,
        ge=1,
        le=1000,
        description="log-ins per account that may fail in login_window; three times as many per address",
    )
    login_window: Duration = Field(timedelta(minutes=5), description="how long a failed log-in counts")
    body_limit: int = Field(1_048_576, ge=1024, le=2**30, description="largest body of a request in bytes")
    upload_limit: int = Field(67_108_864, ge=1024, le=2**33, description="largest body of an upload in bytes")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma list of origins whose pages may call the API (https://desk.example); empty: our own page"
    )
    socket_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma list of origins whose pages may open sockets, beside our own page"
    )
    audit_retention: Duration = Field(timedelta(days=365), description="how long the audit log keeps a call")

    @field_validator("cors_origins", "socket_origins", mode="before")
    @classmethod
    def _parse_origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        origins = tuple(item.strip().rstrip("/") for item in value.split(",") if item.strip())
        if bad := [origin for origin in origins if not _ORIGIN.fullmatch(origin)]:
            raise ValueError(f"expected origins like https://desk.example:8443, got {bad[0]!r}")
        return origins


class AlertSettings(Group):
    """When an alert is over, and who is told of alerts outside of the platform."""

    cool_down: Duration = Field(
        timedelta(minutes=10), description="a condition that is back within it reopens its alert, and is told after it"
    )
    expire_after: Duration = Field(
        timedelta(days=7), description="an alert that no check has confirmed for so long is resolved"
    )
    retention: Duration = Field(timedelta(days=365), description="how long a resolved alert is kept")
    least_severity: Literal["info", "warning", "critical"] = Field(
        "warning", description="alerts below it are not sent to the receivers"
    )
    group_window: Duration = Field(timedelta(seconds=30), description="alerts within it share one message")
    retry_for: Duration = Field(timedelta(hours=6), description="how long a message is tried before it is given up")
    # Addresses of chat services are secrets themselves.
    webhook_url: SecretStr = Field(SecretStr(""), description="where alerts are posted to as JSON; empty: nowhere")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="signs what is posted (X-Stock-Signature: HMAC-SHA256); empty: no signature"
    )
    webhook_timeout: Duration = Field(timedelta(seconds=10), description="how long the webhook may take to answer")
    email_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma list of addresses that alerts are mailed to; empty: nobody"
    )
    email_from: str = Field("stock-mlops@localhost", description="sender of those mails")
    smtp_host: str = Field("", validate_default=True, description="mail server; needed with EMAIL_TO")
    smtp_port: Port = Field(587, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the mail server is spoken to"
    )
    smtp_user: str = Field("", description="user at the mail server; empty: no log-in")
    smtp_password: SecretStr = Field(SecretStr(""), description="that user's password")
    link: Link = Field("", description="address of the dashboard, for links in messages")

    @field_validator("webhook_url")
    @classmethod
    def _check_webhook(cls, value: SecretStr) -> SecretStr:
        if not _WEBHOOK.fullmatch(value.get_secret_value()):
            raise ValueError("expected an address like https://desk.example/hooks/stock")
        return value

    @field_validator("email_to", mode="before")
    @classmethod
    def _parse_addresses(cls, value: object) -> object:
        return tuple(item.strip() for item in value.split(",") if item.strip()) if isinstance(value, str) else value

    @field_validator("email_to", "email_from")
    @classmethod
    def _check_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        addresses = (value,) if isinstance(value, str) else value
        if bad := [address for address in addresses if not _ADDRESS.fullmatch(address)]:
            raise ValueError(f"expected mail addresses like ops@desk.example, got {bad[0]!r}")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _check_server(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("email_to") and not value:
            raise ValueError("expected the mail server that STOCK_ALERTS__EMAIL_TO needs")
        return value


class LinksSettings(Group):
    """Other user interfaces, by the address at which a browser reaches them."""

    mlflow: Link = Field("", description="MLflow; empty: the address that the services use")
    prefect: Link = Field("", description="Prefect; empty: the address that the services use")
    flower: Link = Field("", description="Flower; empty: there is none")
    grafana: Link = Field("", description="Grafana; empty: there is none")
    prometheus: Link = Field("", description="Prometheus; empty: there is none")
    kafka_ui: Link = Field("", description="Kafka UI; empty: there is none")
    minio: Link = Field("", description="MinIO's console; empty: there is none")
    probes: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="comma list of name=URL that tells the services whether an interface answers; its link otherwise",
    )

    @model_validator(mode="before")
    @classmethod
    def _parse_probes(cls, data: object) -> object:
        return with_pairs(data, "probes")


class LocalSettings(Group):
    data_dir: Path = Field(Path(".local"), description="data, logs and pids of the local profile")
    http_host: str = Field("127.0.0.1", description="address nginx listens on")
    s3_internal_port: int = Field(
        19330, ge=1, le=65528, description="first of eight ports in a row that SeaweedFS's parts talk over"
    )
    monitoring: bool = Field(
        True, description="start the machine's Prometheus and blackbox exporter where they are installed"
    )
    prometheus_port: Port = Field(9090, description="port of that Prometheus; taken already: it is left out")
    blackbox_port: Port = Field(9115, description="port of that blackbox exporter; taken already: it is left out")
