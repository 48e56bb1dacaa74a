from __future__ import annotations

import base64
import json
from datetime import timedelta

import jwt
import pytest
from stock_kit.access import Role
from stock_kit.clock import wall_now
from stock_kit.tokens import AccessTokens, InvalidTokenError, digest, ticket_key

KEY = "k" * 48
ACCOUNT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(KEY, timedelta(minutes=15))


def claims(**changes: object) -> dict[str, object]:
    now = wall_now()
    values: dict[str, object] = {
        "iss": "stock-mlops",
        "aud": "stock-mlops-api",
        "sub": ACCOUNT,
        "name": "ann",
        "role": "viewer",
        "iat": now.timestamp(),
        "exp": (now + timedelta(minutes=5)).timestamp(),
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def unsigned(algorithm: str) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims(role='operator'))}."


def test_a_token_says_who_it_was_issued_to(tokens: AccessTokens) -> None:
    found = AccessTokens(KEY, timedelta(minutes=1)).verify(tokens.issue(ACCOUNT, "ann", Role.OPERATOR))
    assert (found.account_id, found.name, found.role) == (ACCOUNT, "ann", Role.OPERATOR)
    assert found.expires_at - found.issued_at == pytest.approx(900)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(jwt.encode(claims(), "another key of forty characters, or so", algorithm="HS256"), id="other key"),
        pytest.param(jwt.encode(claims(), KEY, algorithm="HS384"), id="other algorithm"),
        pytest.param(unsigned("none"), id="no algorithm"),
        pytest.param(unsigned("nOnE"), id="no algorithm, spelt otherwise"),
        pytest.param(unsigned("HS256"), id="no signature"),
        pytest.param(jwt.encode(claims(aud="another service"), KEY, algorithm="HS256"), id="other audience"),
        pytest.param(jwt.encode(claims(iss="somebody"), KEY, algorithm="HS256"), id="other issuer"),
        pytest.param(jwt.encode(claims(role="root"), KEY, algorithm="HS256"), id="unknown role"),
        pytest.param(jwt.encode(claims(exp=None), KEY, algorithm="HS256"), id="never expires"),
        pytest.param(jwt.encode(claims(role=None), KEY, algorithm="HS256"), id="no role"),
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="no token"),
        pytest.param("ü" * 5000, id="long and odd"),
    ],
)
def test_a_forged_token_is_refused(tokens: AccessTokens, forged: str) -> None:
    with pytest.raises(InvalidTokenError, match="not valid"):
        tokens.verify(forged)


def test_a_token_altered_anywhere_is_refused_also_after_the_true_one_was_seen(tokens: AccessTokens) -> None:
    token = tokens.issue(ACCOUNT, "ann", Role.VIEWER)
    tokens.verify(token)
    header, body, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=="))
    richer = base64.urlsafe_b64encode(json.dumps({**told, "role": "operator"}).encode()).rstrip(b"=").decode()
    for altered in (f"{header}.{richer}.{signature}", f"{header}.{body}.{signature[::-1]}"):
        with pytest.raises(InvalidTokenError):
            tokens.verify(altered)


def test_a_token_expires(tokens: AccessTokens) -> None:
    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.verify(tokens.issue(ACCOUNT, "ann", Role.VIEWER, wall_now() - timedelta(minutes=16)))


def test_a_token_that_was_seen_before_expires_as_well(tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.issue(ACCOUNT, "ann", Role.VIEWER)
    expiry = tokens.verify(token).expires_at
    monkeypatch.setattr("stock_kit.tokens.wall_seconds", lambda: expiry + 6)
    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.verify(token)


def test_redis_never_sees_a_ticket(tokens: AccessTokens) -> None:
    assert "secret-ticket" not in ticket_key("secret-ticket")
    assert ticket_key("secret-ticket") == "stock:ws-ticket:" + digest("secret-ticket")
