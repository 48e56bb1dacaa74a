"""A body to begin with for every operation that takes one, by the operation's name; and what the tags mean."""

from __future__ import annotations

from typing import Any

TAGS = {
    "access": "Who calls: sessions, accounts, API keys, the log of changing calls.",
    "training": "Trainings: long jobs on a celery_train worker.",
    "models": "Model definitions, their registered versions, and which of them serves.",
    "retraining": "The closed loop: when models are trained again, and what became of each retraining.",
    "simulations": "The time machine: history replayed session by session, with retrainings, and its report.",
    "mlflow": "What MLflow knows about the models.",
    "datasets": "Prices and features: what is loaded, how good it is, loading more.",
    "monitoring": "What is measured of data and models: drift, errors, coverage, parity, quality; the full reports.",
    "flows": "The platform's flows: schedules, runs, starting one.",
    "instruments": "Instruments, exchanges, watchlists.",
    "predictions": "Predictions: one now, many, days ahead, their history and what became of them.",
    "alerts": "What the platform's watchers found: what fires, what did, who has seen to it.",
    "system": "The platform as a whole.",
    "operations": "Alive, ready, metrics: for probes and Prometheus.",
}

_DEFINITION: dict[str, Any] = {
    "ticker": "AAPL",
    "exchange": "US",
    "model_type": "ridge",
    "horizon": 5,
    "features": ["momentum", "volatility"],
    "validation": {"folds": 5, "scheme": "expanding", "embargo": 5},
    "params": {"alpha": 100.0},
}
_WATCHLIST = {
    "name": "chips",
    "instruments": [{"ticker": "2330", "exchange": "TW"}, {"ticker": "NVDA", "exchange": "US"}],
}
_ACCOUNT = {"name": "ann", "password": "a long pass phrase", "role": "viewer"}

BODIES: dict[str, Any] = {
    "login": {"name": "admin", "password": "a long pass phrase"},
    "refresh_session": {"refresh_token": "the one that the login answered"},
    "logout": {"refresh_token": "the one that the login answered"},
    "create_account": _ACCOUNT,
    "change_account": {"role": "operator"},
    "create_api_key": {"name": "notebook", "scopes": ["read", "predict"]},
    "train": _DEFINITION,
    "create_model": _DEFINITION,
    "change_model": {"name": "Apple, daily", "description": "for the morning report", "tags": ["desk"]},
    "promote_version": {"reason": "better after the split", "force": False},
    "roll_back": {"reason": "errors grew"},
    "backtest_model": {"horizon": 1, "mode": "long_flat", "cost_bps": 5.0, "slippage_bps": 1.0, "sweep_bps": [0, 10]},
    "set_retraining_policy": {
        "age": {"mode": "automatic", "threshold": 63},
        "drift": {"mode": "propose", "threshold": 4},
        "shadow_sessions": 20,
        "probation_sessions": 20,
    },
    "start_retraining": {"reason": "new features"},
    "cancel_retraining": {"reason": "not now"},
    "start_simulation": {
        "first": "2010-01-04",
        "last": "2012-12-31",
        "tickers": ["AAPL", "MSFT", "IBM", "GOOG"],
        "retrain_every": 21,
        "name": "four shares, monthly",
    },
    "start_etl": {"source": "sample"},
    "start_flow": {"parameters": {"tickers": ["AAPL"]}},
    "acknowledge_alert": {"comment": "restarting it"},
    "create_watchlist": _WATCHLIST,
    "replace_watchlist": _WATCHLIST,
    "predict": {"ticker": "AAPL", "exchange": "US", "horizon": 1},
    "predict_bulk": {"instruments": [{"ticker": "AAPL"}, {"ticker": "2330", "exchange": "TW"}], "horizon": 1},
    "predict_future": {"ticker": "AAPL", "exchange": "US", "days": 20},
}
