"""Starts flow runs over the Prefect server's HTTP API. Importing prefect itself would cost a command 2 s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import httpx

from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError, NotFoundError

_FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a flow run, as Prefect names it."""

    type: str
    name: str
    message: str
    created_at: datetime
    parameters: Mapping[str, Any]

    @property
    def final(self) -> bool:
        return self.type in _FINAL


class PrefectServer:
    """The few calls that starting and following a flow run takes; a context manager that closes its connection.

    Every method raises :class:`DependencyUnavailableError` when the server does not answer.
    """

    def __init__(self, api_url: str, *, timeout: float = 10.0) -> None:
        self._url = api_url
        self._client = httpx.Client(base_url=api_url, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def start(self, deployment: str, parameters: Mapping[str, Any]) -> str:
        """Start a run of ``<flow>/<deployment>``; returns the flow run's id.

        Raises:
            NotFoundError: nobody has registered that deployment.
            InvalidRequestError: the parameters do not fit the flow.
        """
        identity = self.require(deployment)
        answer = self._call("POST", f"/deployments/{identity}/create_flow_run", json={"parameters": dict(parameters)})
        if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY):
            raise InvalidRequestError(f"{deployment} refuses these parameters: {answer.text}")
        return str(self._checked(answer)["id"])

    def require(self, deployment: str) -> str:
        """The id of a deployment.

        Raises:
            NotFoundError: nobody has registered it.
        """
        answer = self._call("GET", f"/deployments/name/{deployment}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(
                f"the Prefect server at {self._url} knows no deployment {deployment}; the workflows service registers "
                "it when it starts: is it running?"
            )
        return str(self._checked(answer)["id"])

    def page(self, run_id: str) -> str:
        """Where a person looks at the run."""
        return f"{self._url.removesuffix('/api')}/runs/flow-run/{run_id}"

    def state(self, run_id: str) -> RunState:
        """Where the run stands.

        Raises:
            NotFoundError: there is no such run.
        """
        answer = self._call("GET", f"/flow_runs/{run_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(f"the Prefect server at {self._url} knows no flow run {run_id}")
        run = self._checked(answer)
        state = run.get("state") or {}
        return RunState(
            state.get("type", "PENDING"),
            state.get("name", "Pending"),
            state.get("message") or "",
            datetime.fromisoformat(run["created"]),
            run.get("parameters") or {},
        )

    def cancel(self, run_id: str) -> None:
        """Ask for the end of a run; one that nobody has taken yet ends at once.

        Raises:
            NotFoundError: there is no such run.
        """
        kind = "CANCELLED" if self.state(run_id).type == "SCHEDULED" else "CANCELLING"
        body = {"state": {"type": kind, "name": kind.capitalize()}, "force": True}
        self._checked(self._call("POST", f"/flow_runs/{run_id}/set_state", json=body))

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unavailable(str(error) or type(error).__name__) from error

    def _checked(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            raise self._unavailable(f"it answered {answer.status_code}: {answer.text[:200]}")
        body: dict[str, Any] = answer.json()
        return body

    def _unavailable(self, reason: str) -> DependencyUnavailableError:
        return DependencyUnavailableError(f"the Prefect server at {self._url}", reason)
