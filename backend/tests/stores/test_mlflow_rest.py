from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from stock_kit.settings import MlflowSettings
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
