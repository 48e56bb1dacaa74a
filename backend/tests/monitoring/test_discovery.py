from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from stock_mlops.monitoring.discovery import discoveries

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60)


@given(p_values=P_VALUES, rate=st.floats(0.01, 0.4))
def test_what_is_rejected_is_what_scipys_adjusted_p_values_reject(p_values: list[float], rate: float) -> None:
    adjusted = false_discovery_control(p_values, method="bh")
    ours = discoveries(np.array(p_values), rate)
    clear = np.abs(adjusted - rate) > 1e-12  # equal up to rounding may fall on either side
    assert np.array_equal(ours[clear], (adjusted <= rate)[clear])


def test_independent_uniform_p_values_are_rejected_at_the_rate_and_no_more_often() -> None:
    rng = np.random.default_rng(1)
    any_rejected = np.mean([discoveries(rng.uniform(size=30), 0.1).any() for _ in range(4000)])
    assert 0.08 < any_rejected < 0.12
