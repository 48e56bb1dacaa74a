"""What the commands of :mod:`stock_local.cli` do, each loaded when it runs."""
