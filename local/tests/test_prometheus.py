from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml
from stock_kit.service_settings import LinksSettings, LocalSettings
from stock_kit.settings import Settings
from stock_local.catalog import FLOWER, child_environment
from stock_local.prometheus import BLACKBOX, PROMETHEUS, local_config, monitoring_services

# Of the containers only.
ABSENT = {"celery_exporter", "node-exporter", "cadvisor", "grafana", "minio"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(**local: object) -> Settings:
    ports = {"prometheus_port": free_port(), "blackbox_port": free_port()}
    return Settings.model_construct(local=LocalSettings.model_validate({**ports, **local}))


def jobs(*, probing: bool = True) -> dict[str, dict[str, list[str]]]:
    config = local_config(settings(), probing=probing)
    return {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


def test_the_jobs_are_those_of_the_containers_but_for_what_is_not_here() -> None:
    source = yaml.safe_load(Settings.model_construct().path("monitor/prometheus/prometheus.yml").read_text())
    assert set(jobs()) == {job["job_name"] for job in source["scrape_configs"]} - ABSENT


def test_services_are_asked_at_this_profiles_addresses() -> None:
    found = jobs()
    assert found["backend2"] == ["127.0.0.1:8002"]
    assert found["celery_train"] == ["127.0.0.1:8011"]
    assert "http://127.0.0.1:8088/api/predict/?limit=1" in found["proxy"]
    assert "127.0.0.1:5411" in found["tcp"]


def test_without_a_blackbox_exporter_nothing_is_probed() -> None:
    assert set(jobs()) - set(jobs(probing=False)) == {"http", "proxy", "tcp", BLACKBOX}


def test_the_rules_are_those_of_the_containers() -> None:
    config = local_config(settings(), probing=True)
    (pattern,) = config["rule_files"]
    assert {file.name for file in Path(pattern).parent.glob("*.yml")} >= {"alerts.yml", "recording.yml"}


def test_probes_go_through_this_profiles_exporter() -> None:
    own = settings()
    config = local_config(own, probing=True)
    (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "http")
    assert {"target_label": "__address__", "replacement": f"127.0.0.1:{own.local.blackbox_port}"} in job[
        "relabel_configs"
    ]


@pytest.mark.usefixtures("installed")
def test_what_is_installed_is_started(tmp_path: Path) -> None:
    assert [service.name for service in monitoring_services(settings(), tmp_path)] == [PROMETHEUS, BLACKBOX]


@pytest.mark.usefixtures("installed")
def test_a_machine_that_runs_its_own_keeps_it(tmp_path: Path) -> None:
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        taken = theirs.getsockname()[1]
        services = monitoring_services(settings(prometheus_port=taken), tmp_path)
    assert [service.name for service in services] == [BLACKBOX]


@pytest.mark.usefixtures("installed")
def test_it_can_be_switched_off(tmp_path: Path) -> None:
    assert monitoring_services(settings(monitoring=False), tmp_path) == ()


def test_a_machine_without_them_does_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert monitoring_services(settings(), tmp_path) == ()


@pytest.mark.parametrize("name", [PROMETHEUS, FLOWER])
def test_the_page_links_to_it_when_it_is_there_and_nobody_named_another(name: str) -> None:
    own = settings()
    link, port = f"STOCK_LINKS__{name.upper()}", {PROMETHEUS: own.local.prometheus_port, FLOWER: own.celery.flower_port}
    assert child_environment(own, [name])[link] == f"http://127.0.0.1:{port[name]}"
    assert not child_environment(own, ["nginx"])[link]
    elsewhere = own.model_copy(update={"links": LinksSettings.model_validate({name: "https://desk.example/ui"})})
    assert child_environment(elsewhere, [name])[link] == "https://desk.example/ui"
