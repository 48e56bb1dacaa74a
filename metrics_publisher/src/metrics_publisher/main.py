"""Starts the publisher; ends on SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import signal

from stock_kit.health import Readiness
from stock_kit.kafka import EventProducer
from stock_kit.logging import configure_logging
from stock_kit.metrics import OperationsServer
from stock_kit.settings import Settings, get_settings

from metrics_publisher.publisher import Publisher, targets_of


async def run(settings: Settings, producer: EventProducer) -> None:
    publisher = Publisher(targets_of(settings), settings.publisher.interval.total_seconds(), producer)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, publisher.stop)
    await publisher.run()


def main() -> None:
    settings = get_settings()
    configure_logging(settings.log, "metrics_publisher")
    producer = EventProducer(settings.kafka, "metrics-publisher", queue_size=1_000)

    def check_kafka() -> None:
        if not producer.connected:
            raise ConnectionError(f"no connection to {settings.kafka.bootstrap_servers}")

    readiness = Readiness({"kafka": check_kafka})
    operations = OperationsServer(settings.publisher.host, settings.publisher.port, readiness).start()
    try:
        asyncio.run(run(settings, producer))
    finally:
        operations.close()
        readiness.close()
        producer.close(timeout=2.0)


if __name__ == "__main__":
    main()
