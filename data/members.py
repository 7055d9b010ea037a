"""What a trained network says of the images that it was trained on, and of others: a file that an audit reads."""
from __future__ import annotations

from pathlib import Path

from data.errors import UserError
from data.files import OutputFolder, json_bytes, read_json
from data.finding import Sample

SIDES = ("training", "held_out")


def write_members(path: Path, training: list[Sample], scores: list[float], held_out: list[Sample],
                  others: list[float]) -> None:
    """JSON {"training": [{"stem", "patient", "score"}], "held_out": [the same]}; a score is high for what the network
    knows. Raises UserError where the user's file has this name."""
    def entries(samples, values):
        return [{"stem": sample.stem, "patient": sample.patient, "score": value}
                for sample, value in zip(samples, values)]

    content = dict(zip(SIDES, (entries(training, scores), entries(held_out, others))))
    OutputFolder(path.parent, "--out").write(path.name, json_bytes(content))


def read_members(path: Path, remedy: str) -> dict:
    """What `write_members` wrote. Raises UserError with the `remedy` where it is missing or damaged."""
    content = read_json(path, remedy)
    if not all(isinstance(content.get(side), list) for side in SIDES):
        raise UserError(f"{path} is damaged: {remedy}")
    return content
