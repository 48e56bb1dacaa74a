from __future__ import annotations

import pytest
from metrics_publisher.samples import DROPPED_KEY, NotMetricsError, flatten

PAGE = """\
# HELP http_requests_total Requests
# TYPE http_requests_total counter
http_requests_total{route="/api/train",method="POST"} 3.0
http_requests_created{route="/api/train",method="POST"} 1.7e+09
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.1"} 2.0
http_request_duration_seconds_bucket{le="+Inf"} 3.0
http_request_duration_seconds_count 3.0
http_request_duration_seconds_sum 0.5
stock_model_error{model="a"} NaN
stock_model_age_seconds +Inf
process_resident_memory_bytes 1.2e+08
python_info{version="3.11"} 1.0
"""


def test_a_page_becomes_its_counters_sums_and_gauges() -> None:
    assert flatten(PAGE) == {
        'http_requests_total{method="POST",route="/api/train"}': 3.0,
        "http_request_duration_seconds_count": 3.0,
        "http_request_duration_seconds_sum": 0.5,
        "process_resident_memory_bytes": 1.2e8,
    }


def test_labels_are_escaped_as_prometheus_does() -> None:
    page = 'stock_x{path="C:\\\\a",text="say \\"hi\\"\\n"} 1\n'
    assert flatten(page) == {'stock_x{path="C:\\\\a",text="say \\"hi\\"\\n"}': 1.0}


def test_too_many_samples_are_cut_and_the_event_says_how_many() -> None:
    page = "".join(f'stock_x{{n="{n}"}} {n}\n' for n in range(30))
    samples = flatten(page, limit=10)
    assert len(samples) == 11
    assert samples[DROPPED_KEY] == 20


@pytest.mark.parametrize(
    "page", ["<html><body>502</body></html>", '{"status":"ok"}', "Ok.", "stock_x{a= 1", "stock_x abc"]
)
def test_what_is_no_metrics_page_is_refused(page: str) -> None:
    with pytest.raises(NotMetricsError, match="expected Prometheus text"):
        flatten(page)


def test_an_empty_page_has_no_samples() -> None:
    assert flatten("") == {}
