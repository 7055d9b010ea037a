"""What a trained network says of the images that it was trained on, and of others: a file that an audit reads."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from data import layouts
from data.errors import UserError
from data.files import OutputFolder, json_bytes, read_json
from data.finding import Sample

SIDES = ("training", "held_out")


def find_sides(spec: str, validation: int, modality: str, foreground: tuple[str, ...]) \
        -> tuple[list[Sample], list[Sample]]:
    """(real images that networks learned from, by way of a release or not; those that were held out, and test images).

    Test images of patients with training images are neither: they may show the same eyes, and would hide copies of
    these. Where nobody is named, a test image may have the name of a training image, and is of another person.
    UserError as `layouts.training`.
    """
    pairs = layouts.original(spec)
    training, held_out = layouts.training(pairs, validation, modality, foreground)
    tests = layouts.samples(pairs, "test", True, modality, foreground)
    both = layouts.same_names(training + held_out, tests)
    tests = [replace(sample, patient=f"test image {sample.patient}") if sample.stem in both else sample
             for sample in tests]
    known = {sample.patient for sample in training}
    return training, held_out + [sample for sample in tests if sample.patient not in known]


def write_members(path: Path, training: list[Sample], held_out: list[Sample],
                  attack: Callable[[list[Sample]], dict[str, list[float]]]) -> None:
    """JSON {title of an attack: {"training": [{"stem", "patient", "score"}], "held_out": [the same]}}.

    attack(samples) -> {title: scores of them}, high for what the network knows. Raises UserError where the user's file
    has this name.
    """
    content: dict[str, dict] = {}
    for side, samples in zip(SIDES, (training, held_out)):
        for title, scores in attack(samples).items():
            content.setdefault(title, {})[side] = [
                {"stem": sample.stem, "patient": sample.patient, "score": score}
                for sample, score in zip(samples, scores)]
    OutputFolder(path.parent, "--out").write(path.name, json_bytes(content))


def read_members(path: Path, remedy: str) -> dict[str, dict[str, list]]:
    """What `write_members` wrote. Raises UserError with the `remedy` where it is missing or damaged."""
    content = read_json(path, remedy)
    if not all(isinstance(sides, dict) and all(isinstance(sides.get(side), list) for side in SIDES)
               for sides in content.values()):
        raise UserError(f"{path} is damaged: {remedy}")
    return content
