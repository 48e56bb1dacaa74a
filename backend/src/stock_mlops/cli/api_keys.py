"""``stock-mlops api-keys``: keys for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from stock_kit.access import SCOPES, Scope

from stock_mlops.cli.console import console, fail, plain_table
from stock_mlops.cli.users import told

if TYPE_CHECKING:
    from stock_mlops.stores.api_keys import ApiKeys


def register(app: typer.Typer) -> None:
    keys = typer.Typer(no_args_is_help=True, help="API keys of programs.")
    for name, command in (("create", create), ("list", show), ("revoke", revoke)):
        keys.command(name)(command)
    app.add_typer(keys, name="api-keys")


def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    account: Annotated[str, typer.Option(help="Whom it acts for; it can never do more than that account.")] = "admin",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="May be given more than once. Default: read and predict.")
    ] = None,
) -> None:
    """Make a key, and print it this once."""
    from stock_kit.settings import get_settings

    from stock_mlops.services.accounts import AccountDesk
    from stock_mlops.stores.accounts import Accounts
    from stock_mlops.stores.postgres import get_engine

    scopes = set(scope or (Scope.READ, Scope.PREDICT))
    with told():
        owner = AccountDesk(Accounts(get_engine(get_settings().model_meta_db))).find(account)
        if beyond := scopes - SCOPES[owner.role]:
            fail(f"--scope: {account} is a {owner.role} and may not {', '.join(sorted(beyond))}")
        _, key = _keys().create(owner.id, name, scopes)
    console.print(f"Send it in the header X-API-Key, or set STOCK_ACCESS__API_KEY to it for stock-mlops:\n{key}",
                  markup=False, highlight=False, soft_wrap=True)  # fmt: skip


def show() -> None:
    """List the keys: their prefixes, since the keys themselves are not kept."""
    with told():
        found = _keys().all()
    table = plain_table()
    for heading in ("prefix", "name", "account", "scopes", "last used", "state"):
        table.add_column(heading)
    for key in found:
        used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
        state = "revoked" if key.revoked_at else "active"
        table.add_row(key.prefix, key.name, key.account, " ".join(sorted(key.scopes)), used, state)
    console.print(table)


def revoke(prefix: Annotated[str, typer.Argument(help="The key's prefix, as list shows it.")]) -> None:
    """Revoke a key; within five seconds nothing is done for it any more."""
    with told():
        keys = _keys()
        found = next((key for key in keys.all() if key.prefix == prefix), None)
        if found is None:
            fail(f"There is no API key {prefix}; stock-mlops api-keys list shows what there is")
        keys.revoke(found.id)
    console.print(f"{prefix} is revoked.", highlight=False)


def _keys() -> ApiKeys:
    from stock_kit.settings import get_settings

    from stock_mlops.stores.api_keys import ApiKeys
    from stock_mlops.stores.postgres import get_engine

    return ApiKeys(get_engine(get_settings().model_meta_db))
