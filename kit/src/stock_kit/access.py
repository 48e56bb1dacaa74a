"""Who may do what, and the secrets that decide it: shared by the backends, ws_monitor and the command line."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from pydantic import SecretStr

from stock_kit.setting_types import DEVELOPMENT_SECRET
from stock_kit.settings import Settings, SettingsError, variable_name

# RFC 7518 3.2: a key of HS256 is at least as long as its hash.
_SHORTEST_SECRET = 32


class Scope(StrEnum):
    READ = "read"
    PREDICT = "predict"
    WRITE = "write"
    """Training, deleting, promoting, loading prices."""
    ADMIN = "admin"
    """Accounts, API keys and the audit log."""


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"


SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {Role.VIEWER: frozenset({Scope.READ, Scope.PREDICT}), Role.OPERATOR: frozenset(Scope)}
)


@dataclass(frozen=True, slots=True)
class AccessSecrets:
    """In clear; never log them."""

    signing_key: str
    api_key: str
    admin_password: str
    """Empty: none was given, the first start makes one."""


def access_secrets(settings: Settings) -> AccessSecrets:
    """What the settings say. In development, values of one's own for those that still are the development ones: kept
    in a file that only its owner can read, made when it is first needed.

    Raises:
        SettingsError: a secret is too short to be one.
    """
    own = _in_force(settings)
    _check_length("secret", own.signing_key)
    _check_length("api_key", own.api_key)
    return own


def signing_key(settings: Settings) -> str:
    """What access tokens are signed with: all that a program needs, and is given, that only verifies them.

    Raises:
        SettingsError: it is too short to be one.
    """
    key = _in_force(settings).signing_key
    _check_length("secret", key)
    return key


def client_key(settings: Settings) -> str | None:
    """The API key that a program of ours sends to the backends; None where access was never switched on."""
    key = settings.access.api_key.get_secret_value()
    if key not in ("", DEVELOPMENT_SECRET):
        return key
    if settings.environment == "development" and (settings.access.enabled or secrets_file(settings).exists()):
        return _read_or_make(secrets_file(settings)).api_key
    return None


def secrets_file(settings: Settings) -> Path:
    """Where the local profile keeps the secrets that it made."""
    return settings.path(settings.local.data_dir) / "access.json"


def _in_force(settings: Settings) -> AccessSecrets:
    access = settings.access
    given = AccessSecrets(
        *(value.get_secret_value() for value in (access.secret, access.api_key, access.admin_password))
    )
    return _completed(given, settings) if settings.environment == "development" else given


def _check_length(name: str, value: str) -> None:
    if len(value) < _SHORTEST_SECRET:
        variable = variable_name(("access", name))
        raise SettingsError(
            f"{variable}: expected at least {_SHORTEST_SECRET} characters, got {len(value)};"
            " make some with: openssl rand -hex 20"
        )


def _completed(given: AccessSecrets, settings: Settings) -> AccessSecrets:
    if DEVELOPMENT_SECRET not in (given.signing_key, given.api_key) and given.admin_password:
        return given
    own = _read_or_make(secrets_file(settings))
    return AccessSecrets(
        own.signing_key if given.signing_key == DEVELOPMENT_SECRET else given.signing_key,
        own.api_key if given.api_key == DEVELOPMENT_SECRET else given.api_key,
        given.admin_password or own.admin_password,
    )


def _read_or_make(file: Path) -> AccessSecrets:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = {name: secrets.token_urlsafe(32) for name in ("signing_key", "api_key")}
        made["admin_password"] = secrets.token_urlsafe(12)
        part = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as target:
            json.dump(made, target)
        try:
            # Several processes start at once: the first one's secrets are everybody's, and never half written.
            os.link(part, file)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return AccessSecrets(**json.loads(file.read_text()))


def with_secrets(settings: Settings) -> Settings:
    """The same settings with the secrets in force in them."""
    own = access_secrets(settings)
    access = settings.access.model_copy(
        update={
            "secret": SecretStr(own.signing_key),
            "api_key": SecretStr(own.api_key),
            "admin_password": SecretStr(own.admin_password),
        }
    )
    return settings.model_copy(update={"access": access})
