"""A trial with missing values at day 28 and at day 10."""

import numpy as np
import pandas as pd


def missing_trial(n=60, effect=-20.0, missing=0.25, seed=4):
    random = np.random.default_rng(seed)
    baseline = random.gamma(2, 10, n)
    treated = np.arange(n) % 3 > 0
    own = random.normal(0, 12, n)
    early = -20 + effect / 2 * treated + own + random.normal(0, 8, n)
    late = -40 + effect * treated + own - 0.3 * baseline + random.normal(0, 10, n)
    return pd.DataFrame(
        {
            "value": np.where(random.random(n) < missing, np.nan, np.maximum(late, -100)),
            "baseline": baseline,
            "treated": treated,
            "day 10": np.where(random.random(n) < missing / 2, np.nan, early),
            "age": random.normal(55, 10, n).round(),
            "severity": random.choice(["mild", "severe"], n),
        }
    )


def figures(estimate):
    return estimate.effect, estimate.low, estimate.high, estimate.p_value
