"""Whether generated masks lie nearer to the training masks than real test masks do, as copies would."""
from __future__ import annotations

import numpy as np
from scipy.stats import mannwhitneyu

from unet_eval.measures.resampling import jackknife


def nearer(synthetic: np.ndarray, test: np.ndarray, patients: np.ndarray) -> dict:
    """From distances to the nearest training mask.

    Args:
      synthetic, test: distances (n,) and (m,). patients: whose the test masks are, (m,).
    Returns:
      "share", {"mean", "ci95"}: of all pairs of a synthetic and a test mask, those of which the synthetic one is the
      nearer; 0.5 where there is no difference, an equal pair counts one half. The interval is over test patients and
      synthetic masks. "p" of the one-sided Mann-Whitney test, one value a mask. NaN where a set is empty.
    """
    if not len(synthetic) or not len(test):
        return {"share": {"mean": float("nan"), "ci95": [float("nan")] * 2}, "p": float("nan")}
    wins = (synthetic[:, None] < test) + 0.5 * (synthetic[:, None] == test)
    without = np.array([wins[:, patients != name].mean() for name in np.unique(patients) if (patients != name).any()])
    made = (wins.sum(axis=0) - wins).mean(axis=1) / max(len(synthetic) - 1, 1)
    share = jackknife(wins.mean(), without, *([made] if len(made) > 1 else []))
    return {"share": {"mean": share.value, "ci95": share.ci95(0, 1)},
            "p": float(mannwhitneyu(synthetic, test, alternative="less").pvalue)}
