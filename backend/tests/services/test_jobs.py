from __future__ import annotations

from typing import NoReturn

import pytest
import requests
from botocore.exceptions import EndpointConnectionError
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError
from stock_mlops.services.jobs import is_transient


def wrapped(cause: Exception) -> Exception:
    try:
        _wrap(cause)
    except RuntimeError as error:
        return error


def _wrap(cause: Exception) -> NoReturn:
    raise RuntimeError("a client library's own error") from cause


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        OperationalError("no answer"),
        requests.ConnectionError(),
        requests.ReadTimeout(),
        EndpointConnectionError(endpoint_url="http://s3"),
        RedisConnectionError(),
        DependencyUnavailableError("MLflow", "no answer"),
        wrapped(requests.ConnectionError()),
    ],
)
def test_a_server_that_does_not_answer_may_answer_later(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("too little history"),
        DatabaseError("syntax error"),
        ValueError("a bug"),
        wrapped(ValueError("a bug")),
    ],
)
def test_work_that_would_fail_again_is_not_repeated(error: Exception) -> None:
    assert not is_transient(error)


def test_an_error_of_ours_decides_whatever_caused_it() -> None:
    error = InvalidRequestError("the file is not there")
    error.__cause__ = ConnectionResetError()
    assert not is_transient(error)
