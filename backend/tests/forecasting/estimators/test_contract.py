"""The contract of every model type in each of its tasks; a new one is covered by being found."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from stock_mlops.forecasting.estimators import Estimator, params_model, registry
from stock_mlops.forecasting.estimators.base import (
    Choice,
    Floats,
    Span,
    UnusableModelError,
    UnusableSampleError,
    logistic,
)

from .conftest import Case, sample


def skill(fitted: Estimator, x: Floats, y: Floats) -> float:
    """A scorer in scikit-learn's sense."""
    target = (y > 0).astype(float) if fitted.task == "direction" else y
    return 1.0 - float(np.mean((target - fitted.predict(x)) ** 2) / np.var(target))


def learns(case: Case) -> bool:
    return case.model_type not in ("random_walk", "drift", "mean")


def test_it_is_named_as_it_is_found(case: Case) -> None:
    found = registry()[case.model_type]
    assert found.name == case.model_type
    assert found.title


def test_predictions_are_one_finite_number_per_row(case: Case) -> None:
    x, y = sample()
    predicted = case.new().fit(x, y).predict(x[:7])
    assert predicted.shape == (7,)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    if case.task == "direction":
        assert ((predicted > 0) & (predicted < 1)).all()


def test_a_strong_signal_is_found(case: Case) -> None:
    x, y = sample(1000)
    score = skill(case.new().fit(x[:700], y[:700]), x[700:], y[700:])
    assert score > 0.1 if learns(case) else score < 0.01


def test_the_same_seed_gives_the_same_bits(case: Case) -> None:
    x, y = sample()
    one, two = (case.new(seed=3).fit(x, y).predict(x) for _ in range(2))
    assert np.array_equal(one, two)


def test_fitting_again_forgets_what_was_learned_before(case: Case) -> None:
    x, y = sample()
    used = case.new().fit(x, -5 * y)
    assert np.array_equal(used.fit(x, y).predict(x), case.new().fit(x, y).predict(x))


def test_the_inputs_are_left_as_they_are(case: Case) -> None:
    x, y = sample()
    t = np.arange(len(y))
    before = x.copy(), y.copy(), t.copy()
    case.new().fit(x, y, t).predict(x)
    assert all(np.array_equal(one, other) for one, other in zip(before, (x, y, t), strict=True))


def test_rows_without_sessions_are_consecutive_ones(case: Case) -> None:
    x, y = sample()
    assert np.array_equal(
        case.new(horizon=3).fit(x, y).predict(x), case.new(horizon=3).fit(x, y, np.arange(len(y)) + 50).predict(x)
    )


