"""``stock-mlops models``, ``promote``, ``rollback``, ``compare``, ``audit``, ``delete-model``: the model registry."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from rich.table import Table

    from stock_mlops.services.promotion import Comparison, Promotion
    from stock_mlops.stores.catalog import ModelVersion
    from stock_mlops.stores.promotions import AuditEntry, Change
    from stock_mlops.stores.settlements import RollingAccuracy

_Name = Annotated[str, typer.Argument(help="Ticker (AAPL, TW:2330), or a registered name: stock-US-panel-tech.")]
_Version = Annotated[int, typer.Argument(min=1, help="Version, as stock-mlops models lists it.")]
_Exchange = Annotated[str, typer.Option(help="Market code of a ticker that names none.")]
_Reason = Annotated[str, typer.Option(help="Why, for the audit trail.")]
_Force = Annotated[bool, typer.Option("--force", help="Overrule what speaks against it.")]
_WINDOWS = {
    "new_sessions": "sessions after the older one's training, which neither had seen",
    "out_of_fold": "sessions that both had held out",
    "none": "too few common sessions to tell",
}


def register(app: typer.Typer) -> None:
    for name, command in (
        ("models", models),
        ("promote", promote),
        ("rollback", rollback),
        ("compare", compare),
        ("audit", audit),
        ("delete-model", delete_model),
    ):
        app.command(name)(command)


def models(
    ticker: Annotated[str | None, typer.Argument(help="Ticker or registered name; none: all.")] = None,
    exchange: _Exchange = "US",
) -> None:
    """List the versions of the models, and which of them serve."""
    from stock_kit.settings import get_settings

    from stock_mlops.stores.catalog import Catalog
    from stock_mlops.stores.postgres import get_engine

    name = None if ticker is None else registered_name(ticker, exchange)
    found = Catalog(get_engine(get_settings().model_meta_db)).versions_of(name)
    if not found:
        fail(f"There is no version of {name or 'any model'}; train one: stock-mlops train {ticker or 'AAPL'}")
    console.print(versions_table(found))


def promote(
    name: _Name,
    version: _Version,
    exchange: _Exchange = "US",
    reason: _Reason = "",
    force: _Force = False,
) -> None:
    """Let a version serve, once it has passed the gate against the one that serves now."""
    name = registered_name(name, exchange)
    with _promotion() as promotion:
        promotion.promote(name, version, _change(reason), force=force)
    console.print(f"[green]{name} version {version} is the champion.[/green] Serving follows within seconds.")


def rollback(name: _Name, exchange: _Exchange = "US", reason: _Reason = "") -> None:
    """Let the version serve again that did before the present one."""
    name = registered_name(name, exchange)
    with _promotion() as promotion:
        before, after = promotion.rollback(name, _change(reason))
    console.print(f"[green]{name} version {after} is the champion again[/green], in place of {before}.")


def compare(name: _Name, first: _Version, second: _Version, exchange: _Exchange = "US") -> None:
    """Show two versions side by side, on the same sessions."""
    name = registered_name(name, exchange)
    with _promotion() as promotion:
        found = promotion.compare(name, first, second)
    console.print(metrics_table(found))
    console.print(f"The same sessions: {_WINDOWS[found.window]}.", highlight=False)
    if found.horizons:
        console.print(window_table(found))
    if any(found.settled):
        console.print(settled_table(found))


def audit(
    name: Annotated[str | None, typer.Argument(help="Ticker or registered name; none: all.")] = None,
    exchange: _Exchange = "US",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Newest entries shown.")] = 20,
) -> None:
    """Show who changed which version serves, when and why."""
    with _promotion() as promotion:
        entries = promotion.audit(None if name is None else registered_name(name, exchange), limit)
    if not entries:
        fail("Nothing was trained, promoted, rolled back or deleted yet.")
    console.print(audit_table(entries))


def delete_model(
    model_id: Annotated[UUID, typer.Argument(help="Id of the model, as stock-mlops models lists it.")],
    reason: _Reason = "",
    force: _Force = False,
) -> None:
    """Delete a model with all its versions; they are removed for good after the retention time."""
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError
    from stock_mlops.services.deletion import open_deletion

    settings = get_settings()
    try:
        with open_deletion(settings) as deletion:
            deleted = deletion.delete(model_id, _change(reason), force=force)
    except StockMlopsError as error:
        fail(f"{error.title}: {error.detail}")
    versions = ", ".join(f"{item.registered_name} version {item.version}" for item in deleted) or "no version"
    console.print(f"Deleted: {versions}. Removed for good after {settings.registry.retention.days} days.")


def registered_name(subject: str, exchange: str) -> str:
    """``stock-US-AAPL`` for ``AAPL``; a registered name stays as it is."""
    from stock_mlops.instruments import parse_symbol

    if subject.startswith("stock-"):
        return subject
    try:
        return parse_symbol(subject, default_exchange=exchange.upper()).registered_model
    except ValueError as error:
        fail(str(error))


def versions_table(versions: list[ModelVersion] | Any) -> Table:
    """Two lines per version; fits a terminal 80 wide."""
    table = plain_table()
    for heading in ("name", "version", "alias", "gate", "h", "skill h1", "data until"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in ("version", "h", "skill h1") else "left")
    for item in versions:
        skill = next((row.get("skill") for row in item.metrics.get("horizons", ())), None)
        gate = "-" if item.verdict is None else "passed" if item.verdict["passed"] else "[red]refused[/red]"
        alias = f"[green]{item.alias}[/green]" if item.alias == "champion" else item.alias or ""
        table.add_row(
            item.registered_name,
            str(item.version),
            alias,
            gate,
            str(item.horizon),
            _cell(skill, "{:+.2%}"),
            str(item.trained_until),
        )
        table.add_row(f"[dim]{item.model_id}[/dim]")
    return table


def metrics_table(found: Comparison) -> Table:
    """What each version's own validation found; fits a terminal 80 wide."""
    first, second = found.versions
    table = plain_table()
    table.title, table.title_justify = "Each in its own validation", "left"
    table.add_column("h", justify="right")
    for version in (first, second):
        for heading in ("skill", "DM p", "direction", "coverage"):
            table.add_column(f"{heading} v{version.version}", justify="right")
    for horizon in range(1, max(first.horizon, second.horizon) + 1):
        cells = []
        for version in (first, second):
            rows: list[dict[str, Any]] = version.metrics["horizons"]
            row = next((row for row in rows if row["horizon"] == horizon), {})
            cells += [
                _cell(row.get("skill"), "{:+.2%}"),
                _cell(row.get("dm_p_value"), "{:.3f}"),
                _cell(row.get("direction_accuracy"), "{:.1%}"),
                _cell(row.get("coverage"), "{:.1%}"),
            ]
        table.add_row(str(horizon), *cells)
    return table


