"""The one settings tree of every service.

Each variable is ``STOCK_<GROUP>__<NAME>`` (``STOCK_KAFKA__BOOTSTRAP_SERVERS``); the defaults are the addresses of the
local profile, so a command typed in a fresh shell finds the stack of ``make demo``. Containers set the same variables
to other addresses. An unknown ``STOCK_*`` variable or a wrong value stops the start with a message that names it.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource

PREFIX = "STOCK_"
DELIMITER = "__"
DEVELOPMENT_SECRET = "stock-dev-only"  # noqa: S105  refused in production

# Scheme, host and port: what a browser writes into the Origin header. A star would let every page in.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")

_WEBHOOK = re.compile(r"(https?://[^\s/]+\S*)?")
# Enough to tell an address from a slip; the mail server knows the rest. No line breaks: they would end a header.
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")

# Variables whose values no message may repeat.
_HIDDEN = re.compile("SECRET|PASSWORD|API_KEY|WEBHOOK_URL")

Port = Annotated[int, Field(ge=1, le=65535)]


def _seconds(value: object) -> object:
    """Accept ``5`` and ``0.5`` from the environment beside ISO 8601, which is all that pydantic reads from text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]


class SettingsError(SystemExit):
    """The environment does not describe a valid configuration; the text names every variable at fault."""


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LogSettings(Group):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe level that is written"
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="json for machines, console for people; auto takes console on a terminal"
    )


class PostgresSettings(Group):
    host: str = Field("127.0.0.1", description="server's address")
    port: Port = Field(5432, description="server's port")
    user: str = Field("stock", description="role")
    password: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), description="the role's password")
    database: str = Field("stock", description="database name")
    pool_size: int = Field(5, ge=1, le=100, description="connections one process keeps open")
    connect_timeout: int = Field(3, ge=2, le=60, description="seconds to wait for a connection")

    @property
    def url(self) -> str:
        """SQLAlchemy URL with the password in clear; never log it."""
        from urllib.parse import quote

        secret = quote(self.password.get_secret_value(), safe="")
        return f"postgresql+psycopg2://{quote(self.user, safe='')}:{secret}@{self.host}:{self.port}/{self.database}"


class RawDbSettings(PostgresSettings):
    port: Port = Field(5412, description="server's port")
    database: str = Field("raw_db", description="database name")


class ModelMetaDbSettings(PostgresSettings):
    port: Port = Field(5411, description="server's port")
    database: str = Field("model_meta_db", description="database name")


class MlflowDbSettings(PostgresSettings):
    port: Port = Field(5422, description="server's port")
    database: str = Field("mlflow", description="database name")


class ClickHouseSettings(Group):
    host: str = Field("127.0.0.1", description="server's address")
    port: Port = Field(8123, description="HTTP port")
    user: str = Field("default", description="user")
    password: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), description="the user's password")
    database: str = Field("stock", description="database name, created by the migrations")
    secure: bool = Field(False, description="true for HTTPS")
    connect_timeout: int = Field(3, ge=1, le=60, description="seconds to wait for a connection")
    query_timeout: int = Field(30, ge=1, le=3600, description="seconds to wait for an answer")


class RedisSettings(Group):
    host: str = Field("127.0.0.1", description="server's address")
    port: Port = Field(6379, description="server's port")
    password: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), description="password")
    broker_db: int = Field(0, ge=0, le=15, description="database of Celery's broker")
    cache_db: int = Field(1, ge=0, le=15, description="database of the caches")
    cache_ttl: Duration = Field(timedelta(hours=1), description="how long a cached value lives (ISO 8601 or seconds)")

    def url(self, db: int) -> str:
        """Redis URL of database number ``db`` with the password in clear; never log it."""
        from urllib.parse import quote

        return f"redis://:{quote(self.password.get_secret_value(), safe='')}@{self.host}:{self.port}/{db}"


