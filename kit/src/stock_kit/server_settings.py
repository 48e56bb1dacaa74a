"""Where the servers are that somebody else wrote, and how they are spoken to."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr

from stock_kit.setting_types import DEVELOPMENT_SECRET, Duration, Group, Port


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
