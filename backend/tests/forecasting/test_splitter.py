from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.forecasting.splitter import MIN_TEST, MIN_TRAIN, Scheme, minimum_length, walk_forward

folds_ = st.integers(2, 10)
horizons = st.integers(1, 60)
embargoes = st.integers(0, 60)
schemes = st.sampled_from(["expanding", "rolling"])


@given(folds=folds_, horizon=horizons, embargo=embargoes, scheme=schemes, extra=st.integers(0, 4000))
def test_no_training_label_reaches_into_its_test_window(
    folds: int, horizon: int, embargo: int, scheme: Scheme, extra: int
) -> None:
    length = minimum_length(folds, horizon, embargo) + extra
    for fold in walk_forward(length, folds=folds, horizon=horizon, embargo=embargo, scheme=scheme):
        last_label = fold.train_end - 1 + horizon
        assert last_label < fold.test_start - embargo


@given(folds=folds_, horizon=horizons, embargo=embargoes, scheme=schemes, extra=st.integers(0, 4000))
def test_windows_are_consecutive_long_enough_and_end_where_labels_end(
    folds: int, horizon: int, embargo: int, scheme: Scheme, extra: int
) -> None:
    length = minimum_length(folds, horizon, embargo) + extra
    found = walk_forward(length, folds=folds, horizon=horizon, embargo=embargo, scheme=scheme)
    assert len(found) == folds
    assert [fold.test_start for fold in found[1:]] == [fold.test_end for fold in found[:-1]]
    assert found[-1].test_end == length - horizon
    sizes = [fold.test_end - fold.test_start for fold in found]
    assert min(sizes) >= MIN_TEST
    assert max(sizes) - min(sizes) <= 1
    trained = [fold.train_end - fold.train_start for fold in found]
    assert min(trained) >= MIN_TRAIN
    assert (len(set(trained)) == 1) if scheme == "rolling" else all(fold.train_start == 0 for fold in found)


@given(folds=folds_, horizon=horizons, embargo=embargoes)
def test_one_session_less_than_the_minimum_is_refused(folds: int, horizon: int, embargo: int) -> None:
    shortest = minimum_length(folds, horizon, embargo)
    with pytest.raises(ValueError, match=f"at least {shortest} sessions, got {shortest - 1}"):
        walk_forward(shortest - 1, folds=folds, horizon=horizon, embargo=embargo)
