"""The experiments of an evaluation, a module each. To add one, write its module and list it here.

A module has NAME, what the report calls it where a run has not got it, and

    measure(run: Run) -> dict                            keys of results.json; what JSON cannot hold becomes null
    tables(results: dict) -> dict[str, Table]            title -> table, for results.md
    figures(folder: Path, results: dict, run: Run)       draws its pictures, PNG, into `folder`
    section(results: dict, folder: Path) -> Section | None   of the report; None where the run has not got it
"""
from unet_eval.experiments import (
    arms,
    intensities,
    masks,
    nearest,
    other_data_sets,
    photographs,
    privacy,
    second_data_set,
    single_gan,
    visibility,
)

EXPERIMENTS = (arms, other_data_sets, intensities, photographs, visibility, masks, nearest, privacy, single_gan,
               second_data_set)
