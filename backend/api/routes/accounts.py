"""Accounts, API keys and the audit log: for operators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from stock_mlops.errors import ForbiddenError
from stock_mlops.stores.accounts import Account as KnownAccount
from stock_mlops.stores.api_keys import ApiKey as KnownKey

from api.dependencies import CurrentCaller, Train
from api.errors import problems
from api.schemas.access import (
    Account,
    AccountChange,
    AccountList,
    AccountRequest,
    ApiKey,
    ApiKeyList,
    ApiKeyRequest,
    AuditedCall,
    AuditPage,
    AuditQuery,
    NewApiKey,
)

router = APIRouter(prefix="/api", tags=["access"])


@router.get("/accounts", responses=problems(503), summary="List the accounts")
def list_accounts(resources: Train) -> AccountList:
    return AccountList(items=[_account(item) for item in resources.access.accounts.all()])


@router.post("/accounts", status_code=201, responses=problems(409, 503), summary="Add an account")
def create_account(body: AccountRequest, resources: Train) -> Account:
    return _account(resources.access.accounts.create(body.name, body.password, body.role))


@router.patch("/accounts/{account_id}", responses=problems(404, 409, 503), summary="Change an account")
def change_account(account_id: UUID, body: AccountChange, resources: Train) -> Account:
    """Its password, its role, whether it is disabled. Its sessions end, and its access tokens within five seconds."""
    return _account(
        resources.access.accounts.change(account_id, password=body.password, role=body.role, disabled=body.disabled)
    )


@router.get("/api-keys", responses=problems(503), summary="List the API keys")
def list_api_keys(resources: Train) -> ApiKeyList:
    """Newest first, the revoked ones too; the keys themselves are not kept."""
    return ApiKeyList(items=[ApiKey(**_key(item)) for item in resources.access.api_keys.all()])


@router.post("/api-keys", status_code=201, responses=problems(503), summary="Make an API key")
def create_api_key(body: ApiKeyRequest, caller: CurrentCaller, resources: Train, response: Response) -> NewApiKey:
    """It acts for the account that makes it."""
    if caller.account_id is None:
        raise ForbiddenError("an API key acts for an account; log in first, or use: stock-mlops api-keys create")
    if beyond := set(body.scopes) - caller.scopes:
        raise ForbiddenError(f"expected scopes among one's own, got {', '.join(sorted(beyond))} as well")
    made, key = resources.access.api_keys.create(caller.account_id, body.name, body.scopes)
    response.headers["Cache-Control"] = "no-store"
    return NewApiKey(**_key(made), key=key)


@router.delete("/api-keys/{key_id}", status_code=204, responses=problems(404, 503), summary="Revoke an API key")
def revoke_api_key(key_id: UUID, resources: Train) -> None:
    """Within five seconds nothing is done for it any more."""
    resources.access.api_keys.revoke(key_id)


@router.get("/audit", responses=problems(503), summary="Who changed what")
def list_audited_calls(query: Annotated[AuditQuery, Query()], resources: Train) -> AuditPage:
    """Every changing call but predictions, which are listed as such; newest first."""
    calls = resources.access.audit.page(query.limit, before=query.before, actor=query.actor)
    items = [AuditedCall.model_validate(call, from_attributes=True) for call in calls]
    return AuditPage(items=items, next=items[-1].id if len(items) == query.limit else None)


def _account(known: KnownAccount) -> Account:
    return Account(
        account_id=known.id, name=known.name, role=known.role, disabled=known.disabled, created_at=known.created_at
    )


def _key(known: KnownKey) -> dict[str, object]:
    return {
        "key_id": known.id,
        "name": known.name,
        "account": known.account,
        "prefix": known.prefix,
        "scopes": sorted(known.scopes),
        "created_at": known.created_at,
        "last_used_at": known.last_used_at,
        "revoked_at": known.revoked_at,
    }