class KafkaSettings(Group):
    bootstrap_servers: str = Field("127.0.0.1:9092", description="comma list of host:port")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to talk to the brokers"
    )
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("", description="with SASL_*: which")
    sasl_username: str = Field("", description="with SASL_*: user")
    sasl_password: SecretStr = Field(SecretStr(""), description="with SASL_*: password")
    partitions: int = Field(3, ge=1, le=256, description="partitions of a topic that we create")
    replication_factor: int = Field(1, ge=1, le=5, description="replicas of a topic that we create")
    small_logs: bool = Field(
        True,
        description="keep the newest minutes and megabytes only in topics that we create: the local profile's broker"
        " writes all that it holds to its disk every second or two",
    )
    delivery_timeout: Duration = Field(timedelta(seconds=30), description="how long the producer tries one message")


class S3Settings(Group):
    endpoint_url: str = Field("http://127.0.0.1:9111", description="S3 endpoint")
    access_key: str = Field("stock", description="access key")
    secret_key: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), description="secret key")
    region: str = Field("us-east-1", description="region named in signatures")
    mlflow_bucket: str = Field("mlflow", description="bucket of MLflow's artifacts")
    export_bucket: str = Field("exports", description="bucket of Parquet exports and reports")


class MlflowSettings(Group):
    host: str = Field("127.0.0.1", description="tracking server's address")
    port: Port = Field(5010, description="tracking server's port")
    request_timeout: int = Field(20, ge=1, le=600, description="seconds to wait for an answer")
    prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9-]*$", description="before our names there: of a server that others use too"
    )

    @property
    def tracking_uri(self) -> str:
        return f"http://{self.host}:{self.port}"


class PrefectSettings(Group):
    host: str = Field("127.0.0.1", description="server's address")
    port: Port = Field(4200, description="server's port")
    database: str = Field("prefect", description="its database inside model_meta_db's server")

    @property
    def api_url(self) -> str:
        return f"http://{self.host}:{self.port}/api"


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
        return _with_pairs(data, "targets")


def _with_pairs(data: object, name: str) -> object:
    """The group with what it says as ``a=x,b=y`` taken apart.

    Raises:
        ValueError: an item is no pair.
    """
    if not isinstance(data, dict) or not isinstance(data.get(name), str):
        return data
    pairs = [item.strip() for item in data[name].split(",") if item.strip()]
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise ValueError(f"{name}: expected service=URL, got {bad[0]!r}")
    return {**data, name: dict(pair.split("=", 1) for pair in pairs)}


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


class ServingSettings(Group):
    refresh_interval: Duration = Field(timedelta(seconds=2), description="how often new model versions are looked for")
    retry_after: Duration = Field(timedelta(seconds=5), description="Retry-After of a 503")
    max_days: int = Field(60, ge=1, le=250, description="longest path of sessions one request may ask for")
    expiry_sessions: int = Field(
        63, ge=1, le=2500, description="sessions after its training data for which a model counts as fresh"
    )
    resident_models: int = Field(500, ge=1, le=100_000, description="models one process keeps in memory")
    cache_dir: Path = Field(Path(".local/cache/models"), description="folder of downloaded models; may be lost")


class GateSettings(Group):
    """What a new model version has to pass before it serves in the present one's place."""

    significance: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="a version is refused as worse when a test says so at this level, all horizons counted",
    )
    new_sessions: int = Field(
        250, ge=20, le=5000, description="sessions since the champion's training that suffice to judge on those alone"
    )
    min_sessions: int = Field(40, ge=10, le=5000, description="fewest sessions that a version may be judged on")
    coverage_tolerance: float = Field(
        0.05, gt=0, lt=0.5, description="how far the intervals' realised coverage may be from the stated one"
    )
    random_walk_margin: float = Field(
        0.01, ge=0, lt=1, description="how much larger than the random walk's squared errors may be without saying much"
    )
    max_skill: float = Field(
        0.05, gt=0, lt=1, description="share of the variance explained above which a leak is suspected"
    )
    stale_sessions: int = Field(
        5, ge=0, le=2500, description="sessions that the training data may end before the champion's"
    )
    changed_outcomes: float = Field(
        0.05, gt=0, lt=1, description="share of sessions whose return may differ from what the champion was judged by"
    )


class RegistrySettings(Group):
    retention: Duration = Field(
        timedelta(days=30), description="how long a deleted model can still be brought back before it is purged"
    )


