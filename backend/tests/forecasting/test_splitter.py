from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.forecasting.splitter import MIN_TEST, MIN_TRAIN, Scheme, minimum_length, split

folds_ = st.integers(2, 10)
horizons = st.integers(1, 60)
embargoes = st.integers(0, 60)
walking = st.sampled_from(["expanding", "rolling"])
schemes = st.sampled_from(["expanding", "rolling", "purged_kfold"])


@given(
    folds=folds_,
    horizon=horizons,
    embargo=embargoes,
    scheme=schemes,
    extra=st.integers(0, 4000),
    missing=st.floats(0, 0.9),
    seed=st.integers(0, 100),
)
def test_no_training_label_interval_touches_a_test_window(
    folds: int, horizon: int, embargo: int, scheme: Scheme, extra: int, missing: float, seed: int
) -> None:
    """Whatever rows there are: a session may be missing, or have several members of a panel."""
    length = minimum_length(folds, horizon, embargo, scheme) + extra
    rng = np.random.default_rng(seed)
    t = np.repeat(np.arange(length), rng.integers(1, 4, length))
    t = t[rng.random(len(t)) >= missing]
    for fold in split(length, folds=folds, horizon=horizon, embargo=embargo, scheme=scheme):
        train, test = t[fold.trains_on(t)], t[fold.tests_on(t)]
        if not (len(train) and len(test)):
            continue
        # Rows before the window: their labels are known before it. Rows after it: they begin when its labels are.
        before, after = train[train < fold.test[0]], train[train >= fold.test[0]]
        assert (before + horizon < test.min() - embargo).all()
        assert (after > test.max() + horizon + embargo).all()


@given(folds=folds_, horizon=horizons, embargo=embargoes, scheme=schemes, extra=st.integers(0, 4000))
def test_windows_are_consecutive_long_enough_and_end_where_labels_end(
    folds: int, horizon: int, embargo: int, scheme: Scheme, extra: int
) -> None:
    length = minimum_length(folds, horizon, embargo, scheme) + extra
    found = split(length, folds=folds, horizon=horizon, embargo=embargo, scheme=scheme)
    assert len(found) == folds
    assert [fold.test[0] for fold in found[1:]] == [fold.test[1] for fold in found[:-1]]
    assert found[-1].test[1] == length - horizon
    sizes = [fold.test[1] - fold.test[0] for fold in found]
    assert min(sizes) >= MIN_TEST
    assert max(sizes) - min(sizes) <= 1
    assert min(sum(end - start for start, end in fold.train) for fold in found) >= MIN_TRAIN


@given(folds=folds_, horizon=horizons, embargo=embargoes, scheme=walking, extra=st.integers(0, 4000))
def test_walking_forward_trains_on_the_past_alone(
    folds: int, horizon: int, embargo: int, scheme: Scheme, extra: int
) -> None:
    length = minimum_length(folds, horizon, embargo, scheme) + extra
    found = split(length, folds=folds, horizon=horizon, embargo=embargo, scheme=scheme)
    trained = [fold.train[0][1] - fold.train[0][0] for fold in found]
    assert all(len(fold.train) == 1 and fold.train[0][1] <= fold.test[0] for fold in found)
    assert (len(set(trained)) == 1) if scheme == "rolling" else all(fold.train[0][0] == 0 for fold in found)


def test_k_fold_tests_every_labelled_session_once_and_trains_on_both_sides() -> None:
    found = split(1000, folds=4, horizon=5, embargo=10, scheme="purged_kfold")
    assert [fold.test for fold in found] == [(0, 248), (248, 497), (497, 746), (746, 995)]
    assert found[0].train == ((263, 995),)
    assert found[1].train == ((0, 233), (512, 995))


@given(folds=folds_, horizon=horizons, embargo=embargoes, scheme=schemes)
def test_one_session_less_than_the_minimum_is_refused(folds: int, horizon: int, embargo: int, scheme: Scheme) -> None:
    shortest = minimum_length(folds, horizon, embargo, scheme)
    with pytest.raises(ValueError, match=f"at least {shortest} sessions, got {shortest - 1}"):
        split(shortest - 1, folds=folds, horizon=horizon, embargo=embargo, scheme=scheme)
