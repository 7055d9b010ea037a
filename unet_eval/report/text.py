"""Numbers and names as text, for tables, sentences and charts. A dash stands for a number that is not defined."""
from __future__ import annotations

from unet_eval.arms import parse_seed

METRICS = {"f1_vessel": "vessel F1", "f1_background": "background F1", "f1_macro": "macro F1",
           "sensitivity": "sensitivity", "specificity": "specificity", "accuracy": "accuracy", "auc": "AUC",
           "mcc": "MCC"}
STAGES = {"stage1": "Stage-I, masks", "stage2": "Stage-II, photographs", "single": "single GAN"}


def number(value: float | None, digits: int = 4) -> str:
    """With a true minus sign."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def percent(value: float) -> str:
    return f"{value:.1%}"


def short(value: float | None) -> str:
    """Four significant digits, for numbers of any size."""
    if value is None:
        return "–"
    return (f"{value:.3e}".replace("e-0", "e-") if 0 < abs(value) < 1e-3 else f"{value:.4g}").replace("-", "−")


def probability(value: float | None) -> str:
    """Of a test: three digits."""
    return "–" if value is None else "≤ 0.001" if value <= 0.001 else f"{value:.3f}"


TOO_FEW = "too few patients"


def interval(ends: list[float | None], write=number) -> str:
    return TOO_FEW if None in ends else f"{write(ends[0])} to {write(ends[1])}"


def with_interval(value: float | None, ends: list[float | None], write=number) -> str:
    """A cell: the number, and its interval as an aside."""
    return "–" if value is None else f"{write(value)}\n{interval(ends, write)}"


def images(tested: dict) -> str:
    """How many test images of how many patients, from "n_test" and "n_test_patients"."""
    number, patients = tested["n_test"], tested["n_test_patients"]
    return f"{number} image{'s' * (number != 1)} of {patients} patient{'s' * (patients != 1)}"


def against_zero(ends: list[float | None]) -> str:
    return ("there is no interval" if None in ends else
            "the interval includes 0" if ends[0] <= 0 <= ends[1] else
            "the interval lies above 0" if ends[0] > 0 else "the interval lies below 0")


def training_name(folder: str) -> str:
    """What a folder of a run is the training of."""
    name, repeat = parse_seed(folder)
    title = f"U-Net, {name[len('unet-'):]} arm" if name.startswith("unet-") else STAGES.get(name, name)
    return title + (f", repetition {repeat}" if repeat else "")
