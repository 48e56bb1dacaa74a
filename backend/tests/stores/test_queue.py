from __future__ import annotations

from stock_kit.settings import Settings
from stock_mlops.stores.jobs import JobKind
from stock_mlops.stores.queue import TASKS, celery_config


def test_what_is_lost_with_a_worker_is_never_kept_back_by_the_broker() -> None:
    config = celery_config(Settings())
    assert config["task_acks_late"] is False
    assert config["worker_prefetch_multiplier"] == 1
    assert config["accept_content"] == ["json"]
    assert config["result_backend"] is None
    assert config["broker_connection_max_retries"] is None


def test_every_queue_has_a_worker_of_its_name() -> None:
    assert {queue for _, queue in TASKS.values()} == {"train", "predict"}
    assert JobKind.ETL not in TASKS