class MonitoringSettings(Group):
    """What is looked at after each session, and from when on it is told."""

    window: int = Field(10, ge=5, le=250, description="newest sessions whose distribution drift is told by")
    false_discovery_rate: float = Field(
        0.02, gt=0, lt=0.5, description="share of the features called drifted that may be so by chance"
    )
    persistence: int = Field(4, ge=1, le=50, description="of the newest persistence_of sessions so many have to drift")
    persistence_of: int = Field(5, ge=1, le=50, description="see persistence")
    error_window: int = Field(60, ge=20, le=1000, description="settled sessions that errors and coverage are told by")
    judged_sessions: int = Field(20, ge=1, le=250, description="newest sessions whose prices and vectors are judged")
    parity_share: float = Field(0.1, gt=0, le=1, description="share of served vectors that is computed again")
    late_after: Duration = Field(
        timedelta(hours=6), description="a session that is not there so long after its close is late"
    )
    replay_every: int = Field(10, ge=1, le=1000, description="the replay is looked at every so many sessions")
    retention: Duration = Field(timedelta(days=730), description="how long what was measured is kept")
    report_retention: Duration = Field(timedelta(days=90), description="how long a report is kept")

    @model_validator(mode="after")
    def _possible(self) -> MonitoringSettings:
        if self.persistence > self.persistence_of:
            raise ValueError(f"persistence: expected at most {self.persistence_of} (persistence_of)")
        return self


class EtlSettings(Group):
    export_dir: Path = Field(Path(".local/exports"), description="folder of the Parquet exports")
    overlap_sessions: int = Field(10, ge=1, le=250, description="stored sessions fetched again by an incremental load")
    concurrency: int = Field(2, ge=1, le=32, description="tickers loaded at once")
    daily_source: Literal["", "yfinance"] = Field(
        "yfinance", description="whose instruments are loaded after each close of their exchange; empty: none"
    )
    source_concurrency: int = Field(
        1, ge=1, le=32, description="loads from one outside source at once, over all runs and replicas"
    )
    yfinance_rate: float = Field(0.4, gt=0, le=10, description="requests per second to Yahoo")
    max_move: float = Field(0.5, gt=0, le=10, description="a move beyond this share without a split is quarantined")


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


Link = Annotated[str, Field(pattern=r"^(https?://\S+)?$")]


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
        return _with_pairs(data, "probes")


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


class Settings(BaseSettings):
    """The whole tree. Read it with :func:`load_settings`, which turns errors into messages that name variables."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="ignore", frozen=True, populate_by_name=True
    )

    environment: Literal["development", "production"] = Field(
        "development", description="production refuses the development secrets"
    )
    root: Path = Field(Path(), description="holds db/, nginx/ and the built frontend; default: the checkout")
    http_port: Port = Field(
        8088, validation_alias=AliasChoices("HTTP_PORT", "http_port"), description="nginx's port (containers: 80)"
    )
    log: LogSettings = LogSettings()
    raw_db: RawDbSettings = RawDbSettings()
    model_meta_db: ModelMetaDbSettings = ModelMetaDbSettings()
    mlflow_db: MlflowDbSettings = MlflowDbSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    redis: RedisSettings = RedisSettings()
    kafka: KafkaSettings = KafkaSettings()
    s3: S3Settings = S3Settings()
    mlflow: MlflowSettings = MlflowSettings()
    prefect: PrefectSettings = PrefectSettings()
    backend1: Backend1Settings = Backend1Settings()
    backend2: Backend2Settings = Backend2Settings()
    ws_monitor: WsMonitorSettings = WsMonitorSettings()
    publisher: PublisherSettings = PublisherSettings()
    workflows: WorkflowsSettings = WorkflowsSettings()
    celery: CelerySettings = CelerySettings()
    jobs: JobSettings = JobSettings()
    outbox: OutboxSettings = OutboxSettings()
    serving: ServingSettings = ServingSettings()
    gate: GateSettings = GateSettings()
    registry: RegistrySettings = RegistrySettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    etl: EtlSettings = EtlSettings()
    replay: ReplaySettings = ReplaySettings()
    access: AccessSettings = AccessSettings()
    alerts: AlertSettings = AlertSettings()
    links: LinksSettings = LinksSettings()
    local: LocalSettings = LocalSettings()

    @model_validator(mode="after")
    def _refuse_development_secrets(self) -> Settings:
        if self.environment == "production":
            weak = [
                variable_name(path)
                for path, value in _leaves(self)
                if isinstance(value, SecretStr) and value.get_secret_value() == DEVELOPMENT_SECRET
            ]
            if weak:
                raise ValueError(f"production needs secrets of its own in {', '.join(weak)}")
        return self

    def path(self, relative: Path | str) -> Path:
        """An absolute path: as given when absolute, else below the project's root."""
        return (project_root() if self.root == Path() else self.root) / relative


