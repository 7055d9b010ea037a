"""Reads a mask of two levels, and tells it from a map of labels and from a photograph.

The levels are those of the file: of 16 bits, 0 and 1 are two levels. A map of labels is never cut: --foreground says
which of its labels or colours are the foreground.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from data.decode import Picture, decode
from data.errors import SHOWN, UserError

FEW = 4  # levels of a lossless file; a mask that was resized smoothly has more
MANY = 64  # levels; labels of thin vessels are fewer, probabilities more
FLAT = 0.3  # share of the pixels between both ends that equal their neighbours: 0.03 where resized, 0.7 of labels
NEAR = 0.10  # a pixel is "near" the darkest or brightest level of a mask within this share of the range between them
NEAR_SHARE = 0.75  # of thin vessels, reduced 16 times, 88 % are near either end; of photographs and ramps, few are
RANGE = 64  # the least range of a mask with more than two levels; vessels half a pixel wide have 128
COLOUR = re.compile(r"[0-9a-f]{6}")


class NoMask(UserError):
    """A picture has not the levels of a mask."""


@dataclass(frozen=True)
class Mask:
    """pixels: uint8 (H, W), 0 background, 255 foreground. levels: those in the file, as --foreground
    names them; none where there are many, and the mask was cut at half of its range."""

    pixels: np.ndarray
    levels: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_mask(path: Path | str, foreground: tuple[str, ...] = ()) -> np.ndarray:
    """uint8 (H, W), 0 background and 255 foreground. Arguments and errors are those of `decode_mask`."""
    return decode_mask(Path(path), foreground).pixels


def decode_mask(path: Path, foreground: tuple[str, ...] = ()) -> Mask:
    """Reads a mask. The foreground is the brighter of its two levels, or what `foreground` says.

    A mask with many levels at its edges, from JPG compression or resizing, is cut at half of its range.

    Args:
      foreground: levels, such as "1", or colours, such as "ff0000", of the file.
    Raises:
      UserError: as `data.decode.decode`.
      NoMask: the file is a map of labels and there is no `foreground`, or it is no mask at all.
    """
    picture = decode(path)
    values, coloured = _levels(path, picture, foreground)
    counts = _counts(values)
    levels, labels = list(counts), _parse(foreground, coloured)
    low, high = levels[0], levels[-1]
    may_be_labels = not picture.lossy and len(levels) <= MANY
    is_labels = coloured or len(levels) > 2 and (
        may_be_labels and (len(levels) <= FEW or bool(foreground) and not _is_blurred(counts))
        or _flat(values, counts) > FLAT)
    if coloured and picture.lossy:
        raise NoMask(f"{path}: a coloured mask as JPG, which changes colours; save it as PNG")
    if is_labels and not foreground:
        which = "as a photograph has; if the mask is drawn over one, say in which" if len(levels) > MANY and coloured \
            else "say which are the foreground, with commas between"
        raise NoMask(f"{path}: the mask has {_describe(counts, coloured, values.size)}; {which}, for example "
                     f"--foreground={_example(counts, coloured)}")
    if len(levels) > 2 and not is_labels:
        if not _is_blurred(counts):
            flag = ", or say which levels are the foreground, with commas between, for example " \
                f"--foreground={','.join(map(str, levels[1:][-2:]))}" if may_be_labels else ""
            raise NoMask(f"{path}: the mask has {len(counts)} levels from {low} to {high}, {_near(counts):.0%} of "
                         f"pixels near either end; save it with two levels, 0 and 255{flag}")
        half = (low + high) / 2
        bright = values > half
        on = (any(label > half for label in labels), any(label <= half for label in labels)) if labels else (1, 0)
        return Mask(np.where(bright, on[0], on[1]).astype(np.uint8) * 255, (), (*picture.notes, "cut at half"))
    if foreground:
        inside = np.isin(values, labels)
    elif len(levels) == 1:
        if low not in (0, 1) and low < 128:
            raise NoMask(f"{path}: every pixel of the mask is {low}; background is 0, foreground 255, or say which "
                         f"levels are foreground, for example --foreground={low}")
        inside = values > 0
    else:
        inside = values == high
    return Mask(np.where(inside, np.uint8(255), np.uint8(0)), tuple(_name(level, coloured) for level in levels),
                picture.notes)


def _levels(path: Path, picture: Picture, foreground: tuple[str, ...]) -> tuple[np.ndarray, bool]:
    """(integers (H, W); whether they are colours, 65536 red + 256 green + blue, and not grey levels)."""
    values = picture.values
    if values.ndim == 2:
        whole = values.astype(np.int32) if np.isfinite(values).all() else None
        if whole is None or (whole != values).any() or whole.min() < 0 or whole.max() > 65535:
            raise NoMask(f"{path}: the mask's pixels are no whole numbers from 0 to 65535; save it with two levels, "
                         "0 and 255")
        return whole, False
    if (values == values[..., :1]).all():
        return values[..., 0].astype(np.int32), False
    colours = _colours(path, values)
    # A map of labels may lack all classes but one, so colours stay where one is asked for.
    if picture.palette and len(np.unique(colours)) == 2 and not any(map(_is_colour, foreground)):
        return cv2.cvtColor(values, cv2.COLOR_RGB2GRAY).astype(np.int32), False
    return colours, True


def _colours(path: Path, values: np.ndarray) -> np.ndarray:
    """RGB of 8 or 16 bits -> 65536 red + 256 green + blue, of 8. UserError where that makes one of two colours."""
    if values.dtype == np.uint8 or values.max() < 256:
        return values.astype(np.int32) @ np.int32([65536, 256, 1])
    colours = (values >> 8).astype(np.int32) @ np.int32([65536, 256, 1])
    if len(np.unique(values.astype(np.int64) @ np.int64([1 << 32, 1 << 16, 1]))) > len(np.unique(colours)):
        raise NoMask(f"{path}: a mask in 16-bit colours, of which some are alike in 8 bits; save it with levels of "
                     "grey, or with 8-bit colours")
    return colours


def _counts(values: np.ndarray) -> dict[int, int]:
    """Pixels of each level, in the order of the levels."""
    pixels = np.bincount(values.ravel())
    return {int(level): int(pixels[level]) for level in np.flatnonzero(pixels)}


def _flat(values: np.ndarray, counts: dict[int, int]) -> float:
    """Of the pixels between both ends, the share that equal those on their right and below: labels come in areas, the
    greys of a blurred edge do not. JPG makes 1 of a black background, so the commonest dark and the commonest bright
    level count as ends, too."""
    low, high = min(counts), max(counts)
    ends = [low, high]
    for side in (range(low, (low + high) // 2 + 1), range((low + high) // 2 + 1, high + 1)):
        ends.append(max((level for level in counts if level in side), key=counts.get))
    between = ~np.isin(values, ends)
    equal = np.zeros_like(between)
    equal[:-1, :-1] = (values[:-1, :-1] == values[:-1, 1:]) & (values[:-1, :-1] == values[1:, :-1])
    return (equal & between).sum() / max(1, between.sum())


def _near(counts: dict[int, int]) -> float:
    """Share of the pixels that are near the darkest or the brightest level."""
    low, high = min(counts), max(counts)
    margin = NEAR * (high - low)
    near = sum(count for level, count in counts.items() if not low + margin < level < high - margin)
    return near / sum(counts.values())


def _is_blurred(counts: dict[int, int]) -> bool:
    """Whether more than two levels are those of a mask with blurred edges."""
    return max(counts) - min(counts) >= RANGE and _near(counts) >= NEAR_SHARE


def _is_colour(text: str) -> bool:
    """Whether a level of --foreground is a colour and no grey."""
    text = text.strip().lower()
    return bool(COLOUR.fullmatch(text)) and len(set(bytes.fromhex(text))) > 1


def _parse(foreground: tuple[str, ...], coloured: bool) -> list[int]:
    """As integers of `_levels`: a level is the grey of a coloured file, a grey colour a level of a grey one."""
    labels = []
    for text in (text.strip().lower() for text in foreground):
        if COLOUR.fullmatch(text):
            red, green, blue = bytes.fromhex(text)
            labels += [int(text, 16)] if coloured else [red] if red == green == blue else []
        elif re.fullmatch(r"\d{1,5}", text, re.ASCII):
            labels.append(int(text) * 0x10101 if coloured else int(text))
        else:
            raise UserError(f"--foreground={','.join(foreground)}: '{text}' is no level of a mask, such as 1, and no "
                            "colour, such as ff0000")
    return labels


def _name(level: int, coloured: bool) -> str:
    return f"{level:06x}" if coloured else str(level)


def _example(counts: dict[int, int], coloured: bool) -> str:
    """For the error: the second level; of many colours, as where the mask is drawn over a photograph, the commonest but
    one."""
    levels = sorted(counts, key=counts.get, reverse=True) if coloured and len(counts) > SHOWN else [*counts]
    return _name(levels[min(1, len(levels) - 1)], coloured)


def _describe(counts: dict[int, int], coloured: bool, size: int) -> str:
    common = sorted(sorted(counts, key=counts.get, reverse=True)[:SHOWN])
    shown = ", ".join(f"{_name(level, coloured)} ({counts[level] / size:.1%})" for level in common)
    kind = ("colour" if coloured else "level") + "s" * (len(counts) > 1)
    return f"{len(counts)} {kind}{', of them' if len(counts) > SHOWN else ':'} {shown}"
