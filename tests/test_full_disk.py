"""Whatever writes a file, on a disk without room: one line, the older file intact, nothing half-written."""
from __future__ import annotations

import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from tensorflow import keras

from configs.running import Step, run_all
from configs.settings import Settings
from data.archives import recognise, unpack
from data.errors import UserError
from data.files import OutputFolder, write_json
from data.images import write_image
from data.pairs import PairWriter
from data.phantom.datasets import make_phantoms
from data.synthmed.formats import Shards
from data.unfinished import NewFolder
from tests.small_disk import SmallDisk
from training.checkpoints import Checkpoints
from training.run_folder import RunFolder
from training.weights import save_array, save_weights
from unet_eval.config import UnetConfig


@pytest.fixture
def disk(tmp_path):
    with SmallDisk(tmp_path / "disk", "2m") as disk:
        yield disk


def noise(version, *shape):
    """Bytes that no compression makes smaller."""
    return np.random.default_rng(version).integers(0, 256, shape, dtype=np.uint8)


def network(version):
    model = keras.Sequential([keras.layers.Dense(20, input_shape=(500,))])
    model.set_weights([np.full(weight.shape, version, np.float32) for weight in model.get_weights()])
    return model


def json_file(folder, version):
    write_json(folder / "a.json", {"version": [version] * 2000})


def image(folder, version):
    write_image(folder / "a.png", noise(version, 64, 64, 3))


def listed_file(folder, version):
    OutputFolder(folder, "--out").write("a.md", noise(version, 9000).tobytes())


def array(folder, version):
    save_array(noise(version, 9000), folder / "codes.npy")


def weights(folder, version):
    save_weights(network(version), folder / "weights.h5")


def pairs(folder, version):
    with PairWriter(folder / "synthetic.h5", {"seed": version}) as writer:
        for _ in range(3):
            writer.append(masks=noise(version, 64, 64, 1), images=noise(version, 64, 64, 3))


def checkpoint(folder, version):
    Checkpoints(folder, model=network(version)).save(version)


def mark(folder, version):
    run_all(["data"], lambda name: Step("", [], done=folder / "data.checked", mark=lambda: str(version) * 9000), False)


WRITERS = [json_file, image, listed_file, array, weights, pairs, checkpoint, mark]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
@pytest.mark.parametrize("leave", [0, 4096])
def test_a_writer_without_room(disk, write, leave):
    folder = disk.path / "out"
    folder.mkdir()
    write(folder, 1)
    before = disk.files()
    disk.fill(leave)
    with pytest.raises(UserError) as error:
        write(folder, 2)
    assert str(folder) in str(error.value) and "space on the disk" in str(error.value)
    assert "\n" not in str(error.value)
    listed = "out/made.sha256"  # may have the line of the file that was not written
    after = disk.files()
    assert after.pop(listed, b"").startswith(before.pop(listed, b"")) and after == before
    disk.clear()
    write(folder, 2)
    assert disk.files() != before


def test_settings_and_a_training_s_record_without_room(disk, tmp_path, monkeypatch):
    monkeypatch.chdir(disk.path)
    run = Settings.from_variables({"CONFIG": "quick", "RUN": "mine", "PAIRS": "phantom"})
    config = UnetConfig(pairs="phantom", out=str(disk.path / "unet-real"))
    disk.fill()
    for start in (run.record, lambda: RunFolder(config, {}, {})):
        with pytest.raises(UserError, match="(settings|config.json): cannot be written"):
            start()
    assert set(disk.files()) <= {"unet-real/lock"} and not any(disk.files().values())
    disk.clear()
    run.record()
    RunFolder(config, {}, {})
    assert set(disk.files()) == {"checkpoints/mine/settings", "unet-real/config.json", "unet-real/lock"}


@pytest.mark.parametrize("leave", [0, 12_288])
def test_a_folder_that_appears_complete_without_room(disk, leave):
    """A release, an export, packed networks, a demo."""
    out = disk.path / "release"
    disk.fill(leave)
    with pytest.raises(UserError, match=f"{out}.* cannot be written .*free space"):
        with NewFolder(out, "remove it first") as folder:
            for number in range(4):
                folder.write(f"train/{number}.png", noise(number, 4096).tobytes())
    assert disk.files() == {} and not out.exists()
    disk.clear()
    with NewFolder(out, "remove it first") as folder:
        folder.write("README.md", b"")
    assert disk.files() == {"release/README.md": b""}


def test_a_shard_of_records_without_room(disk):
    """TensorFlow writes it, with errors of its own."""
    out = disk.path / "release"
    with pytest.raises(UserError, match=f"{out}/tfrecord.* cannot be written .*free space"):
        with NewFolder(out, "remove it first") as folder:
            shards = Shards(folder, 1)
            shards.append(0, image=noise(1, 400_000).tobytes())
            disk.fill()
            shards.close()
    assert disk.files() == {} and not out.exists()


@pytest.mark.parametrize("promised", [True, False], ids=["as large as it says", "larger than what is free later"])
def test_an_archive_without_room(disk, tmp_path, monkeypatch, promised):
    archive = tmp_path / "DRIVE.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for part, number in (("training", 21), ("test", 1)):
            for name in (f"images/{number:02d}_{part}.tif", f"1st_manual/{number:02d}_manual1.gif",
                         f"mask/{number:02d}_{part}_mask.gif"):
                file.writestr(f"{part}/{name}", noise(number, 200_000).tobytes())
    if not promised:  # other programs fill the disk, too
        monkeypatch.setattr("data.archives.shutil.disk_usage", lambda path: SimpleNamespace(free=1 << 40))
    disk.fill(300_000)
    with pytest.raises(UserError, match="make room|free space"):
        unpack(recognise(archive), disk.path)
    assert disk.files() == {}
    disk.clear()
    assert len(list(unpack(recognise(archive), disk.path).rglob("*.tif"))) == 2


@pytest.mark.training
def test_procedural_data_sets_without_room(disk):
    out = disk.path / "phantom"
    with pytest.raises(UserError, match="cannot be written .*free space"):
        make_phantoms(out, 0, {"DRIVE": 4})
    assert list(disk.path.iterdir()) == []
