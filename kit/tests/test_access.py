from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from stock_kit.access import SCOPES, Role, Scope, access_secrets, client_key, secrets_file, signing_key
from stock_kit.service_settings import AccessSettings, LocalSettings
from stock_kit.settings import Settings, SettingsError, load_settings


def settings(folder: Path, environment: str = "development", **access: Any) -> Settings:
    return Settings.model_construct(
        environment=environment, access=AccessSettings(**access), local=LocalSettings(data_dir=folder)
    )


def test_a_viewer_reads_and_predicts_and_an_operator_does_everything() -> None:
    assert SCOPES[Role.VIEWER] == {Scope.READ, Scope.PREDICT}
    assert SCOPES[Role.OPERATOR] == set(Scope)


def test_the_local_profile_makes_its_secrets_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = access_secrets(settings(tmp_path, enabled=True))
    assert access_secrets(settings(tmp_path, enabled=True)) == made
    assert len(made.signing_key) >= 32
    assert stat.S_IMODE(secrets_file(settings(tmp_path)).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["access.json"]


def test_secrets_that_are_given_are_taken(tmp_path: Path) -> None:
    own = access_secrets(
        settings(
            tmp_path, secret=SecretStr("s" * 32), api_key=SecretStr("a" * 32), admin_password=SecretStr("long enough")
        )
    )
    assert (own.signing_key, own.api_key, own.admin_password) == ("s" * 32, "a" * 32, "long enough")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("short", ["", "short"])
def test_a_short_secret_stops_the_start_and_is_not_told(tmp_path: Path, short: str) -> None:
    with pytest.raises(SettingsError, match=r"STOCK_ACCESS__SECRET: expected at least 32 characters, got \d;") as error:
        access_secrets(settings(tmp_path, "production", secret=SecretStr(short), api_key=SecretStr("a" * 32)))
    assert "short;" not in str(error.value)


def test_a_program_that_verifies_tokens_needs_no_other_secret_of_access(tmp_path: Path) -> None:
    without_key = settings(tmp_path, "production", secret=SecretStr("s" * 32), api_key=SecretStr(""))
    assert signing_key(without_key) == "s" * 32
    with pytest.raises(SettingsError, match="STOCK_ACCESS__API_KEY: expected at least 32 characters, got 0;"):
        access_secrets(without_key)
    with pytest.raises(SettingsError, match="STOCK_ACCESS__SECRET: expected at least 32 characters, got 5;"):
        signing_key(settings(tmp_path, "production", secret=SecretStr("short")))


def test_production_without_a_password_leaves_it_to_the_first_start(tmp_path: Path) -> None:
    own = access_secrets(settings(tmp_path, "production", secret=SecretStr("s" * 32), api_key=SecretStr("a" * 32)))
    assert own.admin_password == ""
    assert not list(tmp_path.iterdir())


def test_programs_send_no_key_while_access_is_off_and_the_platforms_when_it_is_on(tmp_path: Path) -> None:
    assert client_key(settings(tmp_path)) is None
    on = settings(tmp_path, enabled=True)
    assert client_key(on) == access_secrets(on).api_key
    assert client_key(settings(tmp_path, api_key=SecretStr("one's own"))) == "one's own"


@pytest.mark.parametrize("origin", ["*", "desk.example", "https://desk.example/page", "https://a.example b.example"])
def test_an_origin_is_scheme_host_and_port(origin: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.env").touch()
    monkeypatch.setenv("STOCK_ACCESS__CORS_ORIGINS", f"https://ok.example,{origin}")
    with pytest.raises(SettingsError, match="STOCK_ACCESS__CORS_ORIGINS: expected origins like"):
        load_settings(tmp_path / "empty.env")


def test_origins_are_a_comma_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.env").touch()
    monkeypatch.setenv("STOCK_ACCESS__SOCKET_ORIGINS", "https://a.example, http://127.0.0.1:5173/")
    assert load_settings(tmp_path / "empty.env").access.socket_origins == ("https://a.example", "http://127.0.0.1:5173")
