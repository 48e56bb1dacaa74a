from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from stock_kit.server_settings import MlflowSettings
from stock_mlops.errors import DependencyUnavailableError, NotFoundError
from stock_mlops.stores.mlflow_rest import MlflowRest

FILES = {"1/run/artifacts/bundle/bundle.json": b"{}", "1/run/artifacts/bundle/parts/a.npz": b"numbers"}


def server(request: httpx.Request) -> httpx.Response:
    """MLflow's artifact proxy, as version 3.17 answers."""
    root = "/api/2.0/mlflow-artifacts/artifacts"
    if request.url.path == root:
        folder = request.url.params["path"] + "/"
        below = [path.removeprefix(folder) for path in FILES if path.startswith(folder)]
        names = dict.fromkeys(path.split("/")[0] for path in below)
        entries = [{"path": name, "is_dir": name not in below} for name in names]
        return httpx.Response(200, json={"files": entries} if entries else {})
    content = FILES.get(request.url.path.removeprefix(root + "/"))
    return httpx.Response(404) if content is None else httpx.Response(200, content=content)


def client(handler: Callable[[httpx.Request], httpx.Response]) -> MlflowRest:
    return MlflowRest(MlflowSettings(), transport=httpx.MockTransport(handler))


def test_a_metrics_history_is_read_page_by_page_in_the_order_of_its_steps() -> None:
    pages = {None: [{"step": 2, "value": 0.3}, {"step": 0, "value": 0.9}], "next": [{"step": 1, "value": 0.5}]}

    def history(request: httpx.Request) -> httpx.Response:
        assert request.url.params["metric_key"] == "train_loss_h1"
        token = request.url.params.get("page_token")
        return httpx.Response(200, json={"metrics": pages[token], **({} if token else {"next_page_token": "next"})})

    assert client(history).metric_history("run", "train_loss_h1") == [0.9, 0.5, 0.3]
    assert client(lambda _: httpx.Response(200, json={})).metric_history("run", "gone") == []


def test_a_folder_is_copied_with_what_is_below_it(tmp_path: Path) -> None:
    size = client(server).download("mlflow-artifacts:/1/run/artifacts/bundle", tmp_path)
    assert (tmp_path / "bundle.json").read_bytes() == b"{}"
    assert (tmp_path / "parts" / "a.npz").read_bytes() == b"numbers"
    assert size == len(b"{}numbers")


def test_an_empty_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="train the model again"):
        client(server).download("mlflow-artifacts:/1/gone/artifacts/bundle", tmp_path)


def test_another_store_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mlflow-artifacts:/.*s3://bucket"):
        client(server).download("s3://bucket/x", tmp_path)


def test_a_name_from_the_server_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    def hostile(request: httpx.Request) -> httpx.Response:
        if "path" in request.url.params:
            return httpx.Response(200, json={"files": [{"path": "../../etc/passwd", "is_dir": False}]})
        return httpx.Response(200, content=b"x")

    client(hostile).download("mlflow-artifacts:/1/run", tmp_path / "folder")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["passwd"]
    assert (tmp_path / "folder" / "passwd").is_file()


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_server_counts_as_down(status: int) -> None:
    with pytest.raises(DependencyUnavailableError, match=f"HTTP {status}"):
        client(lambda _: httpx.Response(status)).run("abc")


def test_a_server_that_does_not_answer_counts_as_down() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(DependencyUnavailableError, match="MLflow"):
        client(refuse).ping()


def test_registered_models_are_read_page_by_page() -> None:
    pages = {
        "": {"registered_models": [{"name": "a"}], "next_page_token": "t"},
        "t": {"registered_models": [{"name": "b"}]},
    }

    def paged(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(pages[request.url.params.get("page_token", "")]))

    assert [model["name"] for model in client(paged).registered_models()] == ["a", "b"]


class Registry:
    """MLflow's runs and aliases; notes what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, object]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/2.0/")
        body = json.loads(request.content) if request.content else {}
        self.asked.append((request.method, path, body))
        if path == "mlflow/runs/get":
            return httpx.Response(200, json={"run": self.run("run")})
        if path == "mlflow/runs/search":
            return httpx.Response(200, json={"runs": [self.run("trial"), self.run("gone", stage="deleted")]})
        if path == "mlflow/registered-models/get":
            model = {"name": "stock-US-AAPL", "aliases": [{"alias": "champion", "version": "7"}]}
            return httpx.Response(200, json={"registered_model": model})
        return httpx.Response(200, json={})

    @staticmethod
    def run(run_id: str, stage: str = "active") -> dict[str, object]:
        uri = f"mlflow-artifacts:/3/{run_id}/artifacts"
        return {
            "info": {"run_id": run_id, "experiment_id": "3", "artifact_uri": uri, "lifecycle_stage": stage},
            "data": {},
        }


def test_a_run_is_deleted_with_its_files_and_the_runs_nested_in_it() -> None:
    registry = Registry()
    client(registry).delete_run("run")
    changes = [(method, path, body) for method, path, body in registry.asked if "get" not in path]
    assert changes[0] == ("DELETE", "mlflow-artifacts/artifacts/3/run/artifacts", {})
    assert changes[1][2]["filter"] == "tags.`mlflow.parentRunId` = 'run'"
    assert changes[2:] == [
        ("POST", "mlflow/runs/delete", {"run_id": "trial"}),
        ("POST", "mlflow/runs/delete", {"run_id": "run"}),
    ]


def test_aliases_are_read_set_and_removed() -> None:
    registry = Registry()
    mlflow = client(registry)
    assert mlflow.aliases("stock-US-AAPL") == {"champion": 7}
    mlflow.set_alias("stock-US-AAPL", "champion", 8)
    mlflow.remove_alias("stock-US-AAPL", "challenger")
    assert registry.asked[1:] == [
        (
            "POST",
            "mlflow/registered-models/alias",
            {"name": "stock-US-AAPL", "alias": "champion", "version": "8"},
        ),
        ("DELETE", "mlflow/registered-models/alias", {"name": "stock-US-AAPL", "alias": "challenger"}),
    ]
