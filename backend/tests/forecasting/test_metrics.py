from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    brier_score_loss,
    f1_score,
    mean_absolute_error,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
    root_mean_squared_error,
)
from stock_mlops.forecasting.metrics import (
    Sample,
    Scores,
    diebold_mariano,
    direction_accuracy,
    holm,
    information_coefficients,
    roc_auc,
)
from stock_mlops.forecasting.metrics import score as score_sample


def score(y: np.ndarray, y_hat: np.ndarray, close: np.ndarray | None = None, inputs: int = 0) -> Scores:
    return score_sample(Sample(y, y_hat, np.full(len(y), 50.0) if close is None else close), inputs)


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    y = rng.normal(0.001, 0.02, 500)
    return y, 0.2 * y + rng.normal(0, 0.01, 500)


def test_scores_agree_with_scikit_learn(sample: tuple[np.ndarray, np.ndarray]) -> None:
    y, y_hat = sample
    scores = score(y, y_hat)
    assert scores.rmse == pytest.approx(root_mean_squared_error(y, y_hat))
    assert scores.mae == pytest.approx(mean_absolute_error(y, y_hat))
    assert scores.r2 == pytest.approx(r2_score(y, y_hat))
    assert scores.auc == pytest.approx(roc_auc_score(y > 0, y_hat))
    assert scores.precision == pytest.approx(precision_score(y > 0, y_hat > 0))
    assert scores.recall == pytest.approx(recall_score(y > 0, y_hat > 0))
    assert scores.f1 == pytest.approx(f1_score(y > 0, y_hat > 0))


def test_price_metrics_are_those_of_the_closes_that_the_returns_stand_for(
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    y, y_hat = sample
    close = np.linspace(20, 80, len(y))
    scores = score(y, y_hat, close, inputs=4)
    actual, forecast = close * np.exp(y), close * np.exp(y_hat)
    assert scores.price_rmse == pytest.approx(root_mean_squared_error(actual, forecast))
    assert scores.price_mae == pytest.approx(mean_absolute_error(actual, forecast))
    assert scores.price_r2 == pytest.approx(r2_score(actual, forecast))
    assert scores.price_random_walk_rmse == pytest.approx(root_mean_squared_error(actual, close))
    assert scores.adjusted_r2 == pytest.approx(1 - (1 - r2_score(y, y_hat)) * (len(y) - 1) / (len(y) - 5))


def test_a_probability_is_judged_where_it_is_known() -> None:
    y = np.array([0.01, -0.01, 0.02, 0.01])
    probability = np.array([np.nan, 0.2, 0.7, 0.4])
    scores = score_sample(Sample(y, y, np.ones(4), probability))
    assert scores.brier == pytest.approx(brier_score_loss(y[1:] > 0, probability[1:]))
    assert score(y, y).brier is None


def test_the_direction_is_read_from_the_call_of_a_classifier() -> None:
    y = np.array([0.01, -0.01, 0.02, -0.03])
    scores = score_sample(Sample(y, np.full(4, 0.001), np.ones(4), call=np.array([0.1, -0.1, 0.1, 0.2])))
    assert (scores.direction_accuracy, scores.recall, scores.auc) == (0.75, 1.0, 0.5)


def test_information_coefficients_are_means_of_correlations_across_members() -> None:
    from scipy.stats import pearsonr, spearmanr

    rng = np.random.default_rng(2)
    y, y_hat, t = rng.normal(size=40), rng.normal(size=40), np.arange(40) // 10
    ic, rank_ic = information_coefficients(y, y_hat, t)
    sessions = [t == session for session in range(4)]
    assert ic == pytest.approx(np.mean([pearsonr(y[rows], y_hat[rows])[0] for rows in sessions]))
    assert rank_ic == pytest.approx(np.mean([spearmanr(y[rows], y_hat[rows])[0] for rows in sessions]))
    assert information_coefficients(y, np.zeros(40), t) == (None, None)


def test_holm_steps_down_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, None]) == [0.03, 0.06, 0.06, None]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_members_of_a_panel_do_not_make_its_test_surer_than_its_sessions_do() -> None:
    rng = np.random.default_rng(8)
    y = rng.normal(0, 0.01, 300)
    y_hat = 0.3 * y + rng.normal(0, 0.005, 300)
    single = diebold_mariano(y, y_hat, 2)
    assert diebold_mariano(np.repeat(y, 5), np.repeat(y_hat, 5), 2, np.repeat(np.arange(300), 5)) == single


