"""How fast, and in how much memory, daily prices get from a Parquet file into PostgreSQL and ClickHouse."""
