"""Networks that are packed for others, and what is shown of them and of a run."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from configs import demo as demo_module
from configs.api import generate
from configs.clean import foreign
from configs.demo import DemoConfig, demo
from configs.pretrained import PretrainedConfig, _command, pack
from data.copies import fingerprints
from data.errors import UserError
from data.files import checksum, read_json, write_json
from data.fundus import load_views
from data.images import write_image
from data.layouts import samples
from data.layouts import training as training_samples
from data.pairs import PairReader
from data.synthmed.source import AUDIT_VERSION
from stage2_pix2pix.generate import Renderer
from training.warm import WarmStart
from training.weights import save_weights
from unet_eval.config import UnetConfig
from unet_eval.networks import unet
from unet_eval.segment import Segmenter

pytestmark = pytest.mark.training
ATTACK = {"Stage-I, by what its discriminator says of masks": {"value": 0.55, "verdict": "passes"}}
CARD = PretrainedConfig(run="mine", name="tiny", license="CC0-1.0", authors="Ada; Ben")


@pytest.fixture(scope="module")
def finished(run_folder, make_pairs, drive, tmp_path_factory):
    run = run_folder(tmp_path_factory.mktemp("finished") / "mine")
    make_pairs(run, decoder="tree", vary=1.0)
    for arm in ("real", "synthetic"):
        folder = run / f"unet-{arm}"
        config = UnetConfig(pairs=drive, out=str(folder), arm=arm, base=4, poolings=2,
                            synthetic=str(run / "synthetic.h5") if arm == "synthetic" else "")
        folder.mkdir()
        save_weights(unet(4, 2), folder / "weights.h5")
        write_json(folder / "config.json", {"version": 2, "flags": config.to_json(), "data": {"pairs": drive}})
    for stage in ("stage1", "stage2", "unet-real", "unet-synthetic"):
        write_json(run / stage / "seen.json", {"images": fingerprints(samples(drive, "train"))})
    (run / "settings").write_text(f"CONFIG=tiny PAIRS={drive} PHOTOS= FLAGS=--seed=3 --warm_start=/a/b\n")
    return run


@pytest.fixture
def trained(finished, tmp_path, monkeypatch):
    """The folder of the finished run `mine` in a working folder of its own, with an audit that passed."""
    monkeypatch.chdir(tmp_path)
    run = Path(shutil.copytree(finished, tmp_path / "checkpoints/mine"))
    audited(run)
    asked(run)
    return run


def asked(run, leak=0.0, patients=8):
    """Writes what the U-Net of the synthetic pairs says of its training images and of others."""
    def entries(first, more):
        return [{"stem": str(patient), "patient": str(patient), "score": patient % 3 + more}
                for patient in range(first, first + patients)]

    (run / "audit").mkdir(exist_ok=True)
    write_json(run / "audit/unet-synthetic.json",
               {"U-Net": {"training": entries(0, leak), "held_out": entries(patients + 1, 0)}})


def audited(run, **changes):
    folder = run.parents[1] / "reports/mine/audit"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "audit.json", {
        "passed": True, "controls_passed": True, "pairs_sha256": checksum(run / "synthetic.h5"), "left_out": [],
        "made_from": {"version": AUDIT_VERSION},
        "distances": {"mask": [0.5, 0.5], "photograph": [0.5, 0.5]}, "table": [["masks", "0.2", "0.4", "passes"]],
        "generators": ATTACK, "generators_passed": True, **changes})


def test_packed_networks_draw_and_segment_alike_without_the_data_set(trained, drive, tmp_path):
    pairs = list(generate(trained, 2))
    folder = pack(CARD)
    told = b"".join(file.read_bytes() for file in folder.rglob("*.*"))
    assert str(tmp_path).encode() not in told and drive.encode() not in told
    for (image, mask, fov), own in zip(generate(folder, 2), pairs):
        assert np.mean(fov != own[2]) < 0.05 and np.mean(mask != own[1]) < 0.1
        assert np.abs(image[fov == own[2]].astype(float) - own[0][fov == own[2]]).mean() < 8
    view = load_views(drive, "test")[0]
    packed, own = (Segmenter(place / "unet-synthetic").probability(view) for place in (folder, trained))
    assert not (folder / "unet-real").exists()
    assert np.abs(packed - own).max() < 0.01 < own.max()


def test_a_pack_has_a_card_and_checksums_and_is_half_as_large(trained, drive, tmp_path):
    folder = pack(CARD)
    assert folder.as_posix() == "checkpoints/pretrained/tiny"
    card = (folder / "README.md").read_text()
    for text in ("Ada, Ben", "CC0-1.0", "3 images", "| masks | 0.2 | 0.4 | passes |", "| attack on U-Net, AUC | ",
                 "DRIVE", "CONFIG=tiny PAIRS=drive:absent PHOTOS= FLAGS='--seed=3 --warm_start=absent'"):
        assert text in card, text
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder).returncode == 0
    assert (folder / "stage1/generator.h5").stat().st_size < 0.6 * (trained / "stage1/generator.h5").stat().st_size
    assert read_json(folder / "stage2/seen.json", "") == read_json(trained / "stage2/seen.json", "")
    with pytest.raises(UserError, match="tiny is there already"):
        pack(CARD)


def test_the_command_of_a_card_tells_no_place_of_a_file(tmp_path):
    """Not the end of one with spaces either, nor one that follows its flag."""
    (tmp_path / "settings").write_text("CONFIG=/home/ada/tiny PAIRS=folder:/home/ada/my eyes PHOTOS= FLAGS=--seed=3 "
                                       "'--test=folder:/home/ada/my other/eyes' --warm_start /home/ada/b\n")
    assert _command(tmp_path / "settings") == (
        "make stage1 stage2 unet-synthetic CONFIG=tiny PAIRS=folder:absent PHOTOS= "
        "FLAGS='--seed=3 --test=absent --warm_start absent'")


@pytest.mark.parametrize("changes, said", [
    ({"passed": False, "refused": ["masks"]}, "refuses these pairs .masks"),
    ({"controls_passed": False}, "controls failed"),
    ({"pairs_sha256": "0"}, "of other pairs"),
    ({"generators": {}}, "no attack on the generators"),
    ({"generators_passed": False, "generators": {"Stage-II": {"value": 0.93, "verdict": "fails"}, "D": None, **ATTACK}},
     r"which images they were trained on \(Stage-II: AUC 0.93; 0.5 is no leak\)"),
    ({"generators_passed": False, "copies": {"0": ["whole masks"], "2": ["whole masks"]}},
     "the networks draw copies of what they were trained on, 2 of the pairs, more than false alarms explain"),
    ({"generators_passed": False, "generators": {"Stage-II": None, **ATTACK}},
     r"Stage-II was not asked .*train it on PAIRS \(PHOTOS=\), or with --add_pairs")])
def test_no_audit_no_pack(trained, tmp_path, changes, said):
    audited(trained, **changes)
    with pytest.raises(UserError, match=said):
        pack(CARD)
    assert not (tmp_path / "checkpoints/pretrained").exists()


@pytest.mark.parametrize("leak, patients, said", [(3, 8, "AUC 1.0; 0.5 is no leak"), (0, 2, "AUC 0.5"),
                                                  (0, 0, "not measured")])
def test_a_unet_that_may_tell_its_images_is_not_given_away(trained, tmp_path, leak, patients, said):
    """Two patients of a side are too few to show that it does not."""
    asked(trained, leak, patients)
    with pytest.raises(UserError, match=f"may tell which images it was trained on, .*{said}"):
        pack(CARD)
    assert not (tmp_path / "checkpoints/pretrained").exists()


def test_networks_that_did_not_make_the_pairs_are_not_packed(trained, tmp_path):
    """The audit was of the pairs of others."""
    weights = trained / "stage1/generator.h5"
    weights.write_bytes(weights.read_bytes() + b"of another training")
    with pytest.raises(UserError, match="stage1/generator.h5 did not make these pairs"):
        pack(CARD)
    assert not list(tmp_path.glob("checkpoints/pretrained/*"))


def test_a_unet_that_saw_images_of_others_is_not_packed(trained, tmp_path):
    """By a warm start: nobody has asked it about them."""
    seen = read_json(trained / "stage1/seen.json", "")["images"]
    write_json(trained / "unet-synthetic/seen.json", {"images": [*seen, "of another"]})
    with pytest.raises(UserError, match="unet-synthetic began with weights that have seen 1 images"):
        pack(CARD)
    assert not list(tmp_path.glob("checkpoints/pretrained/*"))


def test_what_is_too_large_or_too_old_is_not_packed(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("configs.pretrained.LARGEST", 10_000)
    with pytest.raises(UserError, match="of float16, and may take 0 MB"):
        pack(CARD)
    (trained / "stage1/seen.json").unlink()
    with pytest.raises(UserError, match="seen.json is missing: an earlier version"):
        pack(CARD)
    assert not list(tmp_path.glob("checkpoints/pretrained/*"))


def test_the_demo_of_a_run_says_that_it_was_not_cleared(trained, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="^checkpoints/pretrained: no packed networks there.*make pretrained RUN="):
        demo(DemoConfig())
    monkeypatch.setattr(demo_module, "COUNT", 3)
    page = tmp_path / demo(DemoConfig(run="mine"))
    assert page == tmp_path / "reports/mine/demo/index.html" and "not cleared for publication" in page.read_text()
    assert "**Not cleared" in (page.parent / "README.md").read_text()
    with PairReader(page.parent / "pairs.h5") as shown:
        assert all(np.array_equal(shown[row]["images"], image)
                   for row, (image, _, _) in enumerate(generate(trained, len(shown)))) and len(shown) == 3
    assert {path.name for path in page.parent.iterdir()} == {"train", "thumbnails", "pairs.h5", "contact_sheet.png",
                                                             "index.html", "README.md", "SHA256SUMS"}
    assert not [path for path in foreign(page.parent.parent) if page.parent in path.parents]  # `make clean` knows all
    before = page.stat().st_mtime_ns
    demo(DemoConfig(run="mine"))
    assert page.stat().st_mtime_ns == before


def test_a_gallery_of_other_networks_gives_way(trained, tmp_path, monkeypatch):
    """Folders of packed networks may have one name, and a run may be trained again."""
    monkeypatch.setattr(demo_module, "COUNT", 1)
    page = demo(DemoConfig(run="mine"))
    with PairReader(page.parent / "pairs.h5") as shown:
        before = shown[0]["images"]
    network = Renderer(trained / "stage2", 3).networks["generator"]
    network.set_weights([0.5 * array for array in network.get_weights()])
    save_weights(network, trained / "stage2" / "generator.h5")
    (page.parent / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="demo shows other networks than checkpoints/mine, .* move away .*notes.txt"):
        demo(DemoConfig(run="mine"))
    (page.parent / "notes.txt").unlink()
    with PairReader(demo(DemoConfig(run="mine")).parent / "pairs.h5") as shown:
        assert not np.array_equal(shown[0]["images"], before)
    (trained / "stage1" / "generator.h5").unlink()
    with pytest.raises(UserError, match="stage1/generator.h5"):
        demo(DemoConfig(run="mine"))
    assert page.exists()  # what cannot be made anew stays


def test_the_demo_of_packed_networks_draws_and_segments(trained, drive, tmp_path, monkeypatch):
    folder = pack(CARD)
    monkeypatch.setattr(demo_module, "COUNT", 2)
    page = demo(DemoConfig())
    assert page.as_posix() == "reports/pretrained/tiny/demo/index.html"
    # Pair k of the audit was of the same seed and number, so it was no audit of other pairs.
    assert "released after an audit of pairs of theirs" in (page.parent / "README.md").read_text()
    assert "tiny" in page.read_text()
    write_image(tmp_path / "photos/eye.png", load_views(drive, "test")[0].image)
    masks = demo(DemoConfig(images=str(tmp_path / "photos")))
    assert [path.name for path in masks.glob("*.png")] == ["eye.png"]
    write_image(tmp_path / "photos/new.png", load_views(drive, "test")[1].image)
    demo(DemoConfig(images=str(tmp_path / "photos")))
    assert {path.name for path in masks.glob("*.png")} == {"eye.png", "new.png"}
    (tmp_path / "photos/eye.png").unlink()
    with pytest.raises(UserError, match="segmented has masks of other images, such as eye.png: move that folder away"):
        demo(DemoConfig(images=str(tmp_path / "photos")))
    (folder.parent / "other").mkdir()
    (folder.parent / "other/drawing.json").touch()
    with pytest.raises(UserError, match=r"choose, --name=other \(make demo NAME=other\); there are: other, tiny"):
        demo(DemoConfig())
    with pytest.raises(UserError, match="^checkpoints/pretrained/absent and absent: no packed .*folder, --name=FOLDER"):
        demo(DemoConfig(name="absent"))
    with pytest.raises(UserError, match="--run=mine and --name=tiny: .* give one of the two"):
        demo(DemoConfig(run="mine", name="tiny"))
    with pytest.raises(UserError, match=f"^{tmp_path}/absent: no packed networks there"):
        demo(DemoConfig(name=f"{tmp_path}/absent"))
    assert json.loads((folder / "unet-synthetic/config.json").read_text())["flags"]["pairs"] == "drive:absent"


def test_a_damaged_record_of_drawing_is_named(trained):
    folder = pack(CARD)
    record = json.loads((folder / "drawing.json").read_text())
    for change in ({"rims": [[0.5] * 7]}, {"rims": [[0.5] * 7, [float("nan")] * 7]}, {"size": 10 ** 9}, {"size": -1},
                   {"masks": 3}, {"rims": None}, {"masks": {"vary": 0}}, {"seed": -1}, {"masks": {"seed": "a"}},
                   {"rims": [[9] * 7] * 2}):
        (folder / "drawing.json").write_text(json.dumps({**record, **change}))
        with pytest.raises(UserError, match=r"drawing.json is (missing or )?damaged.*get the folder again"):
            generate(folder, 1)
            pytest.fail(f"{change} was accepted")


def test_packed_networks_are_shown_wherever_they_lie(trained, tmp_path, monkeypatch):
    shutil.move(pack(CARD), tmp_path / "got/from somebody")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(demo_module, "COUNT", 1)
    page = demo(DemoConfig(name=f"{tmp_path}/got/from somebody/"))
    assert page.as_posix() == "reports/pretrained/from somebody/demo/index.html"
    assert "released after an audit" in (page.parent / "README.md").read_text()


def test_the_networks_that_come_with_the_project_draw_and_have_seen_no_test_image(chase):
    folder = Path(__file__).parents[2] / "checkpoints/pretrained/chase_db1"
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder).returncode == 0
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 20e6
    ((image, mask, fov),) = generate(folder, 1)
    assert image.shape == (544, 544, 3) and 0.05 < (mask > 0)[fov > 0].mean() < 0.2
    assert 0.5 < (image[fov > 0].max(axis=1) > 60).mean() and not image[fov == 0].any()
    green = image[..., 1].astype(np.float32)
    assert (green - cv2.blur(green, (25, 25)))[mask > 0].mean() < -2  # vessels are darker than their surroundings
    training, _ = training_samples(f"chase_db1:{chase}", 2)
    assert read_json(folder / "unet-synthetic/seen.json", "")["images"] == sorted(fingerprints(training))
    WarmStart(UnetConfig(pairs=f"chase_db1:{chase}", out="x", warm_start=str(folder)), "unet-real",
              instead=("unet-synthetic",))
