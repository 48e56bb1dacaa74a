from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from stock_kit.server_settings import RedisSettings
from stock_kit.settings import PREFIX, Settings, SettingsError, known_variables, load_settings, project_root
from stock_kit.settings_listing import env_example, environment


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in os.environ:
        if name.startswith(PREFIX) or name == "HTTP_PORT":
            monkeypatch.delenv(name)
    return


@pytest.fixture
def no_file(tmp_path: Path) -> Path:
    """An env file that says nothing, so that the checkout's own does not speak."""
    file = tmp_path / "empty.env"
    file.touch()
    return file


def test_the_defaults_are_the_local_profile(no_file: Path) -> None:
    settings = load_settings(no_file)
    assert settings.backend1.url == "http://127.0.0.1:8001"
    assert settings.model_meta_db.url == "postgresql+psycopg2://stock:stock-dev-only@127.0.0.1:5411/model_meta_db"
    assert settings.redis.url(1) == "redis://:stock-dev-only@127.0.0.1:6379/1"
    assert settings.http_port == 8088


def test_a_variable_beats_the_file_and_the_file_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.env"
    file.write_text("STOCK_REDIS__PORT=7000\nSTOCK_KAFKA__PARTITIONS=6\n")
    monkeypatch.setenv("STOCK_REDIS__PORT", "7001")
    settings = load_settings(file)
    assert (settings.redis.port, settings.kafka.partitions, settings.redis.cache_db) == (7001, 6, 1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("STOCK_KAFKA__PARTITION", "3", r"STOCK_KAFKA__PARTITION: unknown .* STOCK_KAFKA__PARTITIONS\?"),
        ("STOCK_REDIS__PORT", "99999", r"STOCK_REDIS__PORT: .*65535 \(got '99999'\)"),
        ("STOCK_LOG__LEVEL", "LOUD", r"STOCK_LOG__LEVEL: .*'DEBUG', 'INFO'"),
        ("HTTP_PORT", "no", r"HTTP_PORT: .*\(got 'no'\)"),
        ("STOCK_JOBS__LEASE", "-1", r"STOCK_JOBS__LEASE: "),
        ("STOCK_PUBLISHER__TARGETS", "backend1", r"STOCK_PUBLISHER: targets: expected service=URL, got 'backend1'"),
        ("STOCK_LINKS__PROBES", "grafana", r"STOCK_LINKS: probes: expected service=URL, got 'grafana'"),
        ("STOCK_ALERTS__EMAIL_TO", "ops@desk.example", r"STOCK_ALERTS__SMTP_HOST: expected the mail server"),
        ("STOCK_ALERTS__EMAIL_TO", "ops@desk.example,nobody", r"STOCK_ALERTS__EMAIL_TO: .* got 'nobody'"),
        ("STOCK_ALERTS__EMAIL_FROM", "a@b\nBcc: c@d", r"STOCK_ALERTS__EMAIL_FROM: expected mail addresses"),
        ("STOCK_ENVIRONMENT", "production", r"production needs secrets of its own in .*STOCK_REDIS__PASSWORD"),
    ],
)  # fmt: skip
def test_a_wrong_variable_stops_the_start_and_is_named(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch, no_file: Path
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        load_settings(no_file)


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch, no_file: Path) -> None:
    monkeypatch.setenv("STOCK_REDIS__PORT", "x")
    monkeypatch.setenv("STOCK_S3__ENDPOINT_URL", "http://s3:1")
    monkeypatch.setenv("STOCK_JOBS__MAX_ATTEMPTS", "0")
    with pytest.raises(SettingsError) as error:
        load_settings(no_file)
    assert "STOCK_REDIS__PORT" in str(error.value)
    assert "STOCK_JOBS__MAX_ATTEMPTS" in str(error.value)


def test_a_wrong_password_is_not_printed(monkeypatch: pytest.MonkeyPatch, no_file: Path) -> None:
    monkeypatch.setenv("STOCK_ENVIRONMENT", "production")
    monkeypatch.setenv("STOCK_REDIS__PASSWORD", "hunter2")
    with pytest.raises(SettingsError) as error:
        load_settings(no_file)
    assert "hunter2" not in str(error.value)


