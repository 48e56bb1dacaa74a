"""How much is traded. Logarithms with one share added, since a session without trades happens."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import (
    CHANGE,
    CLOSE,
    LOG_RETURN,
    LOG_VOLUME,
    LOG_VOLUME_CHANGE,
    TYPICAL,
    VOLUME,
    WINDOWS,
    before,
    deviation,
    flag,
    mean,
    ratio,
    sample_deviation,
    share,
    total,
)
from stock_mlops.features.intermediates import derived
from stock_mlops.features.registry import Feature

_GROUP = "liquidity"
_BOTH = ("close", "volume")
_MFI = 14

_VOLUME_CHANGE = derived("volume_change", VOLUME - before(VOLUME))
_MORE = derived("volume_gain", _VOLUME_CHANGE.clip(lower_bound=0))
_LESS = derived("volume_loss", (-_VOLUME_CHANGE).clip(lower_bound=0))
_MOVED = derived("moved_volume", (CLOSE / before(CLOSE) - 1).abs() * VOLUME)
_SIGNED = derived("signed_volume", CHANGE.sign() * VOLUME)
_MONEY = derived("money_flow", TYPICAL * VOLUME)
_TYPICAL_CHANGE = derived("typical_price_change", TYPICAL - before(TYPICAL))
_MONEY_IN = derived("money_inflow", flag(_TYPICAL_CHANGE > 0, known=_TYPICAL_CHANGE) * _MONEY)
_MONEY_OUT = derived("money_outflow", flag(_TYPICAL_CHANGE < 0, known=_TYPICAL_CHANGE) * _MONEY)
# Amihud's (2002) price impact of what was traded; a session without trades has none.
_IMPACT = derived("price_impact", ratio(LOG_RETURN.abs(), CLOSE * VOLUME, neutral=0.0))


def _of_volume_way(part: pl.Expr, n: int, *, neutral: float) -> pl.Expr:
    return ratio(part, total(_MORE, n) + total(_LESS, n), neutral=neutral)


def _to_mean(n: int) -> pl.Expr:
    return share(VOLUME, mean(VOLUME, n), neutral=1.0) - 1


def _volume(name: str, lookback: int, expression: pl.Expr) -> Feature:
    return Feature(name, _GROUP, ("volume",), lookback, expression)


FEATURES = (
    Feature("volume_change_1", _GROUP, ("volume",), 1, LOG_VOLUME_CHANGE, default=True),
    Feature("volume_to_ma10", _GROUP, ("volume",), 9, _to_mean(10), default=True),
    Feature(
        "volume_zscore_20",
        _GROUP,
        ("volume",),
        19,
        share(LOG_VOLUME - mean(LOG_VOLUME, 20), deviation(LOG_VOLUME, 20), neutral=0.0),
        default=True,
    ),
    *(_volume(f"volume_to_ma{n}", n - 1, _to_mean(n)) for n in WINDOWS if n != 10),
    # Alpha158 divides by the last volume, which may be 0; the mean is 0 only where nobody traded at all.
    *(_volume(f"VSTD{n}", n - 1, ratio(sample_deviation(VOLUME, n), mean(VOLUME, n), neutral=0.0)) for n in WINDOWS),
    *(
        Feature(f"WVMA{n}", _GROUP, _BOTH, n, ratio(sample_deviation(_MOVED, n), mean(_MOVED, n), neutral=0.0))
        for n in WINDOWS
    ),
    *(_volume(f"VSUMP{n}", n, _of_volume_way(total(_MORE, n), n, neutral=0.5)) for n in WINDOWS),
    *(_volume(f"VSUMN{n}", n, _of_volume_way(total(_LESS, n), n, neutral=0.5)) for n in WINDOWS),
    *(_volume(f"VSUMD{n}", n, _of_volume_way(total(_MORE, n) - total(_LESS, n), n, neutral=0.0)) for n in WINDOWS),
    # What the on-balance volume (Granville) gained in n sessions, as a share of all that was traded in them.
    *(
        Feature(f"obv_change_{n}", _GROUP, _BOTH, n, ratio(total(_SIGNED, n), total(VOLUME, n), neutral=0.0))
        for n in (20, 60)
    ),
    # Quong and Soudack's money flow index, 0 to 100; 50 without any flow.
    Feature(
        "mfi_14",
        _GROUP,
        ("high", "low", "close", "volume"),
        _MFI,
        ratio(100 * total(_MONEY_IN, _MFI), total(_MONEY_IN, _MFI) + total(_MONEY_OUT, _MFI), neutral=50.0),
    ),
    *(
        Feature(
            f"close_to_vwap{n}",
            _GROUP,
            ("high", "low", "close", "volume"),
            n - 1,
            ratio(CLOSE * total(VOLUME, n), total(_MONEY, n), neutral=1.0) - 1,
        )
        for n in (20, 60)
    ),
    # Illiquidity itself depends on the currency; its change does not.
    *(
        Feature(f"amihud_ratio_{n}_60", _GROUP, _BOTH, 60, ratio(mean(_IMPACT, n), mean(_IMPACT, 60), neutral=1.0))
        for n in (5, 20)
    ),
)