def window_table(found: Comparison) -> Table:
    first, second = (version.version for version in found.versions)
    table = plain_table()
    for heading in ("h", "sessions", f"RMSE v{first}", f"RMSE v{second}", f"p v{first} worse", f"p v{second} worse"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found.horizons:
        table.add_row(
            str(row.horizon),
            f"{row.sessions:,}",
            *(f"{value:.3%}" for value in row.rmse),
            *(_cell(value, "{:.3f}") for value in row.p_worse),
        )
    return table


def settled_table(found: Comparison) -> Table:
    """How the predictions fared that each version served."""
    table = plain_table()
    table.title, table.title_justify = "Settled predictions, newest sessions", "left"
    for heading in ("version", "ticker", "h", "n", "RMSE", "skill", "direction", "coverage"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows: list[RollingAccuracy] = [row for side in found.settled for row in side]
    for row in rows:
        table.add_row(
            row.model_version or "",
            row.ticker,
            str(row.horizon),
            str(row.n),
            f"{row.rmse:.2%}",
            _cell(row.skill, "{:+.2%}"),
            _cell(row.hit_rate, "{:.1%}"),
            _cell(row.coverage, "{:.1%}"),
        )
    return table


def audit_table(entries: list[AuditEntry]) -> Table:
    table = plain_table()
    for heading in ("when (UTC)", "action", "name", "from", "to", "by", "why"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.action,
            entry.registered_name,
            "" if entry.from_version is None else str(entry.from_version),
            "" if entry.to_version is None else str(entry.to_version),
            entry.actor,
            entry.reason or reasons_in_short(entry.verdict),
        )
    return table


def reasons_in_short(verdict: Any) -> str:
    """The names of the checks that failed."""
    return "" if verdict is None else ", ".join(check["name"] for check in verdict["checks"] if not check["passed"])


@contextmanager
def _promotion() -> Iterator[Promotion]:
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError
    from stock_mlops.services.promotion import open_promotion

    try:
        with open_promotion(get_settings()) as promotion:
            yield promotion
    except StockMlopsError as error:
        fail(f"{error.title}: {error.detail}")


def _change(reason: str) -> Change:
    from stock_mlops.stores.promotions import Change

    return Change(f"cli:{getpass.getuser()}", reason)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
