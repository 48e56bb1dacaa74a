"""Starts flow runs over the Prefect server's HTTP API. Importing prefect itself would cost a command 2 s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import httpx

from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError, NotFoundError

# The platform has ten deployments.
_MOST = 100
# The server schedules runs a hundred at most ahead.
_RUNS_LOOKED_AT = 120
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


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """A flow that somebody serves."""

    flow: str
    description: str
    tags: tuple[str, ...]
    schedules: tuple[str, ...]
    """In words, such as ``every 3600 s`` or ``30 16 * * 1,2,3,4,5 America/New_York``."""
    parameters: tuple[str, ...]
    """Names of what it takes."""
    last_run_id: str | None
    """The newest run that began."""
    last_run_state: str | None
    """As Prefect names it."""
    last_run_at: datetime | None
    next_run_at: datetime | None


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

    def deployments(self) -> list[DeploymentState]:
        """Everything that can be started, with its newest run and the one that is due next."""
        answer = self._call("POST", "/deployments/filter", json={"limit": _MOST})
        deployments: list[dict[str, Any]] = self._checked(answer)
        runs = self._runs_of([item["id"] for item in deployments])
        return [_deployment(item, runs.get(item["id"], [])) for item in deployments]

    def _runs_of(self, deployment_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The newest runs of each, those to come first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for identity in deployment_ids:
            body = {
                "deployments": {"id": {"any_": [identity]}},
                "sort": "EXPECTED_START_TIME_DESC",
                "limit": _RUNS_LOOKED_AT,
            }
            found[identity] = self._checked(self._call("POST", "/flow_runs/filter", json=body))
        return found

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

    def _checked(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            raise self._unavailable(f"it answered {answer.status_code}: {answer.text[:200]}")
        return answer.json()

    def _unavailable(self, reason: str) -> DependencyUnavailableError:
        return DependencyUnavailableError(f"the Prefect server at {self._url}", reason)


def _deployment(values: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> DeploymentState:
    """From what the server says of a deployment, and its runs, those to come first."""
    begun = [run for run in runs if run.get("start_time")]
    waiting = [run for run in runs if run.get("state_type") == "SCHEDULED"]
    last = begun[0] if begun else None
    return DeploymentState(
        flow=values["name"],
        description=values.get("description") or "",
        tags=tuple(values.get("tags") or ()),
        schedules=tuple(_in_words(item["schedule"]) for item in values.get("schedules") or () if item.get("active")),
        parameters=tuple((values.get("parameter_openapi_schema") or {}).get("properties") or ()),
        last_run_id=None if last is None else last["id"],
        last_run_state=None if last is None else last["state_type"],
        last_run_at=None if last is None else datetime.fromisoformat(last["start_time"]),
        next_run_at=datetime.fromisoformat(waiting[-1]["expected_start_time"]) if waiting else None,
    )


def _in_words(schedule: Mapping[str, Any]) -> str:
    if schedule.get("cron"):
        return f"{schedule['cron']} {schedule.get('timezone') or 'UTC'}"
    return f"every {schedule['interval']:g} s" if schedule.get("interval") else "by a rule of Prefect's"
