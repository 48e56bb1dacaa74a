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
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource

from stock_kit.model_settings import EtlSettings, GateSettings, MonitoringSettings, RegistrySettings, ServingSettings
from stock_kit.server_settings import (
    ClickHouseSettings,
    KafkaSettings,
    MlflowDbSettings,
    MlflowSettings,
    ModelMetaDbSettings,
    PrefectSettings,
    RawDbSettings,
    RedisSettings,
    S3Settings,
)
from stock_kit.service_settings import (
    AccessSettings,
    AlertSettings,
    Backend1Settings,
    Backend2Settings,
    CelerySettings,
    JobSettings,
    LinksSettings,
    LocalSettings,
    LogSettings,
    OutboxSettings,
    PublisherSettings,
    ReplaySettings,
    WorkflowsSettings,
    WsMonitorSettings,
)
from stock_kit.setting_types import DEVELOPMENT_SECRET, Port

PREFIX = "STOCK_"
DELIMITER = "__"

# Variables whose values no message may repeat.
_HIDDEN = re.compile("SECRET|PASSWORD|API_KEY|WEBHOOK_URL")


class SettingsError(SystemExit):
    """The environment does not describe a valid configuration; the text names every variable at fault."""


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
                for path, value in leaves(self)
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


def leaves(group: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def known_variables() -> dict[str, tuple[str, object]]:
    """Every variable with its meaning and default, in the order of the tree."""
    defaults = Settings.model_construct()
    known: dict[str, tuple[str, object]] = {}
    for path, value in leaves(defaults):
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
