"""Write lifelines.json: what lifelines estimates of some random items, for test_survival.py.

The figures are kept, so that the tests need no lifelines, which holds pandas back. To make them
again, in an environment of their own:

    python3 -m venv apart && apart/bin/pip install lifelines
    apart/bin/python tests/data/lifelines_numbers.py
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")  # about the jitter, and log(0) while nothing has ended

from lifelines import AalenJohansenFitter, KaplanMeierFitter  # noqa: E402

CAUSES = 3
HORIZON = 29


def random_items(seed, number=400, horizon=HORIZON + 1):
    """Weekly hazards, some ends at 0, conceived at even pace over the run: many ties."""
    rng = np.random.default_rng(seed)
    durations = rng.geometric(0.08, number) - 1
    causes = rng.integers(1, CAUSES + 1, number)
    observed_for = rng.integers(0, horizon, number)
    late = durations > observed_for
    return np.where(late, observed_for, durations), np.where(late, 0, causes)


def fit(fitter, durations, causes, *arguments):
    """Fit with our weeks moved to where lifelines counts them the same way.

    It sets the incidence at time 0 to 0, so a week is added. It breaks ties by jittering the ends,
    some then falling behind those censored in the same week, so these are put half a week later.
    """
    times = durations + 1.0 + 0.5 * (causes == 0)
    return fitter.fit(times, causes, *arguments)


def by_week(series):
    """List the value that a step function has reached by the end of each of our weeks."""
    index = np.searchsorted(series.index.to_numpy(), np.arange(HORIZON + 1) + 1.25, "right") - 1
    return series.to_numpy(dtype=float)[index].tolist()


def figures(seed):
    """Return the items of a seed, and what lifelines estimates of them."""
    durations, causes = random_items(seed)
    kept = {"durations": durations.tolist(), "causes": causes.tolist(), "incidence": []}
    kept["variance"] = []
    for cause in range(1, CAUSES + 1):
        fitter = AalenJohansenFitter(seed=seed, calculate_variance=True)
        found = fit(fitter, durations, causes, cause)
        kept["incidence"].append(by_week(found.cumulative_density_.iloc[:, 0]))
        kept["variance"].append(by_week(found.variance_))
    fitter = AalenJohansenFitter(seed=seed, calculate_variance=False)
    pooled = fit(fitter, durations, np.minimum(causes, 2), 2)
    kept["incidence of causes 2 and 3"] = by_week(pooled.cumulative_density_.iloc[:, 0])
    lives = fit(KaplanMeierFitter(alpha=0.1), durations, (causes > 1).astype(int))
    kept["kaplan_meier"] = by_week(lives.survival_function_.iloc[:, 0])
    for name in ("lower", "upper"):
        kept[name] = by_week(lives.confidence_interval_.filter(like=name).iloc[:, 0])
    return kept


def main():
    """Write the file beside this one."""
    made = {"lifelines": version("lifelines"), "items": [figures(seed) for seed in range(4)]}
    path = Path(__file__).with_name("lifelines.json")
    path.write_text(json.dumps(made) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
