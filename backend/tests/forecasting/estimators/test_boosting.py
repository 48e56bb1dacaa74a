"""Where boosting and its early stopping end."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import Case, sample

BOOSTED = [Case(name, task) for name in ("hist_gradient_boosting", "lightgbm") for task in ("regression", "direction")]
TREES = {"hist_gradient_boosting": "max_iter", "lightgbm": "n_estimators"}


@pytest.mark.parametrize("case", BOOSTED, ids=str)
def test_without_patience_every_tree_is_fitted_on_every_row(case: Case) -> None:
    x, y = sample()
    assert case.new(patience=None).fit(x, y).history is None
    few, many = (case.new(patience=None, **{TREES[case.model_type]: n}).fit(x, y).predict(x) for n in (5, 50))
    assert np.std(many) > 1.5 * np.std(few)


@pytest.mark.parametrize("case", BOOSTED, ids=str)
def test_it_stops_where_the_newest_rows_say_and_fits_all_of_them(case: Case) -> None:
    x, y = sample(600)
    stopped = case.new(**{TREES[case.model_type]: 300}, patience=10).fit(x, y)
    assert stopped.history is not None
    losses = stopped.history.validation_loss
    best = int(np.argmin(losses)) + 1
    assert best < len(losses) < 300
    again = case.new(**{TREES[case.model_type]: best}, patience=None).fit(x, y)
    assert np.array_equal(stopped.predict(x), again.predict(x))


@pytest.mark.parametrize("case", BOOSTED, ids=str)
def test_in_noise_it_stops_soon(case: Case) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(1500, 20)), rng.normal(0, 0.01, 1500)
    predicted = case.new(**{TREES[case.model_type]: 300}).fit(x, y).predict(x)
    assert np.std(predicted) < 0.25 * (0.01 if case.task == "regression" else 0.5)


def test_the_first_loss_is_that_of_the_first_tree() -> None:
    """The mean squared error (half of it in scikit-learn) after one tree is just below the variance."""
    x, y = sample(600)
    for model_type, share in (("lightgbm", 1.0), ("hist_gradient_boosting", 0.5)):
        history = Case(model_type, "regression").new().fit(x, y).history
        assert history is not None
        assert 0.85 * share * np.var(y) < history.train_loss[0] < share * np.var(y) * 1.05
