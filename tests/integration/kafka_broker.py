"""Brokers that a test may kill: the local profile's, and real Apache Kafka out of its jars.

Apache Kafka needs Java 17 and its jars: those of ``KAFKA_HOME``, else what ``mvn`` resolves into a cache folder once
(46 MB). Where neither works the tests on it are skipped, and the summary says why.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from stock_kit.server_settings import KafkaSettings

APACHE_VERSION = "4.1.0"
_MVN_TIMEOUT = 240
_START_TIMEOUT = 120

_NOT_RUN = "NOT RUN on real Apache Kafka: KAFKA_HOME is not set"

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stock</groupId><artifactId>kafka-jars</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{APACHE_VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker(ABC):
    """One broker in a folder of its own; a subclass says how it is started."""

    durable: bool
    """Whether what it acknowledged is still there after ``kill -9``."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=f"127.0.0.1:{self.port}", small_logs=not self.durable)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self._folder / "broker.log").open("ab") as log:
            # A group of its own: the wrapper of one of them starts the server as a child.
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, start_new_session=True)
        deadline = monotonic() + _START_TIMEOUT
        while monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                sleep(0.1)
        raise RuntimeError("the broker did not start:\n" + (self._folder / "broker.log").read_text()[-2000:])

    def kill(self) -> None:
        """As when the power fails."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def lose_everything(self) -> None:
        """Kill it, and start it with an empty disk."""
        self.kill()
        shutil.rmtree(self._data)
        self.start()

    @abstractmethod
    def _command(self) -> list[str]:
        """What starts the broker in the foreground."""


class NoidaBroker(Broker):
    """The local profile's broker."""

    durable = False

    def _command(self) -> list[str]:
        self._data.mkdir(exist_ok=True)
        program = str(Path(sys.executable).with_name("noida-db"))
        return [program, "start", "--only", "kafka", "--kafka-port", str(self.port), "--data-dir", str(self._data)]


class ApacheBroker(Broker):
    """Apache Kafka, one node in KRaft mode."""

    durable = True

    def __init__(self, folder: Path, jars: Path) -> None:
        super().__init__(folder)
        self._java = ["java", "-Xmx256m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
        self._config = folder / "server.properties"
        self._config.write_text(_PROPERTIES.format(port=self.port, controller=free_port(), data=self._data))

    def _command(self) -> list[str]:
        if not self._data.exists():
            format_disk = ["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(self._config)]
            subprocess.run([*self._java, *format_disk], check=True, capture_output=True, timeout=_START_TIMEOUT)
        return [*self._java, "kafka.Kafka", str(self._config)]


def apache_jars() -> Path:
    """The folder of Apache Kafka's jars; skips the test when there is none."""
    if shutil.which("java") is None:
        pytest.skip("NOT RUN on real Apache Kafka: no java")
    if home := os.environ.get("KAFKA_HOME"):
        return Path(home) / "libs"
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "stock-mlops" / f"kafka-{APACHE_VERSION}"
    if not (cache / "complete").exists():
        _resolve(cache)
    return cache / "libs"


def _resolve(cache: Path) -> None:
    if shutil.which("mvn") is None:
        pytest.skip(f"{_NOT_RUN}, and there is no mvn to resolve its jars")
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "pom.xml").write_text(_POM)
    command = ["mvn", "-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory=libs", "-DincludeScope=runtime"]
    try:
        subprocess.run(command, cwd=cache, check=True, capture_output=True, timeout=_MVN_TIMEOUT)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(
            f"NOT RUN on real Apache Kafka: KAFKA_HOME is not set, and mvn could not resolve its jars ({error})"
        )
    (cache / "complete").touch()


@contextmanager
def running_broker(kind: str, folder: Path) -> Iterator[Broker]:
    """``kind`` is ``local-profile`` or ``apache``."""
    broker: Broker = ApacheBroker(folder, apache_jars()) if kind == "apache" else NoidaBroker(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
