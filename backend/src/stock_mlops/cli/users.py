"""``stock-mlops users``: accounts, straight in the database, so that the first or a locked-out operator gets in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from stock_kit.access import Role

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from stock_mlops.services.accounts import AccountDesk

_Name = Annotated[str, typer.Argument(help="The account's name.")]
_Ask = Annotated[bool, typer.Option("--ask", help="Ask for the password instead of making one up.")]


def register(app: typer.Typer) -> None:
    users = typer.Typer(no_args_is_help=True, help="Accounts of people: viewers and operators.")
    for name, command in (
        ("add", add),
        ("list", show),
        ("role", set_role),
        ("password", set_password),
        ("disable", disable),
        ("enable", enable),
    ):
        users.command(name)(command)
    app.add_typer(users, name="users")


def add(
    name: _Name,
    role: Annotated[Role, typer.Option(help="A viewer reads and predicts, an operator does everything.")] = Role.VIEWER,
    ask: _Ask = False,
) -> None:
    """Add an account; prints the password that it made up."""
    password = _password(ask=ask)
    with _desk() as desk:
        account = desk.create(name, password, role)
    _tell(f"{account.name} is {_article(role)} now.", None if ask else password)


def show() -> None:
    """List the accounts."""
    with _desk() as desk:
        accounts = desk.all()
    table = plain_table()
    for heading in ("name", "role", "state", "since"):
        table.add_column(heading)
    for account in accounts:
        state = "disabled" if account.disabled else "active"
        table.add_row(account.name, account.role, state, f"{account.created_at:%Y-%m-%d %H:%M}")
    console.print(table)


def set_role(name: _Name, role: Annotated[Role, typer.Argument(help="viewer or operator")]) -> None:
    """Make an account a viewer or an operator; its sessions end."""
    with _desk() as desk:
        desk.change(desk.find(name).id, role=role)
    console.print(f"{name} is {_article(role)} now.")


def set_password(name: _Name, ask: _Ask = False) -> None:
    """Give an account a new password; its sessions end."""
    password = _password(ask=ask)
    with _desk() as desk:
        desk.change(desk.find(name).id, password=password)
    _tell(f"{name} has a new password.", None if ask else password)


def disable(name: _Name) -> None:
    """Shut an account out; its sessions end, its API keys do nothing."""
    with _desk() as desk:
        desk.change(desk.find(name).id, disabled=True)
    console.print(f"{name} is shut out.")


def enable(name: _Name) -> None:
    """Let a disabled account in again."""
    with _desk() as desk:
        desk.change(desk.find(name).id, disabled=False)
    console.print(f"{name} may come in again.")


@contextmanager
def _desk() -> Iterator[AccountDesk]:
    from stock_kit.settings import get_settings

    from stock_mlops.services.accounts import AccountDesk
    from stock_mlops.stores.accounts import Accounts
    from stock_mlops.stores.postgres import get_engine

    with told():
        yield AccountDesk(Accounts(get_engine(get_settings().model_meta_db)))


@contextmanager
def told() -> Iterator[None]:
    """End the command with the message of what it met."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from stock_mlops.errors import StockMlopsError

    try:
        yield
    except StockMlopsError as error:
        fail(error.detail)
    except OperationalError as error:
        fail(f"PostgreSQL does not answer: {error.orig}")
    except ProgrammingError:
        fail("The database has no accounts yet; start backend1 once, which migrates it.")


def _password(*, ask: bool) -> str:
    import secrets

    return typer.prompt("Password", hide_input=True, confirmation_prompt=True) if ask else secrets.token_urlsafe(12)


def _tell(what: str, password: str | None) -> None:
    console.print(what, highlight=False)
    if password is not None:
        # On a line's end, unwrapped and unstyled, so that a script can take it.
        console.print(f"The password, shown only now: {password}", markup=False, highlight=False, soft_wrap=True)


def _article(role: Role) -> str:
    return "an operator" if role is Role.OPERATOR else "a viewer"
