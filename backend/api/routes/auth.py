"""Log in, come back, log out; who am I; tickets for WebSockets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from stock_mlops.errors import UnauthenticatedError
from stock_mlops.services.accounts import Session as OpenSession

from api.access import client_address
from api.dependencies import CurrentCaller, Train
from api.errors import problems
from api.schemas.access import Identity, LoginRequest, RefreshRequest, Session, WsTicket

router = APIRouter(prefix="/api/auth", tags=["access"])

_COOKIE = "stock_refresh"
RefreshCookie = Annotated[str | None, Cookie(alias=_COOKIE, max_length=200, include_in_schema=False)]


@router.post("/login", responses=problems(401, 409, 429, 503), summary="Log in")
def login(body: LoginRequest, request: Request, resources: Train, response: Response) -> Session:
    """Name and password for an access token, good for some minutes, and a refresh token, good for one use and days."""
    opened = resources.access.sessions.login(body.name, body.password, client_address(request.scope))
    return _answer(opened, request, response, resources, in_cookie=body.cookie)


@router.post("/refresh", responses=problems(401, 409, 503), summary="Go on with a session")
def refresh_session(
    request: Request, resources: Train, response: Response, body: RefreshRequest | None = None,
    cookie: RefreshCookie = None,
) -> Session:  # fmt: skip
    """A new access token, and a new refresh token in place of the one sent. One that is sent twice ends the session:
    somebody else has it."""
    given = body.refresh_token if body else None
    opened = resources.access.sessions.refresh(_token(given, cookie))
    return _answer(opened, request, response, resources, in_cookie=given is None)


@router.post("/logout", status_code=204, responses=problems(503), summary="Log out")
def logout(
    request: Request, resources: Train, response: Response, body: RefreshRequest | None = None,
    cookie: RefreshCookie = None,
) -> None:  # fmt: skip
    """Ends the session of the refresh token; one that is over already stays so."""
    token = (body.refresh_token if body else None) or cookie
    if token is not None:
        resources.access.sessions.logout(token)
    response.delete_cookie(_COOKIE, path=router.prefix, httponly=True, samesite="strict", secure=_is_tls(request))


@router.get("/me", responses=problems(503), summary="Who am I?")
async def who_am_i(caller: CurrentCaller, resources: Train) -> Identity:
    scopes = sorted(caller.scopes)
    return Identity(name=caller.name, role=caller.role, scopes=scopes, access=resources.access.guard.enabled)


@router.post("/ws-ticket", status_code=201, responses=problems(503), summary="A ticket for a WebSocket")
def create_ws_ticket(caller: CurrentCaller, resources: Train) -> WsTicket:
    """Good for one connection within seconds: `/ws/predictions?ticket=...`."""
    seconds = int(resources.settings.access.ticket_lifetime.total_seconds())
    return WsTicket(ticket=resources.access.tickets.issue(caller.name), expires_in=seconds)


def _token(given: str | None, cookie: str | None) -> str:
    token = given or cookie
    if token is None:
        raise UnauthenticatedError("expected a refresh_token in the body or in the cookie; log in at /api/auth/login")
    return token


def _answer(opened: OpenSession, request: Request, response: Response, resources: Train, *, in_cookie: bool) -> Session:
    # Tokens are for whom they were given to, and for nobody's cache.
    response.headers["Cache-Control"] = "no-store"
    if in_cookie:
        response.set_cookie(
            _COOKIE,
            opened.refresh_token,
            max_age=int(resources.settings.access.refresh_lifetime.total_seconds()),
            path=router.prefix,
            httponly=True,
            samesite="strict",
            secure=_is_tls(request),
        )
    return Session(
        access_token=opened.access_token,
        expires_in=opened.expires_in,
        refresh_token=None if in_cookie else opened.refresh_token,
        name=opened.account.name,
        role=opened.account.role,
    )


def _is_tls(request: Request) -> bool:
    return request.url.scheme == "https"
