from __future__ import annotations

import pytest
from stock_kit.server_settings import S3Settings
from stock_mlops.errors import NotFoundError
from stock_mlops.stores.reports import Reports


@pytest.mark.parametrize("name", ["", "../uploads/x", "US_AAPL_20261122T050000Z_v3.html", "US_AAPL_2026_v3", "a/b"])
def test_a_name_that_is_none_of_ours_asks_no_server(name: str) -> None:
    nobody = S3Settings(endpoint_url="http://127.0.0.1:9")
    with pytest.raises(NotFoundError, match="GET /api/monitoring/reports lists"):
        Reports(nobody).get(name)
