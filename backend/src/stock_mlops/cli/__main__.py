"""``python -m stock_mlops.cli``, for where the scripts folder is not on the path."""

from stock_mlops.cli.main import main

main()
