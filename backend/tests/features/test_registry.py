from __future__ import annotations

import polars as pl
import pytest
from stock_mlops.features import default_features, expand_features, feature_groups, feature_names
from stock_mlops.features.registry import Feature, collect, registry
from stock_mlops.forecasting.spec import parse_spec

DEFAULTS = """
    return_1 return_2 return_3 return_5 return_10 return_20 gap intraday_return rsi_14 stochastic_14 close_location
    up_share_10 close_to_ma5 close_to_ma10 close_to_ma20 close_to_ma60 close_to_ema12 close_to_ema26 macd_ratio
    macd_signal_ratio macd_hist_ratio bb_position bb_width high_20_distance low_20_distance volatility_5 volatility_10
    volatility_20 volatility_60 volatility_ratio_5_20 range_1 parkinson_20 atr_14_ratio volume_change_1 volume_to_ma10
    volume_zscore_20 weekday_sin weekday_cos year_sin year_cos
"""


def feature(name: str, group: str = "group", **changes: bool) -> Feature:
    return Feature(name, group, ("close",), 0, pl.col("close"), **changes)


def test_a_model_trained_without_naming_features_keeps_those_of_the_first_models() -> None:
    assert list(default_features()) == DEFAULTS.split()
    assert list(parse_spec({"ticker": "AAPL"}).features) == DEFAULTS.split()


def test_every_feature_is_in_the_group_of_its_definition() -> None:
    groups = feature_groups()
    assert {name for group in groups.values() for name in group} == set(feature_names())
    assert groups["all"] == tuple(item.name for item in registry().values() if item.stationary)
    assert groups["classic"] == feature_names()[:16]
    assert groups["default"] == default_features()


def test_a_group_stands_for_its_features_in_their_order() -> None:
    assert expand_features(["calendar", "return_1"]) == (*feature_groups()["calendar"], "return_1")


def test_what_a_group_repeats_comes_once_where_it_came_first() -> None:
    momentum = feature_groups()["momentum"]
    rest = tuple(name for name in momentum if name != "gap")
    assert expand_features(["gap", "momentum", "default"])[: len(momentum)] == ("gap", *rest)
    assert sorted(expand_features(["gap", "momentum", "default", "all"])) == sorted(feature_groups()["all"])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="expected each feature or group once, got momentum more than once"):
        expand_features(["momentum", "gap", "momentum"])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("momemtum", "unknown feature 'momemtum'; did you mean momentum"),
        ("retrun_1", "unknown feature 'retrun_1'; did you mean return_1"),
        ("zzzz", "unknown feature 'zzzz'; the groups of features are classic, momentum, "),
    ],
)
def test_an_unknown_name_is_told_with_its_neighbours(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        expand_features(["gap", name])


def test_a_model_definition_holds_the_features_of_the_groups_it_names() -> None:
    spec = parse_spec({"ticker": "AAPL", "features": ["calendar", "gap"]})
    assert spec.features == (*feature_groups()["calendar"], "gap")
    assert parse_spec(spec.model_dump(mode="json")) == spec


def test_a_name_cannot_mean_two_things() -> None:
    with pytest.raises(ValueError, match="feature twin is defined twice"):
        collect([feature("twin"), feature("twin")])
    with pytest.raises(ValueError, match="feature trend: a group has this name"):
        collect([feature("trend"), feature("other", group="trend")])
    with pytest.raises(ValueError, match="feature all: a group has this name"):
        collect([feature("all")])


def test_a_feature_in_price_units_cannot_be_a_default() -> None:
    with pytest.raises(ValueError, match="feature level: a default feature has to be stationary"):
        feature("level", default=True, stationary=False)