def test_a_panel_shares_its_sessions(case: Case) -> None:
    x, y = sample()
    assert np.isfinite(case.new().fit(x, y, np.arange(len(y)) // 4).predict(x)).all()


def test_a_row_alone_is_predicted_as_among_others(case: Case) -> None:
    x, y = sample()
    fitted = case.new().fit(x, y)
    alone = np.concatenate([fitted.predict(x[row : row + 1]) for row in range(20)])
    assert alone == pytest.approx(fitted.predict(x)[:20], rel=1e-12, abs=1e-15)


def test_a_saved_model_answers_bit_for_bit_the_same(case: Case, tmp_path: Path) -> None:
    x, y = sample()
    fitted = case.new().fit(x, y)
    fitted.save(tmp_path / "model")
    loaded = case.new().load(tmp_path / "model")
    assert np.array_equal(loaded.predict(x), fitted.predict(x))
    form, before = loaded.linear_form(), fitted.linear_form()
    assert (form is None) == (before is None)
    if form is not None and before is not None:
        assert np.array_equal(form.coefficients, before.coefficients)
        assert form.intercept == before.intercept


def test_a_saved_model_holds_no_pickle(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "model"
    x, y = sample()
    case.new().fit(x, y).save(file)
    if not zipfile.is_zipfile(file):
        assert file.read_text()
        return
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            assert name.endswith((".json", ".npy"))
            if name.endswith(".npy"):
                np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


def test_many_threads_may_ask_at_once(case: Case) -> None:
    x, y = sample()
    fitted = case.new().fit(x, y)
    expected = fitted.predict(x)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: fitted.predict(x), range(16)))
    assert all(np.array_equal(answer, expected) for answer in answers)


def test_its_linear_form_when_it_has_one_is_the_model(case: Case) -> None:
    x, y = sample()
    x = x * np.array([1.0, 100.0, 0.01, 1.0]) + np.array([0.0, 5.0, 0.0, -3.0])
    fitted = case.new().fit(x, y)
    form = fitted.linear_form()
    if form is not None:
        score = x @ form.coefficients + form.intercept
        expected = logistic(score) if case.task == "direction" else score
        assert expected == pytest.approx(fitted.predict(x), abs=1e-12)


def test_a_constant_feature_changes_nothing_much(case: Case) -> None:
    x, y = sample()
    x[:, 2] = 0.1  # its mean over 400 rows is not 0.1 to the last bit
    fitted = case.new().fit(x, y)
    assert np.isfinite(fitted.predict(x)).all()
    form = fitted.linear_form()
    if form is not None:
        assert form.coefficients[2] == 0


def test_constant_features_alone_tell_nothing(case: Case) -> None:
    _, y = sample()
    predicted = case.new().fit(np.full((len(y), 4), 0.1), y).predict(np.full((2, 4), 0.1))
    assert abs(predicted - (0.5 if case.task == "direction" else 0.0)).max() < (
        0.2 if case.task == "direction" else 0.01
    )


def test_few_rows_are_no_reason_to_fail(case: Case) -> None:
    x, y = sample(12)
    assert np.isfinite(case.new(horizon=5).fit(x, y).predict(x)).all()


def test_one_row_is_too_few(case: Case) -> None:
    x, y = sample(1)
    with pytest.raises(UnusableSampleError, match="expected two rows or more to train on, got 1"):
        case.new().fit(x, y)


@pytest.mark.parametrize("where", ["x", "y"])
def test_values_that_are_not_finite_are_refused(case: Case, where: str) -> None:
    x, y = sample()
    (x[:, 1] if where == "x" else y)[7] = np.nan
    with pytest.raises(UnusableSampleError, match="1 of 400 rows that are not, the first at position 7"):
        case.new().fit(x, y)


def test_rows_out_of_order_are_refused(case: Case) -> None:
    x, y = sample()
    with pytest.raises(UnusableSampleError, match="in the order of their sessions"):
        case.new().fit(x, y, np.arange(len(y))[::-1])


def test_shapes_that_do_not_fit_are_refused(case: Case) -> None:
    x, y = sample()
    with pytest.raises(UnusableSampleError, match=r"\(400, 4\), \(399,\)"):
        case.new().fit(x, y[1:])


def test_another_task_is_refused(case: Case) -> None:
    x, y = sample()
    estimator = case.new()
    for task in {"regression", "direction"} - set(registry()[case.model_type].tasks):
        with pytest.raises(UnusableModelError, match=f"task: {case.model_type} does .*, got {task}"):
            estimator.set_params(task=task).fit(x, y)


def test_rises_alone_have_no_direction_to_learn(case: Case) -> None:
    x, y = sample()
    if case.task == "direction":
        with pytest.raises(UnusableSampleError, match="got 400 rises and 0 falls"):
            case.new().fit(x, np.abs(y))


def test_an_unmoved_price_is_neither_rise_nor_fall(case: Case) -> None:
    x, y = sample()
    if case.task == "direction":
        unmoved = np.insert(y, [100, 200], 0.0)
        expected = case.new().fit(x, y, np.arange(len(y))).predict(x)
        t = np.insert(np.arange(len(y)), [100, 200], [100, 200])
        assert np.array_equal(case.new().fit(np.insert(x, [100, 200], 9.0, axis=0), unmoved, t).predict(x), expected)


def test_scikit_learn_clones_it(case: Case) -> None:
    estimator = case.new(seed=5, horizon=4)
    copy = clone(estimator)
    assert copy is not estimator
    assert copy.get_params() == estimator.get_params() == {**estimator.get_params(), "seed": 5, "horizon": 4}
    assert copy.set_params(seed=9).seed == 9
    assert estimator.seed == 5


def test_scikit_learn_cross_validates_it(case: Case) -> None:
    x, y = sample(600)
    scores = cross_val_score(case.new(), x, y, cv=TimeSeriesSplit(2), scoring=skill)
    assert (scores > 0.05).all() if learns(case) else (scores < 0.02).all()


def test_unknown_parameters_are_refused(case: Case) -> None:
    with pytest.raises(ValueError, match="not permitted"):
        params_model(case.model_type)(unheard_of=1)


def test_every_parameter_has_a_default_and_says_what_it_is(case: Case) -> None:
    schema = params_model(case.model_type).model_json_schema()
    for name, field in schema.get("properties", {}).items():
        assert "default" in field, name
        assert field["description"], name


def test_parameters_survive_the_way_through_json(case: Case) -> None:
    model = params_model(case.model_type)
    assert model(**model().model_dump(mode="json")) == model()


def test_a_search_tries_allowed_values(case: Case) -> None:
    found = registry()[case.model_type]
    for name, space in found.search_space.items():
        values = space.values if isinstance(space, Choice) else (space.low, space.high)
        for value in values:
            assert getattr(found.Params(**{name: value}), name) == value
        if isinstance(space, Span):
            assert space.low < space.high
            assert space.low > 0 or not space.log


def test_the_history_of_a_fit_has_a_value_per_iteration(case: Case) -> None:
    x, y = sample()
    history = case.new().fit(x, y).history
    if history is None:
        return
    assert len(history.train_loss) > 1
    assert len(history.validation_loss) in (0, len(history.train_loss))
    assert len(history.gradient_norm) in (0, len(history.train_loss))
    assert np.isfinite([*history.train_loss, *history.validation_loss, *history.gradient_norm]).all()
    assert history.train_loss[-1] < history.train_loss[0]
