"""Sessions, accounts, API keys, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from stock_kit.access import Role, Scope

from api.schemas.common import BodyModel, RequestModel, ResponseModel, SafeText

AccountName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$", description="case does not matter")]
Password = Annotated[SafeText, Field(min_length=10, max_length=256)]


class LoginRequest(BodyModel):
    name: Annotated[SafeText, Field(min_length=1, max_length=64)]
    password: Annotated[SafeText, Field(min_length=1, max_length=256)]
    cookie: bool = Field(
        False, description="for browsers: put the refresh token into an HttpOnly cookie, not into the answer"
    )


class RefreshRequest(BodyModel):
    refresh_token: Annotated[SafeText, Field(min_length=1, max_length=200)] | None = Field(
        None, description="left out: the one in the cookie"
    )


class Identity(ResponseModel):
    name: str
    role: Role | None = Field(description="of an account; null for an API key")
    scopes: list[Scope]
    access: bool = Field(description="false: access is off, and everybody is an operator")


class Session(ResponseModel):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  its kind, RFC 6750
    expires_in: int = Field(description="seconds")
    refresh_token: str | None = Field(None, description="null when it is in the cookie")
    name: str
    role: Role


class WsTicket(ResponseModel):
    ticket: str = Field(description="for `?ticket=` of one WebSocket")
    expires_in: int = Field(description="seconds")


class AccountRequest(BodyModel):
    name: AccountName
    password: Password
    role: Role = Role.VIEWER


class AccountChange(BodyModel):
    """What is left out stays as it is. Every change ends the account's sessions."""

    password: Password | None = None
    role: Role | None = None
    disabled: bool | None = None


class Account(ResponseModel):
    account_id: UUID
    name: str
    role: Role
    disabled: bool
    created_at: datetime


class AccountList(ResponseModel):
    items: list[Account]


class ApiKeyRequest(BodyModel):
    name: Annotated[SafeText, Field(min_length=1, max_length=100, description="what it is for")]
    scopes: list[Scope] = Field(
        default=[Scope.READ, Scope.PREDICT], min_length=1, max_length=4, description="at most one's own"
    )


class ApiKey(ResponseModel):
    key_id: UUID
    name: str
    account: str = Field(description="whom it acts for; it can never do more than that account")
    prefix: str = Field(description="the part of it that is no secret")
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None


class NewApiKey(ApiKey):
    key: str = Field(description="the key itself; shown only now")


class ApiKeyList(ResponseModel):
    items: list[ApiKey]


class AuditQuery(RequestModel):
    limit: int = Field(50, ge=1, le=500, description="most items of one page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="`next` of the page before")
    actor: Annotated[SafeText, Field(max_length=200)] | None = None


class AuditedCall(ResponseModel):
    id: int
    at: datetime
    actor: str
    address: str
    method: str
    path: str
    status: int
    request_id: str | None


class AuditPage(ResponseModel):
    items: list[AuditedCall]
    next: int | None = Field(description="for `before` of the next page; null: that was all")
