"""Sound files of all kinds that users hand in, and how each kind is read."""
from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from data.archives import recognise, unpack
from data.check import check_sample
from data.files import RECORD
from data.fundus import load_view
from data.images import encode_image, read_image
from data.layouts import Sample, modality_of, samples
from data.masks import decode_mask
from data.pairs import PairReader, PairWriter
from tests.conftest import SHARED, draw_eye
from tests.data.test_medical import RAMP, dicom, nifti

SIDE = (120, 100)


@dataclass(frozen=True)
class Original:
    """A file. read(path): what is made of it, None where it may be another thing after a change that no format notices;
    else it has to be the same."""

    name: str
    content: bytes
    read: Callable[[Path], object]
    is_text: bool = False


def read_photograph(path: Path) -> bytes | None:
    image = read_image(path)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
    sample = Sample("a", path, modality="fundus")
    check_sample(sample)
    assert load_view(sample).image.size
    return image.tobytes() if path.suffix == ".png" else None  # the one format in which every byte is summed


def read_drawn(path: Path) -> bytes | None:
    pixels = decode_mask(path).pixels
    assert pixels.dtype == np.uint8 and pixels.ndim == 2 and pixels.size and set(np.unique(pixels)) <= {0, 255}
    return pixels.tobytes() if path.suffix == ".png" else None


def _saved(picture, form: str, **options) -> bytes:
    memory = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(memory, form, **options)
    return memory.getvalue()


def _tiff(*pages, **options) -> bytes:
    memory = io.BytesIO()
    with tifffile.TiffWriter(memory) as file:
        for page in pages:
            file.write(page, **options)
    return memory.getvalue()


def images() -> list[Original]:
    eye, mask, _ = draw_eye(3, SIDE, 90)
    wide = (eye.astype(np.uint16) << 8) | eye
    exif = Image.Exif()
    exif[274] = 6
    files = {
        "rgb.png": encode_image(eye, ".png"), "grey.png": encode_image(eye[..., 1], ".png"),
        "palette.png": _saved(Image.fromarray(eye).quantize(64), "PNG"),
        "sixteen.png": cv2.imencode(".png", wide)[1].tobytes(),
        "plain.jpg": encode_image(eye, ".jpg"), "turned.jpg": _saved(eye, "JPEG", progressive=True, exif=exif),
        "cmyk.jpg": _saved(Image.fromarray(eye).convert("CMYK"), "JPEG"),
        "stereo.jpg": _saved(eye, "MPO", save_all=True, append_images=[Image.fromarray(eye)]),
        "deflate.tif": encode_image(eye, ".tif"), "lzw.tif": _saved(eye, "TIFF", compression="tiff_lzw"),
        "raw.tif": _saved(eye, "TIFF"), "jpeg.tif": _saved(eye, "TIFF", compression="jpeg"),
        "thumbnail.tif": _tiff(np.ascontiguousarray(eye[::2, ::2]), eye, photometric="rgb"),
        "planes.tif": _tiff(np.ascontiguousarray(np.moveaxis(wide, 2, 0)), photometric="rgb", planarconfig="separate"),
        "sixteen.tif": _tiff(wide, photometric="rgb"),
        "grey.gif": encode_image(eye[..., 1], ".gif"), "rgb.ppm": encode_image(eye, ".ppm"),
        "grey.pgm": encode_image(eye[..., 1], ".pgm"), "rgb.bmp": encode_image(eye, ".bmp"),
        "palette.bmp": _saved(Image.fromarray(eye).quantize(64), "BMP")}
    photograph = SHARED / "CHASE_DB1" / "Image_01L.jpg"
    if photograph.exists():
        files["CHASE.jpg"] = photograph.read_bytes()
    return [Original(f"image {name}", content, read_photograph) for name, content in files.items()]


def medical(folder: Path) -> list[Original]:
    if not find_spec("pydicom") or not find_spec("nibabel"):
        return []
    made = [dicom(folder / "a.dcm", np.round(RAMP * 4095).astype(np.uint16), bits=12),
            nifti(folder / "a.nii", np.round(RAMP * 255).astype(np.uint8)), nifti(folder / "b.nii.gz", RAMP)]
    return [Original(f"image {path.name}", path.read_bytes(), read_photograph) for path in made]


def masks() -> list[Original]:
    mask = draw_eye(3, SIDE, 90)[1]
    one = Image.fromarray(mask).convert("1")
    files = {"grey.png": encode_image(mask, ".png"), "one.png": _saved(one, "PNG"), "one.bmp": _saved(one, "BMP"),
             "grey.gif": encode_image(mask, ".gif"), "grey.pgm": encode_image(mask, ".pgm"),
             "group4.tif": _saved(one, "TIFF", compression="group4"), "raw.tif": _saved(mask, "TIFF"),
             "blurred.jpg": encode_image(mask, ".jpg"),
             "levels.png": cv2.imencode(".png", (mask > 0).astype(np.uint16))[1].tobytes()}
    drawn = SHARED / "CHASE_DB1" / "Image_01L_1stHO.png"
    if drawn.exists():
        files["CHASE.png"] = drawn.read_bytes()
    return [Original(f"mask {name}", content, read_drawn) for name, content in files.items()]


