"""The settings as text: for another process, and for people who write an env file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from stock_kit.settings import DELIMITER, PREFIX, Settings, known_variables, leaves, variable_name


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
    return {variable_name(path): format_value(value) for path, value in leaves(settings)}


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
