"""The full report as a page, by Evidently: how each column was distributed in training, and how it is now.

Evidently takes five seconds and 400 MB; only the process that writes reports imports this.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import numpy as np
from scipy.stats import wasserstein_distance

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.monitoring.bootstrap import block_length, stationary_positions

# Of windows that look like training, so many are nearer to it than the threshold.
_USUAL = 0.99
_DRAWN = 200


def usual_distance(reference: Floats, rows: int, rng: np.random.Generator) -> float:
    """The Wasserstein distance, in standard deviations of ``reference`` (n,), that one in a hundred windows of ``rows``
    rows exceeds which look like it; windows are drawn in blocks, as in ``monitoring.drift``."""
    block = max(block_length(reference), block_length(np.abs(reference - np.median(reference))))
    drawn = reference[stationary_positions(len(reference), rows, block, _DRAWN, rng)]
    scale = max(float(reference.std()), 1e-12)
    return float(np.quantile([wasserstein_distance(reference, window) for window in drawn], _USUAL)) / scale


def render_page(columns: Sequence[str], reference: Floats, current: Floats) -> bytes:
    """HTML without anything outside of it.

    Args:
        reference: training rows (n, columns) in the order of time.
        current: newest rows (m, columns).
    """
    rng = np.random.default_rng(0)
    thresholds = {name: usual_distance(reference[:, place], len(current), rng) for place, name in enumerate(columns)}
    # It would tell its makers that it is used.
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _mend_pandas()
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset, DataSummaryPreset

        numbers = DataDefinition(numerical_columns=list(columns))
        report = Report(
            [DataDriftPreset(num_method="wasserstein", per_column_threshold=thresholds), DataSummaryPreset()]
        )
        now, then = (
            Dataset.from_pandas(pd.DataFrame(rows, columns=list(columns)), numbers) for rows in (current, reference)
        )
        snapshot = report.run(now, then)
        page: str = snapshot.get_html_str(as_iframe=False)
    return page.encode()


def _mend_pandas() -> None:
    """Evidently 0.7.23 imports a private name that pandas 3.1 no longer has, for a test of column types that the report
    does not make."""
    from pandas.core.dtypes import common

    if not hasattr(common, "infer_dtype_from_object"):
        vars(common)["infer_dtype_from_object"] = lambda dtype: np.dtype(dtype).type
