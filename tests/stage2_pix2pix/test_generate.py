"""Renderings, their grain, and what is refused."""
from __future__ import annotations

import json

import numpy as np
import pytest

from data.errors import UserError
from data.files import write_json
from data.fundus import View, load_views, square
from data.pairs import PairReader, PairWriter
from stage2_pix2pix import architectures
from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import MembersConfig, PairsConfig, Stage2Config
from stage2_pix2pix.generate import HELD_OUT, generate, load_codes, masks_to_render, with_grain
from stage2_pix2pix.grain import BINS, grain, missing_power, radial_power
from stage2_pix2pix.inputs import known
from stage2_pix2pix.members import members
from stage2_pix2pix.sheet import contact_sheet
from training import devices
from training.checkpoints import Checkpoints
from training.weights import save_array, save_weights

pytestmark = pytest.mark.training


def disc(size=64):
    rows, columns = np.indices((size, size)) - size // 2
    return np.where(rows ** 2 + columns ** 2 < (size // 2 - 2) ** 2, 255, 0).astype(np.uint8)


def config(**options):
    return Stage2Config(**{"pairs": "drive:x", "out": "x", "size": 64, "base": 4, "norm": "instance",
                           "upsampling": "resize", "tell_fov": True, "colour_code": True, "noise": 1, **options})


def test_a_rendering_is_a_photograph_in_its_field_of_view():
    devices.set_seed(0)
    networks = pix2pix.networks(config())
    mask, fov = disc() // 2 * 2, disc()
    code = np.array([0.3, -0.2, -0.5, 0.1, 0.1, 0.1], np.float32)
    first, again, other_row, other_seed = (pix2pix.render(networks, config(), mask, fov, code, seed, row)
                                           for seed, row in ((1, 0), (1, 0), (1, 1), (2, 0)))
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    assert not first[fov == 0].any()
    assert np.allclose(first[fov > 0].mean(axis=0) / 127.5 - 1, code[:3], atol=0.15)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other_row) and not np.array_equal(first, other_seed)


def noise(deviation, count=12, smooth=1):
    random = np.random.default_rng(int(deviation))
    fine = random.normal(0, deviation, (count, 128 // smooth, 128 // smooth, 3))
    return np.clip(128 + fine.repeat(smooth, axis=1).repeat(smooth, axis=2), 0, 255).astype(np.uint8)


def test_power_is_the_variance_of_white_noise():
    power = radial_power(noise(10))
    assert power.shape == (BINS, 3)
    assert np.allclose(power[8:45].mean(axis=0), 100, rtol=0.1)


def test_grain_gives_back_the_power_that_was_missing():
    photographs, rendered = noise(12), noise(5)
    missing = missing_power(photographs, rendered)
    assert missing.dtype == np.float32 and missing.min() >= 0
    assert np.allclose(missing[8:45].mean(), 144 - 25, rtol=0.15)
    assert not missing[0].any()  # light is not texture
    random = np.random.default_rng(0)
    added = np.stack([grain(missing, 128, random) for _ in range(12)])
    assert added.shape == (12, 128, 128, 3) and abs(added.mean()) < 1
    richer = np.clip(np.round(rendered + added), 0, 255).astype(np.uint8)
    assert np.allclose(radial_power(richer)[8:45].mean(axis=0), 144, rtol=0.15)


def test_renderings_with_enough_texture_get_none():
    assert missing_power(noise(5), noise(12)).mean() < 1


def test_grain_stays_within_the_field_of_view():
    image = np.where(disc()[..., None] > 0, np.uint8(120), np.uint8(0)).repeat(3, axis=-1)
    grainy = with_grain(image, disc(), np.full((BINS, 3), 50.0), np.random.default_rng(0))
    assert grainy.dtype == np.uint8 and not grainy[disc() == 0].any()
    assert 2 < grainy[disc() > 0].std() < 20


def test_a_contact_sheet_shows_masks_above_renderings():
    masks = np.stack([disc()] * 10)
    sheet = contact_sheet(masks, [np.full((64, 64, 3), (200, 0, 0), np.uint8)] * 10)
    assert sheet.shape == (4 * 196 - 4, 8 * 196 - 4, 3)
    assert [sheet[row, 96].tolist() for row in (96, 292, 488, 684)] == [[255] * 3, [200, 0, 0]] * 2


def test_thin_vessels_of_large_masks_do_not_break_on_a_contact_sheet():
    mask = np.zeros((544, 544, 1), np.uint8)
    mask[270] = 255
    sheet = contact_sheet([mask], [np.zeros((544, 544, 3), np.uint8)])
    assert sheet[:192].max(axis=0).min() > 50


def views():
    """Two real views of other sizes than they are rendered at, each with a block of its own as its mask."""
    blocks = np.zeros((2, 128, 128), np.uint8)
    blocks[0, 40:60, 40:80], blocks[1, 70:90, 0:128] = 255, 255
    return [View(str(k), np.zeros((128, 128, 3), np.uint8), mask, disc(128), (0, 0, 128, 128), (128, 128))
            for k, mask in enumerate(blocks)]


def test_real_training_masks_are_rendered_in_turn_in_their_own_fields_of_view():
    options = PairsConfig(model="x", out="y.h5", count=5)
    made_by, count, masks = masks_to_render(options, views(), 64)
    rows = [masks(row) for row in range(count)]
    assert made_by is None and count == 5
    for k, (mask, fov) in enumerate(rows):
        assert mask.shape == fov.shape == (64, 64) and np.array_equal(mask, rows[k % 2][0])
        assert not mask[fov == 0].any()  # the second block reaches beyond it
    assert rows[0][0][20:30, 20:40].all() and not rows[0][0][36:].any()
    assert rows[1][0][40, 32] == 255 and not rows[1][0][:34].any()


def test_drawn_masks_are_rendered_once_each_and_cut_to_a_field_of_view(tmp_path):
    with PairWriter(tmp_path / "masks.h5", {"seed": 7}) as writer:
        for _ in range(3):
            writer.append(masks=np.full((128, 128, 1), 255, np.uint8))
    options = PairsConfig(model="x", out="y.h5", masks=str(tmp_path / "masks.h5"))
    made_by, count, masks = masks_to_render(options, views(), 64)
    rows = [masks(row) for row in range(count)]
    assert made_by == {"seed": 7} and count == 3
    assert all(np.array_equal(mask, fov) for mask, fov in rows)


@pytest.fixture
def trained(tmp_path, drive):
    """A run folder as a training leaves it, its weights random."""
    folder = tmp_path / "stage2"
    folder.mkdir()
    options = config(pairs=drive, out=str(folder), grain=True)
    save_weights(pix2pix.networks(options)["generator"], folder / "generator.h5")
    save_array(np.full((3, 6), 0.1, np.float32), folder / "codes.npy")
    save_array(np.full((BINS, 3), 5.0, np.float32), folder / "grain.npy")
    write_json(folder / "config.json", {"version": 2, "flags": options.to_json(), "data": {"pairs": drive}})
    return str(folder)


def test_members_are_scored_by_how_well_they_are_rendered(trained, tmp_path, drive, pairs):
    """A generator that draws grey is wrong by how far photographs are from grey."""
    options = config(pairs=drive, out="x", validation=1, colour_code=False)
    write_json(tmp_path / "stage2/config.json", {"version": 2, "flags": options.to_json(), "data": {"pairs": drive}})
    plain = pix2pix.networks(options)["generator"]
    plain.layers[-2].kernel.assign(0 * plain.layers[-2].kernel)
    save_weights(plain, tmp_path / "stage2/generator.h5")
    gan = pix2pix.build(options, {"generator": plain})
    request = MembersConfig(model=trained, out=str(tmp_path / "members.json"))
    with pytest.raises(UserError, match="no checkpoint there: .*discriminators are in the checkpoints only"):
        members(request)
    Checkpoints(tmp_path / "stage2", **gan.parts).save(1)
    members(request)
    rendered, _, judged = json.loads((tmp_path / "members.json").read_text()).values()
    assert [len(rendered[side]) for side in ("training", "held_out")] == [2, 3]
    mask, fov, photograph = pairs[0]
    error = np.abs(photograph[fov > 0] - 127.5).mean()
    assert rendered["training"][0]["score"] == pytest.approx(-error, abs=1)
    planes = known(mask[None], fov[None], options)
    answer = gan.discriminator([planes, photograph[None] / np.float32(127.5) - 1], training=False)
    assert judged["training"][0]["score"] == pytest.approx(float(np.mean(answer)), abs=1e-4)


def test_members_are_scored_by_the_colours_of_renderings(trained, tmp_path, drive, pairs):
    """Mixtures of the colours of the two training photographs tell which these are."""
    options = config(pairs=drive, out="x", validation=1)
    write_json(tmp_path / "stage2/config.json", {"version": 2, "flags": options.to_json(), "data": {"pairs": drive}})
    Checkpoints(tmp_path / "stage2", **pix2pix.build(options, pix2pix.networks(options)).parts).save(1)
    first, second = pairs.codes[:2]
    mixed = first + np.linspace(0, 1, 200, dtype=np.float32)[:, None] * (second - first)
    save_array(mixed, tmp_path / "stage2/codes.npy")
    members(MembersConfig(model=trained, out=str(tmp_path / "members.json")))
    told = json.loads((tmp_path / "members.json").read_text())["Stage-II, by the colours of its renderings"]
    scores = {side: [entry["score"] for entry in told[side]] for side in ("training", "held_out")}
    assert min(scores["training"]) > -10 > 10 * max(scores["held_out"])


def test_pairs_are_written_with_what_made_them(trained, tmp_path, drive):
    out = tmp_path / "rendered.h5"
    for count in (1, 4):  # the second replaces the first
        generate(PairsConfig(model=trained, out=str(out), count=count, seed=3))
    with PairReader(out) as pairs:
        assert len(pairs) == 4
        shapes = {name: value.shape for name, value in pairs[0].items()}
        assert shapes == {"masks": (64, 64, 1), "images": (64, 64, 3), "fovs": (64, 64, 1)}
        assert np.array_equal(pairs[0]["masks"], pairs[3]["masks"])  # the first of three eyes again
        assert not np.array_equal(pairs[0]["images"], pairs[3]["images"])
        assert pairs.attributes["seed"] == 3 and pairs.attributes["stage2"]["flags"]["pairs"] == drive
        assert pairs.attributes["stage1"] is None
    assert (tmp_path / "rendered.png").stat().st_size


def test_masks_that_were_held_out_are_rendered_beside_the_training_masks(trained, tmp_path, drive):
    record = tmp_path / "stage2" / "config.json"
    write_json(record, {"version": 2, "flags": config(pairs=drive, out="x", grain=True, validation=1).to_json()})
    out = tmp_path / "rendered.h5"
    generate(PairsConfig(model=trained, out=str(out), count=3))
    last = square(load_views(drive, "train")[-1].mask, 64)
    with PairReader(out) as pairs, PairReader(tmp_path / "rendered_held_out.h5") as unseen:
        assert np.array_equal(pairs[0]["masks"], pairs[2]["masks"])  # two training masks in turn
        assert len(unseen) == HELD_OUT and unseen.attributes == pairs.attributes
        assert all(np.array_equal(unseen[row]["masks"][..., 0], last) for row in range(HELD_OUT))
        assert not np.array_equal(unseen[0]["images"], unseen[1]["images"])
    assert not np.array_equal(last, square(load_views(drive, "train")[0].mask, 64))
    generate(PairsConfig(model=trained, masks=str(out), out=str(tmp_path / "synthetic.h5")))
    assert not (tmp_path / "synthetic_held_out.h5").exists()


@pytest.mark.parametrize("name", ["synthetic.h5", "synthetic.png"])
def test_a_file_of_the_user_is_refused_before_anything_is_rendered(trained, tmp_path, name):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_bytes(b"mine")
    with pytest.raises(UserError, match=f"mine/{name} is there already .* another --out"):
        generate(PairsConfig(model=trained, out=str(out / "synthetic.h5")))
    assert [path.name for path in out.iterdir()] == [name] and (out / name).read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["config.json", "generator.h5", "codes.npy", "grain.npy"])
def test_without_a_finished_training_it_stops(trained, tmp_path, name):
    (tmp_path / "stage2" / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing.*train Stage-II first"):
        generate(PairsConfig(model=trained, out=str(tmp_path / "synthetic.h5")))
    assert not (tmp_path / "synthetic.h5").exists()


@pytest.mark.parametrize("name, array", [
    ("codes.npy", np.zeros((0, 6), np.float32)), ("codes.npy", np.full((3, 6), np.nan, np.float32)),
    ("codes.npy", np.full((3, 6), 1e300)), ("codes.npy", np.full((3, 6), "a")),
    ("grain.npy", np.full((BINS, 3), np.inf, np.float32)), ("grain.npy", np.full((BINS, 3), -5, np.float32)),
    ("grain.npy", np.full((3,), 5, np.float32)), ("grain.npy", np.full((BINS, 3), 1e300))])
def test_numbers_that_no_training_writes_are_refused(trained, tmp_path, name, array):
    """Strangers may give the folder: colours of which there are none, and grain that makes every picture black."""
    save_array(array, tmp_path / "stage2" / name)
    with pytest.raises(UserError, match=f"{name} is damaged .*: train Stage-II first"):
        generate(PairsConfig(model=trained, out=str(tmp_path / "synthetic.h5")))


def test_colours_of_another_version_are_refused(tmp_path):
    save_array(np.zeros((3, 6), np.float32), tmp_path / "codes.npy")
    assert load_codes(tmp_path, architectures.load("pix2pix")).shape == (3, 6)
    with pytest.raises(UserError, match="of another version of this program, .* in a new folder"):
        load_codes(tmp_path, architectures.load("coarse_to_fine"))
