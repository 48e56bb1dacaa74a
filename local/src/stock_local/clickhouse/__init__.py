"""The ClickHouse engine (chDB) behind the part of ClickHouse's HTTP interface that clients use.

``python -m stock_local.clickhouse --port P --data-dir D`` plays ``clickhouse-server`` for every client of the local
profile. Each request is a session of its own; queries of different requests run at the same time.
"""
