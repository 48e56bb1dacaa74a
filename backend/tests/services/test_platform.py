from __future__ import annotations

from stock_kit.service_settings import LinksSettings
from stock_kit.settings import Settings
from stock_mlops.services.platform import Platform, links
from stock_mlops.stores.jobs import JobKind, JobState


class Counts:
    def open_counts(self) -> dict[JobKind, dict[JobState, int]]:
        counts = {kind: {JobState.PENDING: 0, JobState.RUNNING: 0} for kind in JobKind}
        counts[JobKind.TRAIN] = {JobState.PENDING: 3, JobState.RUNNING: 1}
        counts[JobKind.SIMULATE] = {JobState.PENDING: 0, JobState.RUNNING: 1}
        return counts


class Broker:
    def lengths(self) -> dict[str, int]:
        return {"train": 4, "predict": 0}

    def workers(self) -> list[str]:
        return ["predict@a", "predict@b", "train@a"]


def test_a_queue_has_its_messages_its_jobs_and_its_workers() -> None:
    train, predict = Platform(Settings.model_construct(), Counts(), Broker()).queue_states()
    assert (train.name, train.messages, train.pending, train.running, train.workers) == ("train", 4, 3, 1, ["train@a"])
    # Simulations wait in the queue of long predictions.
    assert (predict.name, predict.pending, predict.running) == ("predict", 0, 1)
    assert predict.workers == ["predict@a", "predict@b"]


def test_a_link_that_is_set_wins_and_one_that_is_not_there_is_left_out() -> None:
    known = LinksSettings(grafana="https://desk.example/grafana", mlflow="https://desk.example/mlflow")
    found = links(Settings.model_construct(links=known))
    assert found["grafana"] == "https://desk.example/grafana"
    assert found["mlflow"] == "https://desk.example/mlflow"
    assert found["prefect"] == "http://127.0.0.1:4200"
    assert not {"flower", "kafka_ui"} & found.keys()
