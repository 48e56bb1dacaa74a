"""LightGBM."""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from stock_mlops.forecasting.estimators.base import Estimator, Floats, History, Params, Positions, SearchSpace, Span
from stock_mlops.forecasting.estimators.early_stopping import best_iteration, held_out


class LightGBMParams(Params):
    n_estimators: int = Field(300, ge=1, le=5000, description="most trees")
    learning_rate: float = Field(0.05, gt=0, le=1, description="weight of each tree")
    num_leaves: int = Field(4, ge=2, le=1024, description="most leaves of a tree")
    min_data_in_leaf: int = Field(50, ge=1, le=10_000, description="fewest training rows in a leaf")
    lambda_l1: float = Field(0.0, ge=0, le=1e6, description="L1 penalty on the leaves' values")
    lambda_l2: float = Field(1.0, ge=0, le=1e6, description="L2 penalty on the leaves' values")
    feature_fraction: float = Field(0.5, gt=0, le=1, description="share of the features that a tree may use")
    bagging_fraction: float = Field(0.7, gt=0, le=1, description="share of the rows that a tree is fitted on")
    max_bin: int = Field(63, ge=2, le=1024, description="most bins of a feature")
    patience: int | None = Field(
        25,
        ge=1,
        le=1000,
        description="trees without progress on the newest fifth of the training window after which to stop; the model"
        " is then fitted on all of it with the number of trees that did best; null: all trees",
    )


class LightGBM(Estimator):
    """Gradient boosting by Ke et al. (2017), one thread and deterministic, saved as its own text.

    With the number of trees that suits the newest rows it is fitted again on all rows, as
    :class:`~.hist_gradient_boosting.HistGradientBoosting`.
    """

    name = "lightgbm"
    title = "LightGBM"
    rank = 9
    Params = LightGBMParams
    tasks = ("regression", "direction")
    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Span(0.01, 0.2, log=True),
        "num_leaves": Span(2, 32, log=True),
        "min_data_in_leaf": Span(10, 300, log=True),
        "feature_fraction": Span(0.1, 1.0),
        "lambda_l2": Span(0.01, 100.0, log=True),
    }

    params: LightGBMParams
    _booster: Any = None
    _one_row: _OneRow | None = None
    """Of a model that was loaded, to serve."""
    _history: History | None = None

    def prepare(self) -> None:
        import lightgbm  # noqa: F401

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        self._history = None
        trees = self.params.n_estimators
        if self.params.patience is not None:
            trees = self._stop(x, target, t, self.params.patience)
        self._booster = self._train(x, target, trees)

    def _stop(self, x: Floats, target: Floats, t: Positions, patience: int) -> int:
        """The number of trees to fit."""
        import lightgbm

        rows = held_out(t, self.horizon)
        if rows is None:
            return 1
        fitted, validated = rows
        losses: dict[str, Any] = {}
        self._train(
            x[fitted],
            target[fitted],
            self.params.n_estimators,
            validation=(x[validated], target[validated]),
            callbacks=[lightgbm.early_stopping(patience, verbose=False), lightgbm.record_evaluation(losses)],
        )
        train, validation = (next(iter(losses[name].values())) for name in ("train", "validation"))
        self._history = History(tuple(train), tuple(validation))
        return best_iteration(validation)

    def _train(
        self,
        x: Floats,
        target: Floats,
        trees: int,
        validation: tuple[Floats, Floats] | None = None,
        callbacks: list[Any] | None = None,
    ) -> Any:
        import lightgbm

        data = lightgbm.Dataset(x, target)
        valid_sets = [] if validation is None else [data, data.create_valid(*validation)]
        names = ["train", "validation"][: len(valid_sets)]
        return lightgbm.train(
            self._settings(), data, num_boost_round=trees, valid_sets=valid_sets, valid_names=names, callbacks=callbacks
        )

    def _settings(self) -> dict[str, Any]:
        return {
            **self.params.model_dump(exclude={"n_estimators", "patience"}),
            "objective": "binary" if self.task == "direction" else "regression",
            "bagging_freq": 1,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }

    def predict(self, x: Floats) -> Floats:
        if self._one_row is not None and len(x) == 1:
            return np.array([self._one_row.predict(x)])
        predicted: Floats = np.asarray(self._booster.predict(x, num_threads=1), dtype=np.float64)
        return predicted

    def shapley_values(self, x: Floats) -> Floats:
        values: Floats = self._booster.predict(x, num_threads=1, pred_contrib=True)
        return values

    @property
    def history(self) -> History | None:
        """Losses per tree of the fit that looked for the number of trees; None without."""
        return self._history

    def save(self, file: Path) -> None:
        file.write_text(self._booster.model_to_string())

    def load(self, file: Path) -> Self:
        import lightgbm

        self._booster = lightgbm.Booster(model_str=file.read_text())
        self._one_row = _OneRow(self._booster)
        return self


class _OneRow:
    """The answer to one row by the call of LightGBM's C API that is set up beforehand. ``Booster.predict`` sets up anew
    each time, which takes several times as long as the trees do. Thread-safe."""

    def __init__(self, booster: Any) -> None:
        from lightgbm import basic
        from lightgbm.libpath import _LIB

        self._booster = booster  # the configuration points into it
        self._check = basic._safe_call
        self._call = _LIB.LGBM_BoosterPredictForMatSingleRowFast
        self._free = _LIB.LGBM_FastConfigFree
        self._columns: int = booster.num_feature()
        self._config = ctypes.c_void_p()
        # Its buffers are used by one call at a time.
        self._lock = threading.Lock()
        self._check(
            _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(basic._C_API_PREDICT_NORMAL),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(basic._C_API_DTYPE_FLOAT64),
                ctypes.c_int32(self._columns),
                b"num_threads=1",
                ctypes.byref(self._config),
            )
        )

    def predict(self, row: Floats) -> float:
        """For ``row`` (1, features)."""
        values = np.ascontiguousarray(row, dtype=np.float64)
        if values.shape != (1, self._columns):
            raise ValueError(f"expected one row of {self._columns} features, got the shape {values.shape}")
        count, answer = ctypes.c_int64(), ctypes.c_double()
        with self._lock:
            self._check(
                self._call(self._config, ctypes.c_void_p(values.ctypes.data), ctypes.byref(count), ctypes.byref(answer))
            )
        return answer.value

    def __del__(self) -> None:
        if self._config:
            self._free(self._config)
