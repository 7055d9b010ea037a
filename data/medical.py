"""Decodes one slice of DICOM, with pydicom, or NIfTI, with nibabel: make .venv EXTRAS=medical."""
from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from data.errors import UserError

EXTENSIONS = 1 << 20  # bytes that may stand before the pixels of a packed NIfTI


def read_dicom(path: Path, limit: int) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """A file of at most `limit` pixels, as (stored values, uint8 as it is shown, notes on the values, notes on how they
    are shown), both (H, W) or (H, W, 3) RGB.

    It is shown through its first window (DICOM PS3.3 C.11.2.1.2), else from the least to the largest value that its
    bits can hold, or that it has where they are signed; with MONOCHROME1, black and white are exchanged. Raises
    UserError: several slices, more pixels, packed as a whole.
    """
    try:
        import pydicom
        from pydicom.filereader import read_file_meta_info
        from pydicom.pixels import apply_color_lut, apply_modality_lut
    except ImportError:
        raise _missing(path, "DICOM", "pydicom 3, in Python 3.10 or 3.11") from None
    # pydicom unpacks such a file in one go, however large that becomes.
    if read_file_meta_info(path).get("TransferSyntaxUID") == pydicom.uid.DeflatedExplicitVRLittleEndian:
        raise UserError(f"{path}: a DICOM file that is deflated as a whole; save it in another transfer syntax, or as "
                        "PNG")
    data = pydicom.dcmread(path)
    _check_size(path, (data.Rows, data.Columns, int(data.get("NumberOfFrames") or 1)), limit)
    kind, notes = data.PhotometricInterpretation, []  # on how it is shown
    stored = data.pixel_array  # YBR becomes RGB
    if kind == "PALETTE COLOR":
        stored = apply_color_lut(stored, data)
        return stored, _eight(stored, 0, np.iinfo(stored.dtype).max), [], []
    if stored.ndim == 3:
        return stored, _eight(stored, 0, 2 ** data.BitsStored - 1), [], []
    values = np.asarray(apply_modality_lut(stored, data), np.float64)
    center, width = (float(np.ravel(data[name].value or 0)[0]) if name in data else 0
                     for name in ("WindowCenter", "WindowWidth"))
    if width >= 1:  # less is no window
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
        notes.append(f"shown through the window {center:g} / {width:g}")
    elif data.PixelRepresentation:
        low, high = values.min(), values.max()
        notes.append("of signed values without a window, stretched from the least to the largest")
    else:
        low, high = np.ravel(apply_modality_lut(np.array([[0, 2 ** data.BitsStored - 1]]), data)).astype(float)
    shown = _eight(values, low, high)
    if kind == "MONOCHROME1":
        # By the range of its bits, so that a level is the same one in each file; masks have no signed ones.
        most = 2 ** (data.BitsStored - bool(data.PixelRepresentation)) - 1
        exchanged = most - stored.astype(np.int32)
        return exchanged, 255 - shown, ["shown with black and white exchanged (MONOCHROME1)"], notes
    return stored.astype(np.int32), shown, [], notes


def read_nifti(path: Path, limit: int) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """The same of NIfTI, grey (H, W): the first axis runs to the right and the second downwards, as ITK-SNAP stores a
    picture. It is shown in the range that the header states (cal_min, cal_max), 8 bits as they are, else stretched."""
    try:
        import nibabel
    except ImportError:
        raise _missing(path, "NIfTI", "nibabel") from None
    if path.name.lower().endswith(".gz"):
        _check_unpacked(path, limit)
    image = nibabel.load(path)
    shape = image.shape
    _check_size(path, (*shape[:2], int(np.prod(shape[2:]))), limit)
    stored = np.asanyarray(image.dataobj).reshape(shape[:2]).T
    if stored.dtype.kind not in "iuf" or not np.isfinite(stored).all():
        raise UserError(f"{path}: values that are no finite numbers; save it as 8-bit grey or RGB")
    low, high = float(image.header["cal_min"]), float(image.header["cal_max"])
    notes = []
    if high <= low:
        low, high = (0, 255) if image.get_data_dtype() == np.uint8 else (float(stored.min()), float(stored.max()))
        if (low, high) != (0, 255):
            notes.append("of NIfTI that states no range, stretched from the least to the largest value")
    whole = stored.astype(np.int32) if (stored == np.round(stored)).all() and abs(stored).max() < 2 ** 31 else stored
    return whole, _eight(stored.astype(np.float64), low, high), [], notes


def _eight(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.round(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)


def _check_unpacked(path: Path, limit: int) -> None:
    """What stands before the pixels may claim any size, and nibabel reads it into memory."""
    with gzip.open(path) as file:
        file.seek(limit * np.dtype(np.float64).itemsize + EXTENSIONS)  # unpacks block by block, and keeps none
        if file.read(1):
            raise UserError(f"{path}: unpacked it is larger than a slice of {limit // 10**6} megapixels; save the one "
                            "that is meant as a file of its own")


def _check_size(path: Path, shape: tuple[int, int, int], limit: int) -> None:
    height, width, slices = shape
    if slices > 1:
        raise UserError(f"{path}: {slices} slices; save the one that is meant as a file of its own")
    if height * width > limit:
        raise UserError(f"{path}: {width} x {height} pixels, the limit is {limit // 10**6} megapixels; use a smaller "
                        "copy")


def _missing(path: Path, form: str, package: str) -> UserError:
    return UserError(f"{path}: reading {form} needs {package}: make .venv EXTRAS=medical, or save it as PNG")
