"""MLflow over its REST interface: what everybody but training needs of it, without importing mlflow (250 MB, seconds).

Artifacts come through MLflow's proxy, so no backend needs the S3 credentials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
from stock_kit.server_settings import MlflowSettings

from stock_mlops.errors import DependencyUnavailableError, NotFoundError

_API = "/api/2.0/mlflow"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_SCHEME = "mlflow-artifacts:/"
_CONNECT_SECONDS = 2.0
_HERE = PurePosixPath()
SIMULATED = "simulation-"
"""What names of simulations' experiments and models begin with."""
# MLflow's largest.
_HISTORY_PAGE = 25_000
# More trials than a search may have.
_MOST_NESTED = 1000


class MlflowRest:
    """A client of one tracking server. Thread-safe; opens connections when they are needed.

    Raises:
        DependencyUnavailableError: any method, when the server does not answer or answers 5xx.
        NotFoundError: it does not know what was asked for.
    """

    def __init__(self, settings: MlflowSettings, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=settings.tracking_uri,
            timeout=httpx.Timeout(settings.request_timeout, connect=_CONNECT_SECONDS),
            transport=transport,
            trust_env=False,
        )
        self._prefix = settings.prefix

    def close(self) -> None:
        self._http.close()

    def ping(self) -> None:
        self._get("/health", {})

    def run(self, run_id: str) -> dict[str, Any]:
        """A run's ``info`` and ``data``."""
        run: dict[str, Any] = self._json(f"{_API}/runs/get", {"run_id": run_id})["run"]
        return run

    def metric_history(self, run_id: str, metric: str) -> list[float]:
        """What a run logged of a metric, step by step; empty when it did not."""
        values: list[tuple[int, float]] = []
        query = {"run_id": run_id, "metric_key": metric, "max_results": str(_HISTORY_PAGE)}
        while True:
            answer = self._json(f"{_API}/metrics/get-history", query)
            values += [(int(item.get("step", 0)), float(item["value"])) for item in answer.get("metrics", ())]
            if not (token := answer.get("next_page_token")):
                return [value for _, value in sorted(values)]
            query["page_token"] = token

    def registered_models(self, limit: int = 1000) -> list[dict[str, Any]]:
        """Registered models with their newest versions, by name; those of simulations are none of ours."""
        found: list[dict[str, Any]] = []
        token = ""
        while len(found) < limit:
            page = {"max_results": str(min(100, limit - len(found)))} | ({"page_token": token} if token else {})
            answer = self._json(f"{_API}/registered-models/search", page)
            found += [item for item in answer.get("registered_models", []) if not item["name"].startswith(SIMULATED)]
            token = answer.get("next_page_token", "")
            if not token:
                break
        return found

    def aliases(self, name: str) -> dict[str, int]:
        """Which version of a registered model bears which alias."""
        model = self._json(f"{_API}/registered-models/get", {"name": self._prefix + name})["registered_model"]
        return {item["alias"]: int(item["version"]) for item in model.get("aliases", [])}

    def set_alias(self, name: str, alias: str, version: int) -> None:
        values = {"name": self._prefix + name, "alias": alias, "version": str(version)}
        self._send("POST", f"{_API}/registered-models/alias", values)

    def remove_alias(self, name: str, alias: str) -> None:
        self._send("DELETE", f"{_API}/registered-models/alias", {"name": self._prefix + name, "alias": alias})

    def delete_version(self, name: str, version: int) -> None:
        values = {"name": self._prefix + name, "version": str(version)}
        self._send("DELETE", f"{_API}/model-versions/delete", values)

    def delete_registered_model(self, name: str) -> None:
        """With the versions that it still has."""
        self._send("DELETE", f"{_API}/registered-models/delete", {"name": self._prefix + name})

    def delete_experiment(self, name: str) -> None:
        """With its runs and their files; see :meth:`delete_run` for what stays."""
        experiment = self._json(f"{_API}/experiments/get-by-name", {"experiment_name": self._prefix + name})
        identity = experiment["experiment"]["experiment_id"]
        wanted: dict[str, Any] = {"experiment_ids": [identity], "max_results": _MOST_NESTED}
        while runs := self._send("POST", f"{_API}/runs/search", wanted).get("runs", []):
            for run in runs:
                self.delete_run(run["info"]["run_id"])
        self._send("POST", f"{_API}/experiments/delete", {"experiment_id": identity})

    def delete_run(self, run_id: str) -> None:
        """Delete the files of a run, and take it and the runs nested in it from view.

        The server's interface cannot do more: the names and numbers of a deleted run stay in MLflow's database until
        ``mlflow gc`` is run beside it.
        """
        run = self.run(run_id)
        info = run["info"]
        if info["artifact_uri"].startswith(_SCHEME):
            folder = info["artifact_uri"].removeprefix(_SCHEME).strip("/")
            self._send("DELETE", f"{_ARTIFACTS}/{folder}", {})
        nested = {
            "experiment_ids": [info["experiment_id"]],
            "filter": f"tags.`mlflow.parentRunId` = '{run_id}'",
            "max_results": _MOST_NESTED,
        }
        children = self._send("POST", f"{_API}/runs/search", nested).get("runs", [])
        for one in (*children, run):
            if one["info"]["lifecycle_stage"] == "active":
                self._send("POST", f"{_API}/runs/delete", {"run_id": one["info"]["run_id"]})

    def artifacts(self, run_id: str, path: str = "") -> list[dict[str, Any]]:
        """Files and folders of a run below ``path``."""
        query = {"run_id": run_id} | ({"path": path} if path else {})
        files: list[dict[str, Any]] = self._json(f"{_API}/artifacts/list", query).get("files", [])
        return files

    def download(self, artifact_uri: str, folder: Path) -> int:
        """Copy the files below ``artifact_uri`` (``mlflow-artifacts:/...``) into ``folder``; returns their bytes.

        Raises:
            ValueError: the URI is of another store, which only MLflow's own client can read.
        """
        if not artifact_uri.startswith(_SCHEME):
            raise ValueError(f"expected an artifact URI like {_SCHEME}1/abc/artifacts/bundle, got {artifact_uri!r}")
        root = artifact_uri.removeprefix(_SCHEME).strip("/")
        size = 0
        files = list(self._walk(root))
        if not files:
            raise NotFoundError(f"MLflow has no files at {artifact_uri}; train the model again")
        for relative in files:
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            size += self._fetch(f"{_ARTIFACTS}/{root}/{relative}", target)
        return size

    def content(self, artifact_uri: str) -> bytes:
        """One file (``mlflow-artifacts:/...``)."""
        return self._get(f"{_ARTIFACTS}/{artifact_uri.removeprefix(_SCHEME).strip('/')}", {}).content

    def _walk(self, root: str, below: PurePosixPath = _HERE) -> Iterator[PurePosixPath]:
        listing = self._json(_ARTIFACTS, {"path": str(PurePosixPath(root) / below)})
        for entry in listing.get("files", []):
            # The proxy names entries by their last part; a name that leads elsewhere is not ours to write.
            path = below / PurePosixPath(entry["path"]).name
            if entry.get("is_dir"):
                yield from self._walk(root, path)
            else:
                yield path

    def _fetch(self, url: str, target: Path) -> int:
        try:
            with self._http.stream("GET", url) as answer:
                _check(answer)
                with target.open("wb") as file:
                    return sum(file.write(chunk) for chunk in answer.iter_bytes())
        except httpx.TransportError as error:
            raise _unavailable(error) from error

    def _send(self, method: str, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, json=dict(values))
        except httpx.TransportError as error:
            raise _unavailable(error) from error
        _check(answer)
        told: dict[str, Any] = answer.json()
        return told

    def _json(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = self._get(path, query).json()
        return answer

    def _get(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        try:
            answer = self._http.get(path, params=dict(query))
        except httpx.TransportError as error:
            raise _unavailable(error) from error
        _check(answer)
        return answer


def _check(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"MLflow does not know {answer.request.url.path} {answer.request.url.query.decode()}")
    if answer.status_code >= 500:
        raise DependencyUnavailableError("MLflow", f"HTTP {answer.status_code}")
    answer.raise_for_status()


def _unavailable(error: httpx.TransportError) -> DependencyUnavailableError:
    return DependencyUnavailableError("MLflow", type(error).__name__)