def test_auc_counts_ties_half(sample: tuple[np.ndarray, np.ndarray]) -> None:
    y, y_hat = sample
    rounded = np.round(y_hat, 2)
    assert roc_auc(y > 0, rounded) == pytest.approx(roc_auc_score(y > 0, rounded))
    assert roc_auc(y > 0, np.zeros_like(y)) == 0.5
    assert roc_auc(np.ones(3, dtype=bool), np.arange(3.0)) is None


def test_the_random_walk_has_no_skill_and_no_direction() -> None:
    y = np.array([0.01, -0.02, 0.03])
    scores = score(y, np.zeros(3))
    assert scores.skill == 0.0
    assert scores.direction_accuracy is None
    assert diebold_mariano(y, np.zeros(3), 1) is None


def test_a_perfect_forecast_has_all_the_skill() -> None:
    y = np.array([0.01, -0.02, 0.03])
    scores = score(y, y)
    assert (scores.skill, scores.r2, scores.direction_accuracy, scores.auc, scores.bias) == (1.0, 1.0, 1.0, 1.0, 0.0)


def test_bias_has_the_sign_of_optimism() -> None:
    y = np.array([0.01, -0.02])
    assert score(y, y + 0.005).bias == pytest.approx(0.005)


def test_direction_leaves_out_rows_that_did_not_move() -> None:
    assert direction_accuracy(np.array([0.0, 1.0, -1.0]), np.array([1.0, 1.0, 1.0])) == 0.5


def test_a_sample_that_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        score(np.array([np.nan]), np.array([0.0]))
    with pytest.raises(ValueError, match="one length"):
        score(np.array([]), np.array([]))


def test_diebold_mariano_at_one_step_is_the_t_test_of_the_gain(sample: tuple[np.ndarray, np.ndarray]) -> None:
    from scipy.stats import ttest_1samp

    y, y_hat = sample
    found = diebold_mariano(y, y_hat, horizon=1)
    oracle = ttest_1samp(y**2 - (y - y_hat) ** 2, 0.0, alternative="greater")
    assert found is not None
    # With h = 1 the correction of Harvey, Leybourne and Newbold is exactly the t test's n - 1.
    assert found.statistic == pytest.approx(oracle.statistic)
    assert found.p_value == pytest.approx(oracle.pvalue)


def test_overlapping_errors_make_diebold_mariano_more_careful() -> None:
    rng = np.random.default_rng(5)
    steps = rng.normal(0, 0.01, 2000)
    signal = 0.3 * steps + rng.normal(0, 0.005, 2000)
    y, y_hat = (np.convolve(values, np.ones(5), mode="valid") for values in (steps, signal))
    naive, careful = diebold_mariano(y, y_hat, 1), diebold_mariano(y, y_hat, 5)
    assert naive is not None
    assert careful is not None
    assert 0 < careful.statistic < naive.statistic


@pytest.mark.parametrize("horizon", [1, 5])
def test_diebold_mariano_rejects_about_as_often_as_it_should_without_skill(horizon: int) -> None:
    rng = np.random.default_rng(11)
    rejected = 0
    overlap = np.ones(horizon)
    for _ in range(400):
        y, y_hat = (np.convolve(rng.normal(0, scale, 499 + horizon), overlap, "valid") for scale in (0.01, 0.002))
        # As good as the random walk on average: the gain 2 y y_hat - y_hat^2 is given its expectation back.
        found = diebold_mariano(y + y_hat / 2, y_hat, horizon)
        assert found is not None
        rejected += found.p_value < 0.05
    assert 0.02 <= rejected / 400 <= 0.085


def test_a_variance_that_comes_out_negative_is_estimated_with_weights_that_keep_it_positive() -> None:
    y = np.tile([0.03, -0.01, 0.02, -0.02], 30)  # gains that swing back and forth
    y_hat = np.where(np.arange(120) % 2 == 0, 0.004, -0.001) + 0.0001 * np.arange(120) / 120
    found = diebold_mariano(y, y_hat, 2)
    assert found is not None
    assert np.isfinite(found.statistic)