def stores(folder: Path) -> list[Original]:
    path = folder / "synthetic.h5"
    with PairWriter(path, {"seed": 3, "stage2": {"flags": {"pairs": "drive:Bilder für Ärzte"}}}) as writer:
        for seed in range(6):
            image, mask, fov = (np.ascontiguousarray(picture[20:84, 20:84]) for picture in draw_eye(seed, SIDE, 90))
            writer.append(images=image, masks=mask[..., None], fovs=fov[..., None])

    def read(path):
        with PairReader(path, required=("masks", "images", "fovs")) as reader:
            rows = b"".join(row[name].tobytes() for row in reader for name in ("masks", "images", "fovs"))
            return rows, reader.attributes

    return [Original("store synthetic.h5", path.read_bytes(), read)]


def archives() -> list[Original]:
    memory = io.BytesIO()
    files = {f"DRIVE/training/{folder}/{stem}_{ending}": f"{folder} of {stem} ".encode() * 40 for stem in range(21, 29)
             for folder, ending in (("images", "training.tif"), ("1st_manual", "manual1.gif"))}
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)

    def read(path):
        root = path.parent / "raw"
        unpack(recognise(path), root)
        written = [file for file in root.rglob("*") if file.is_file() and file.name != RECORD]
        assert written and all(file.read_bytes() in files.values() for file in written)
        shutil.rmtree(root)

    return [Original("archive DRIVE.zip", memory.getvalue(), read)]


def weights(folder: Path) -> list[Original]:
    """Slow: it imports TensorFlow."""
    from training.weights import load_array, load_weights, save_array, save_weights
    from unet_eval.networks import unet

    trained, other = unet(4, 2), unet(4, 2)
    random = np.random.default_rng(0)
    trained.set_weights([random.random(weight.shape).astype(np.float32) for weight in trained.get_weights()])
    save_weights(trained, folder / "weights.h5")
    save_array(random.random((9, 6)), folder / "codes.npy")

    def read(path):
        load_weights(other, path, "train it again")
        return b"".join(weight.tobytes() for weight in other.get_weights())

    def read_array(path):
        assert load_array(path, "train it again").dtype != object

    return [Original("weights weights.h5", (folder / "weights.h5").read_bytes(), read),
            Original("array codes.npy", (folder / "codes.npy").read_bytes(), read_array)]


def texts(folder: Path) -> list[Original]:
    from absl import flags

    from configs.flags import SCRIPTS, expand, select
    from data.errors import UserError
    from training.cli import define_flags, flag_values
    from training.run_folder import read_config
    from unet_eval.config import UnetConfig

    config = UnetConfig(pairs="drive:data/raw/DRIVE", out="checkpoints/quick/unet-real")
    record = {"version": 2, "flags": config.to_json(), "resolved": {"precision": "float32", "devices": 1},
              "data": {"pairs": config.pairs, "checksum": "0" * 64}, "git": "abc", "versions": {"python": "3.11"}}
    image, mask, _ = draw_eye(3, SIDE, 90)
    table = ["image,mask,fov,split,patient"]
    for number in range(6):
        (folder / f"photo {number}.png").write_bytes(encode_image(image, ".png"))
        (folder / f"Gefäße {number}.png").write_bytes(encode_image(mask, ".png"))
        table.append(f"photo {number}.png,Gefäße {number}.png,,{'train' if number < 4 else 'test'},{number}")
    define_flags(UnetConfig)

    def read_record(path):
        (path.parent / "config.json").write_bytes(path.read_bytes())
        read_config(path.parent, UnetConfig, "train it again")

    def read_flags(path):
        selected = select("unet_eval.train", expand([f"--flagfile={path}"]), SCRIPTS)
        try:
            flags.FLAGS.unparse_flags()
            flags.FLAGS(["unet_eval.train", *selected])
        except flags.Error as error:  # training.cli prints it as one line
            raise UserError(f"{path}: {error}") from error
        UnetConfig(**{**flag_values(UnetConfig), "pairs": "drive:x", "out": "x"})

    def read_table(path):
        modality_of(f"csv:{path}")
        for split in ("train", "test"):
            assert all(sample.image.is_file() for sample in samples(f"csv:{path}", split))

    preset = Path("configs/cpu/unet.flags").read_bytes()
    return [Original("record config.json", json.dumps(record, indent=2).encode(), read_record, True),
            Original("flags unet.flags", preset, read_flags, True),
            Original("table pairs.csv", "\n".join(table).encode(), read_table, True)]
