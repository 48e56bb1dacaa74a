from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from stock_mlops.features import default_features
from stock_mlops.forecasting.estimators import estimator_types, params_model
from stock_mlops.forecasting.spec import InvalidSpecError, ModelSpec, parse_spec


def test_equal_definitions_have_one_hash_whatever_their_order_and_spelled_out_defaults() -> None:
    short = parse_spec({"ticker": "AAPL", "model_type": "ridge"})
    long = parse_spec(
        {
            "params": params_model("ridge")().model_dump(),
            "seed": 7,
            "features": list(default_features()),
            "model_type": "ridge",
            "horizon": 5,
            "exchange": "US",
            "ticker": "AAPL",
            "end": None,
        }
    )
    assert short.spec_hash == long.spec_hash
    assert short == long
    assert len({short, long}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"ticker": "MSFT"},
        {"exchange": "TW"},
        {"model_type": "random_walk"},
        {"features": ["return_1"]},
        {"horizon": 6},
        {"start": "2001-01-01"},
        {"end": date(2012, 1, 3)},
        {"seed": 8},
        {"params": {"alpha": 1}},
        {"validation": {"scheme": "rolling"}},
    ],
)
def test_every_value_of_a_definition_changes_its_hash(change: dict[str, Any]) -> None:
    assert parse_spec({"ticker": "AAPL", **change}).spec_hash != parse_spec({"ticker": "AAPL"}).spec_hash


def test_a_definition_survives_its_plain_values() -> None:
    spec = parse_spec({"ticker": "2330", "exchange": "TW", "model_type": "random_forest", "start": "2010-01-04"})
    assert parse_spec(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"horizon": 0}, "horizon", "greater than or equal to 1"),
        ({"horizon": 61}, "horizon", "less than or equal to 60"),
        ({"features": ["retrun_1"]}, "features", "did you mean return_1"),
        ({"features": ["return_1", "return_1"]}, "features", "more than once"),
        ({"model_type": "rigde"}, "model_type", "did you mean ridge"),
        ({"start": "2012-01-04", "end": "2012-01-04"}, "start", "before end"),
        ({"params": {"alhpa": 1}}, "params.alhpa", "unknown parameter .alhpa.; did you mean alpha"),
        ({"params": {"alpha": -1}}, "params.alpha", "greater than 0"),
        ({"params": {"alpha": "1"}}, "params.alpha", "valid number"),
        ({"exchange": "XX"}, "exchange", "expected one of US"),
        ({"ticker": "lower"}, "ticker", "expected 1 to 20"),
        ({"task": "direction"}, "task", "ridge does regression"),
        ({"panel": "tech"}, "ticker", "not both"),
        ({"ticker": None}, "ticker", "expected a ticker, or the name of a panel"),
        ({"tickers": ["IBM", "MSFT"]}, "tickers", "only a panel has them"),
        ({"ticker": None, "panel": "tech", "tickers": ["IBM", "IBM"]}, "tickers", "two or more different.*got 1"),
        ({"ticker": None, "panel": "Tech", "tickers": ["A", "B"]}, "panel", "pattern"),
        ({"ticker": None, "panel": "tech", "tickers": ["IBM", "lower"]}, "ticker", "expected 1 to 20"),
        ({"model_type": "random_walk", "search": {}}, "search", "no parameters to search"),
        ({"search": {}, "validation": {"scheme": "purged_kfold"}}, "search", "expanding or rolling"),
        ({"search": {"trials": 0}}, "search.trials", "greater than or equal to 1"),
        ({"validation": {"folds": 1}}, "validation.folds", "greater than or equal to 2"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(values: dict[str, Any], field: str, expected: str) -> None:
    with pytest.raises(InvalidSpecError, match=expected) as caught:
        parse_spec({"ticker": "AAPL", **values})
    assert [problem["field"] for problem in caught.value.errors] == [field]


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(InvalidSpecError) as caught:
        parse_spec({"horizon": 0, "seed": -1})
    assert {problem["field"] for problem in caught.value.errors} == {"ticker", "horizon", "seed"}


def test_a_definition_cannot_be_changed() -> None:
    spec = parse_spec({"ticker": "AAPL"})
    with pytest.raises(ValueError, match="frozen"):
        spec.horizon = 3
    assert isinstance(spec, ModelSpec)


def test_a_panel_is_its_members_in_whatever_order() -> None:
    one = parse_spec({"panel": "tech", "tickers": ["MSFT", "IBM", "MSFT"]})
    assert one == parse_spec({"panel": "tech", "tickers": ["IBM", "MSFT"]})
    assert (one.registered_model, one.subject) == ("stock-US-panel-tech", "US panel tech")
    assert [item.key for item in one.instruments] == ["US:IBM", "US:MSFT"]


def test_a_task_that_is_left_out_is_the_model_types_first() -> None:
    assert parse_spec({"ticker": "AAPL", "model_type": "logistic_regression"}).task == "direction"
    assert parse_spec({"ticker": "AAPL", "model_type": "random_forest"}).task == "regression"


@pytest.mark.parametrize("model_type", estimator_types())
def test_parameters_of_every_model_type_describe_themselves(model_type: str) -> None:
    schema = params_model(model_type).model_json_schema()
    assert all(field.get("description") and "default" in field for field in schema["properties"].values())