def project_root() -> Path:
    """The checkout that this package is installed from in editable mode, else the working directory."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "db" / "clickhouse").is_dir():
            return folder
    return Path.cwd()


def variable_name(path: tuple[str, ...]) -> str:
    """The environment variable of a field: ``("kafka", "partitions")`` is ``STOCK_KAFKA__PARTITIONS``."""
    return "HTTP_PORT" if path == ("http_port",) else PREFIX + DELIMITER.join(path).upper()


def _leaves(group: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def known_variables() -> dict[str, tuple[str, object]]:
    """Every variable with its meaning and default, in the order of the tree."""
    defaults = Settings.model_construct()
    known: dict[str, tuple[str, object]] = {}
    for path, value in _leaves(defaults):
        model: type[BaseModel] = Settings
        for name in path[:-1]:
            model = type(getattr(model.model_construct(), name))
        known[variable_name(path)] = (model.model_fields[path[-1]].description or "", value)
    return known


def _check_names(environ: Mapping[str, str]) -> list[str]:
    known = known_variables()
    problems = []
    for name in environ:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            problems.append(f"{name}: unknown setting" + (f"; did you mean {near[0]}?" if near else ""))
    return problems


def _describe(error: ErrorDetails) -> str:
    path = tuple(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if not path:
        return message
    name = "HTTP_PORT" if path[0] == "HTTP_PORT" else variable_name(path)
    # A whole group may hold a secret among its values.
    hidden = _HIDDEN.search(name) or isinstance(error["input"], dict)
    value = "" if hidden else f" (got {error['input']!r})"
    return f"{name}: {message}{value}"


def _env_file() -> Path | None:
    file = project_root() / ".env"
    return file if file.is_file() else None


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the environment, then ``.env`` in the project's root.

    Raises:
        SettingsError: a variable is unknown or holds a wrong value; the text names each of them.
    """
    env_file = env_file or _env_file()
    environ = dict(os.environ)
    if env_file is not None:
        values = DotEnvSettingsSource(Settings, env_file=env_file, case_sensitive=True).env_vars
        environ = {**{key: value for key, value in values.items() if value is not None}, **environ}
    problems = _check_names(environ)
    if not problems:
        try:
            return Settings(_env_file=env_file)
        except ValidationError as error:
            problems = [_describe(item) for item in error.errors()]
    raise SettingsError("The settings are not valid:\n" + "\n".join(f"  {problem}" for problem in problems))


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()


def format_value(value: object) -> str:
    """A default as one writes it in an env file."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value == Path() else str(value)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give another process exactly these settings, passwords included."""
    return {variable_name(path): format_value(value) for path, value in _leaves(settings)}


def env_example() -> str:
    """The text of ``.env.example``: every variable, commented out, with its meaning and default."""
    lines = [
        "# Settings of Stock MLOps. Copy to .env and uncomment what you change; every profile reads the same names.",
        "# Durations are seconds or ISO 8601 (PT5S).",
    ]
    group = ""
    for name, (meaning, value) in known_variables().items():
        head = name.removeprefix(PREFIX).split(DELIMITER)[0] if DELIMITER in name else ""
        if head != group:
            group = head
            lines += ["", f"# --- {head.lower()} ---"]
        lines += [f"# {meaning}", f"#{name}={format_value(value)}"]
    return "\n".join(lines) + "\n"