def test_a_wrong_key_is_not_printed(monkeypatch: pytest.MonkeyPatch, no_file: Path) -> None:
    monkeypatch.setenv("STOCK_ENVIRONMENT", "production")
    monkeypatch.setenv("STOCK_ACCESS__API_KEY", "hunter2")
    monkeypatch.setenv("STOCK_ACCESS__LOGIN_ATTEMPTS", "none")
    with pytest.raises(SettingsError, match="STOCK_ACCESS__LOGIN_ATTEMPTS") as error:
        load_settings(no_file)
    assert "hunter2" not in str(error.value)


def test_no_secret_of_the_receivers_of_alerts_is_printed(monkeypatch: pytest.MonkeyPatch, no_file: Path) -> None:
    monkeypatch.setenv("STOCK_ALERTS__WEBHOOK_URL", "hooks.desk.example/hunter2")
    monkeypatch.setenv("STOCK_ALERTS__SMTP_PASSWORD", "hunter2")
    monkeypatch.setenv("STOCK_ALERTS__EMAIL_TO", "ops@desk.example")
    with pytest.raises(SettingsError, match="STOCK_ALERTS__WEBHOOK_URL: expected an address") as error:
        load_settings(no_file)
    assert "hunter2" not in str(error.value)
    monkeypatch.setenv("STOCK_ALERTS__WEBHOOK_URL", "https://hooks.desk.example/hunter2")
    monkeypatch.setenv("STOCK_ALERTS__SMTP_HOST", "mail.desk.example")
    assert "hunter2" not in repr(load_settings(no_file))


@pytest.mark.parametrize(("text", "seconds"), [("0.5", 0.5), ("90", 90), ("PT2M", 120)])
def test_a_duration_is_seconds_or_iso_8601(
    text: str, seconds: float, monkeypatch: pytest.MonkeyPatch, no_file: Path
) -> None:
    monkeypatch.setenv("STOCK_JOBS__LEASE", text)
    assert load_settings(no_file).jobs.lease == timedelta(seconds=seconds)


def test_a_password_with_any_character_makes_a_valid_url() -> None:
    assert RedisSettings(password=SecretStr("p@ss:/word")).url(0) == "redis://:p%40ss%3A%2Fword@127.0.0.1:6379/0"


def test_the_environment_gives_another_process_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, no_file: Path
) -> None:
    monkeypatch.setenv("STOCK_JOBS__LEASE", "0.25")
    monkeypatch.setenv("STOCK_PUBLISHER__TARGETS", "a=http://a:1/metrics,b=http://b:2/metrics")
    monkeypatch.setenv("STOCK_REDIS__PASSWORD", "x y")
    monkeypatch.setenv("HTTP_PORT", "8099")
    settings = load_settings(no_file)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings(no_file) == settings


def test_the_environment_names_every_variable(no_file: Path) -> None:
    assert set(environment(load_settings(no_file))) == set(known_variables())


def test_every_variable_has_a_meaning() -> None:
    assert [name for name, (meaning, _) in known_variables().items() if not meaning] == []


def test_env_example_is_what_the_settings_say() -> None:
    """Written by ``make env-example``."""
    assert (project_root() / ".env.example").read_text() == env_example()


def test_env_example_uncommented_is_the_default(tmp_path: Path, no_file: Path) -> None:
    file = tmp_path / "all.env"
    lines = [line[1:] if line.startswith(("#STOCK_", "#HTTP_PORT")) else line for line in env_example().splitlines()]
    file.write_text("\n".join(lines))
    assert load_settings(file) == load_settings(no_file)


def test_a_relative_path_is_below_the_checkout(no_file: Path, tmp_path: Path) -> None:
    settings = load_settings(no_file)
    assert settings.path("db/clickhouse").is_dir()
    assert settings.path(tmp_path) == tmp_path
    elsewhere = Settings.model_construct(root=tmp_path)
    assert elsewhere.path("db") == tmp_path / "db"
