from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from stock_mlops.instruments import Instrument
from stock_mlops.services.replay import HttpPredictor


class Backend2(HTTPServer):
    """Answers like backend2 and remembers what it was asked."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str | None, object]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Backend2

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("X-Prediction-Origin"), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def backend2() -> Iterator[Backend2]:
    with Backend2() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_replayed_forecast_is_asked_for_one_session_ahead_and_says_where_it_comes_from(backend2: Backend2) -> None:
    predict = HttpPredictor(f"http://127.0.0.1:{backend2.server_port}")
    predict(Instrument("US", "AAPL"))
    predict.close()
    body = {"exchange": "US", "ticker": "AAPL", "horizon": 1}
    assert backend2.asked == [("/api/predict/", "replay", body)]


def test_an_answer_that_is_no_forecast_is_an_error(backend2: Backend2) -> None:
    backend2.status = 503
    predict = HttpPredictor(f"http://127.0.0.1:{backend2.server_port}")
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        predict(Instrument("US", "AAPL"))
    predict.close()
