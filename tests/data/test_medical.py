"""One slice of DICOM or NIfTI as an image or a mask, with the extra `medical`."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from data.check import check_pairs, check_sample
from data.errors import UserError
from data.images import image_and_notes, read_image, write_image
from data.layouts import Sample, samples
from data.masks import decode_mask, read_mask
from data.medical import read_nifti

RAMP = np.linspace(0, 1, 64, dtype=np.float64)[None].repeat(48, axis=0)  # (48, 64), brighter to the right
CELL = np.zeros((48, 64), bool)
CELL[10:20, 5:30] = True  # neither square nor in the middle


def dicom(path, pixels, photometric="MONOCHROME2", bits=None, **elements):
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    data.Rows, data.Columns = pixels.shape[:2] if pixels.ndim == 2 or pixels.shape[2] == 3 else pixels.shape[1:]
    data.SamplesPerPixel = 3 if pixels.ndim == 3 and pixels.shape[2] == 3 else 1
    if data.SamplesPerPixel == 3:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = photometric
    data.BitsAllocated = 8 * pixels.dtype.itemsize
    data.BitsStored = bits or data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in elements.items():
        setattr(data, name, value)
    data.PixelData = pixels.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def nifti(path, pixels, **header):
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(pixels, np.eye(4))
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def near(image, expected, by=1):
    return image.shape == (*expected.shape, 3) and np.abs(image[..., 1] - 255 * np.clip(expected, 0, 1)).max() <= by


def test_twelve_bits(tmp_path):
    path = dicom(tmp_path / "a.dcm", np.round(RAMP / 2 * 4095).astype(np.uint16), bits=12)
    assert near(read_image(path), RAMP / 2)  # what the bits can hold is white, not what this image has


def test_the_window_is_heeded(tmp_path):
    """Hounsfield units of -1000 to 1000, of which -160 to 240 are shown."""
    path = dicom(tmp_path / "a.dcm", np.round(RAMP * 2000).astype(np.int16), RescaleSlope=1, RescaleIntercept=-1000,
                 WindowCenter=[40, 0], WindowWidth=[400, 2000])
    image, notes = image_and_notes(path)
    assert near(image, (RAMP * 2000 - 1000 + 160) / 400, by=2) and notes == ("shown through the window 40 / 400",)


def test_a_window_without_width_is_none(tmp_path):
    """Through it every pixel would be black or white."""
    path = dicom(tmp_path / "a.dcm", np.round(RAMP * 4095).astype(np.uint16), bits=12, WindowCenter=2000, WindowWidth=0)
    image, notes = image_and_notes(path)
    assert near(image, RAMP) and notes == ()


def test_how_a_picture_is_shown_is_not_said_of_masks(tmp_path):
    assert decode_mask(nifti(tmp_path / "m.nii", CELL.T.astype(np.int16))).notes == ()
    assert "MONOCHROME1" in decode_mask(dicom(tmp_path / "m.dcm", CELL.astype(np.uint8), "MONOCHROME1")).notes[0]


def test_white_and_black_are_exchanged_where_the_file_says_so(tmp_path):
    path = dicom(tmp_path / "a.dcm", np.round(RAMP * 255).astype(np.uint8), "MONOCHROME1")
    assert near(read_image(path), 1 - RAMP)
    assert np.array_equal(read_mask(dicom(path, CELL.astype(np.uint8), "MONOCHROME1")) > 0, ~CELL)
    # A label is the same one in each file, whichever others there are: stored 1 is 254, or 32766 of signed 16 bits.
    for kind, level in ((np.uint8, "254"), (np.int16, "32766")):
        for most in (1, 2):
            labels = np.minimum(np.arange(48 * 64).reshape(48, 64) % 3, most).astype(kind)
            assert np.array_equal(read_mask(dicom(path, labels, "MONOCHROME1"), (level,)) > 0, labels == 1)


def test_colours_of_dicom(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (1, 1, 3), dtype=np.uint8).repeat(48, 0).repeat(64, 1)
    assert np.array_equal(read_image(dicom(tmp_path / "a.dcm", colours, "RGB")), colours)
    red, green, blue = np.moveaxis(colours.astype(float), 2, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    ybr = np.dstack([luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)])
    path = dicom(tmp_path / "b.dcm", np.round(ybr).astype(np.uint8), "YBR_FULL")
    assert np.abs(read_image(path).astype(int) - colours).max() <= 3


def test_nifti(tmp_path):
    path = nifti(tmp_path / "a.nii.gz", np.round(RAMP.T * 1000).astype(np.int16))
    image, notes = image_and_notes(path)
    assert near(image, RAMP) and "stretched" in notes[0]
    assert near(read_image(nifti(tmp_path / "b.nii", np.float32(RAMP.T)[..., None], cal_min=0, cal_max=2)), RAMP / 2)
    assert np.array_equal(read_mask(nifti(tmp_path / "m.nii.gz", CELL.T.astype(np.uint8))) > 0, CELL)


def test_labels(tmp_path):
    labels = CELL.T * 1.0
    labels[40:] = 2
    path = nifti(tmp_path / "m.nii", labels.astype(np.float32))
    with pytest.raises(UserError, match="3 levels: 0 .*--foreground=1"):
        read_mask(path)
    assert np.array_equal(read_mask(path, ("1",)) > 0, CELL)


def test_several_slices(tmp_path):
    for path in (nifti(tmp_path / "a.nii", np.zeros((64, 48, 5), np.uint8)),
                 dicom(tmp_path / "a.dcm", np.zeros((5, 48, 64), np.uint8), NumberOfFrames=5)):
        with pytest.raises(UserError, match="5 slices; save the one"):
            read_image(path)


def test_what_is_read_beside_the_pixels_has_a_limit_too(tmp_path):
    """An extension of a packed NIfTI, some kilobytes on disk, is read into memory as a whole."""
    nibabel, path = pytest.importorskip("nibabel"), tmp_path / "a.nii.gz"
    image = nibabel.Nifti1Image(np.round(RAMP.T * 255).astype(np.uint8), np.eye(4))
    for size in (1000, 4 << 20):
        image.header.extensions[:] = [nibabel.nifti1.Nifti1Extension(6, bytes(size))]
        nibabel.save(image, path)
        assert path.stat().st_size < 50_000
        if size == 1000:
            assert np.array_equal(read_nifti(path, RAMP.size)[0], np.round(RAMP * 255))
    with pytest.raises(UserError, match="a.nii.gz: unpacked it is larger than a slice"):
        read_nifti(path, RAMP.size)


def test_a_dicom_file_that_is_packed_as_a_whole_is_refused(tmp_path):
    pydicom, path = pytest.importorskip("pydicom"), dicom(tmp_path / "a.dcm", np.zeros((48, 64), np.uint8))
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)
    with pytest.raises(UserError, match="a.dcm: .* deflated as a whole; save it in another transfer syntax, or as PNG"):
        read_image(path)


def test_damaged_files(tmp_path):
    for path in (nifti(tmp_path / "a.nii.gz", np.round(RAMP.T * 255).astype(np.uint8)),
                 dicom(tmp_path / "a.dcm", np.round(RAMP * 255).astype(np.uint8))):
        whole = path.read_bytes()
        for kept in (0.1, 0.9):
            path.write_bytes(whole[:int(kept * len(whole))])
            with pytest.raises(UserError, match="cannot be read, truncated"):
                read_image(path)


@pytest.mark.parametrize("name, package", [("a.dcm", "pydicom"), ("a.nii.gz", "nibabel")])
def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch, name, package):
    (tmp_path / name).write_bytes(b"something")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=f"{name}: reading .* needs {package}.*EXTRAS=medical"):
        read_image(tmp_path / name)


def test_slices_are_paired_with_masks(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(5):
        nifti(tmp_path / "images" / f"{number}.nii.gz", np.round(RAMP.T * 255).astype(np.uint8))
        write_image(tmp_path / "masks" / f"{number}.png", CELL.astype(np.uint8) * 255)
    found = samples(f"folder:{tmp_path}")
    assert [sample.stem for sample in found] == list("01234")
    check_pairs(found)
    write_image(tmp_path / "m.png", CELL.T.astype(np.uint8) * 255)
    with pytest.raises(UserError, match="48 x 64 pixels, its image .*0.nii.gz is 64 x 48"):
        check_sample(Sample("0", found[0].image, tmp_path / "m.png"))
