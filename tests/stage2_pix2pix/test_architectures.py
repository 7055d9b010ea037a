"""Architectures are reached by name."""
from __future__ import annotations

import inspect

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data.randomness import numpy_generator
from stage2_pix2pix import architectures
from stage2_pix2pix.architectures.coarse_to_fine import inputs
from stage2_pix2pix.architectures.coarse_to_fine.texture import strength
from stage2_pix2pix.config import ARCHITECTURES, Stage2Config
from stage2_pix2pix.train import train
from training.checkpoints import Checkpoints, read_newest
from training.fit import Schedule
from training.weights import load_weights

pytestmark = pytest.mark.training

RENDERING = ["networks", "config", "mask", "fov", "code", "seed", "row"]
FUNCTIONS = {"networks": ["config"], "codes": ["config", "pairs"], "drawn_codes": ["codes", "seed"],
             "phases": ["config", "networks", "pairs", "schedule"], "render": RENDERING, "traced": RENDERING,
             "judges": ["config"], "judged": ["judges", "config", "mask", "fov", "photograph"]}


def config(architecture, **options):
    return Stage2Config(**{"pairs": "drive:x", "out": "x", "architecture": architecture, "size": 64, "base": 4,
                           "d_base": 4, "crop": 64, "batch_size": 2, "optimizer": "adam", **options})


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_name_is_a_module_with_the_eight_functions(name):
    architecture = architectures.load(name)
    for function, parameters in FUNCTIONS.items():
        assert list(inspect.signature(getattr(architecture, function)).parameters) == parameters


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_renderings_are_black_outside_and_follow_from_seed_and_row(name, pairs):
    architecture, options = architectures.load(name), config(name, noise=1)
    networks, codes = architecture.networks(options), architecture.codes(options, pairs)
    mask, fov, _ = pairs[0]
    assert codes.shape == (len(pairs), architecture.CODE) and list(networks)[-1] == "generator"
    first, again, other = (architecture.render(networks, options, mask, fov, codes[0], 1, row)
                           for row in (0, 0, 1))
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    assert (first[fov == 0] == 0).all() and first[fov > 0].any()
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_all_variables_of_the_optimizers_are_made(name, pairs):
    """Or a checkpoint would not restore them."""
    architecture, options = architectures.load(name), config(name)
    for phase in architecture.phases(options, architecture.networks(options), pairs, Schedule(1, 1, 2, 0)):
        for part, optimizer in phase.parts.items():
            if part.endswith("optimizer"):
                own = {"g_optimizer": "generator", "d_optimizer": "discriminator"}.get(part, "model")
                network = phase.parts[own]
                assert len(optimizer.variables) > 2 * len(network.trainable_variables)


def test_segmenter_and_coarse_network_have_steps_and_batches_of_their_own(pairs):
    options = config("coarse_to_fine", coarse_steps=30, coarse_batch=3)
    architecture = architectures.load("coarse_to_fine")
    phases = architecture.phases(options, architecture.networks(options), pairs, Schedule(2, 5, 2, 0))
    assert [(phase.schedule.steps, phase.schedule.batch_size) for phase in phases] == [(20, 3), (30, 3), (10, 2)]


def test_the_fine_network_comes_to_rest(pairs):
    """Rates begin as given and fall to 0; with constant ones the contrast of vessels goes up and down to the end."""
    options = config("coarse_to_fine", learning_rate=2e-4)
    architecture, schedule = architectures.load("coarse_to_fine"), Schedule(2, 5, 2, 0)
    *_, fine = architecture.phases(options, architecture.networks(options), pairs, schedule)
    for network, rate in (("generator", 2e-4), ("discriminator", 5e-4)):
        optimizer, weights = fine.parts[f"{network[0]}_optimizer"], fine.parts[network].trainable_variables
        rates = []
        for step in (0, schedule.steps // 2, schedule.steps):
            optimizer.iterations.assign(step)
            optimizer.apply_gradients([(tf.zeros_like(weight), weight) for weight in weights])
            rates.append(float(optimizer.learning_rate))
        np.testing.assert_allclose(rates, [rate, rate / 2, 0], atol=1e-9)


@pytest.mark.parametrize("name, changed", [*((name, {}) for name in ARCHITECTURES),
                                          ("coarse_to_fine", {"vessel_looks": True})])
def test_discriminators_are_read_from_the_checkpoints_of_their_phases(name, changed, pairs, tmp_path):
    architecture, options = architectures.load(name), config(name, **changed)
    judges = architecture.judges(options)
    trained = {}
    for phase in architecture.phases(options, architecture.networks(options), pairs, Schedule(1, 1, 2, 0)):
        if "discriminator" in phase.parts:
            (tmp_path / phase.name).mkdir(exist_ok=True)
            Checkpoints(tmp_path / phase.name, **phase.parts).save(1)
            read_newest(tmp_path / phase.name, "", discriminator=judges[phase.name])
            trained[phase.name] = phase.parts["discriminator"]
    assert trained.keys() == judges.keys()
    for row in (0, 1):
        given = pairs[row]
        said = architecture.judged(judges, options, *given)
        assert len(said) == len(judges) and said == architecture.judged(trained, options, *given)
        assert said != architecture.judged(judges, options, *given[:2], 255 - given[2])


def test_a_crop_is_found_where_none_has_enough_of_the_field_of_view():
    strip = np.zeros((96, 96), np.uint8)
    strip[40:60] = 255  # a picture five times as wide as high
    for around in (None, np.array([50, 10])):
        part = inputs.place(strip, 96, numpy_generator(0, 0, 1), around)
        assert strip[part].shape == (96, 96)


def test_the_strength_of_texture_is_told_by_size_and_place():
    grain = np.zeros((1, 64, 64, 1), np.float32)
    grain[:, :32] = 0.2 * (np.indices((32, 64)).sum(axis=0) % 2 * 2 - 1)[None, ..., None]  # a checkerboard: finest
    fine, coarse = np.moveaxis(strength(grain, (9, 33), 32, np.ones_like(grain)).numpy()[0], -1, 0)
    assert fine[0] == pytest.approx(0.2, abs=0.02) and (fine[1] < 0.05).all() and (coarse < 0.1).all()
    broad = np.repeat(np.sin(np.arange(64) * 2 * np.pi / 24)[None, None, :, None], 64, axis=1).astype(np.float32)
    fine, coarse = np.moveaxis(strength(broad, (5, 25), 32, np.ones_like(broad)).numpy()[0], -1, 0)
    assert (coarse > 3 * fine).all()
    unseen = strength(grain, (9, 33), 32, np.zeros_like(grain)).numpy()
    assert (unseen < 0.01).all()


def test_a_crop_around_a_place_shows_it():
    picture = np.zeros((256, 256), np.uint8)
    picture[30, 240] = 255
    for number in range(20):
        part = inputs.place(np.full_like(picture, 255), 96, numpy_generator(0, number, 1), np.array([30, 240]))
        assert picture[part].shape == (96, 96) and picture[part].max() == 255


class Stopped(Exception):
    """Ends a training just after a checkpoint."""


@pytest.mark.training
def test_coarse_to_fine_stopped_between_and_in_its_phases_equals_one_that_was_not(drive, tmp_path, monkeypatch):
    from stage2_pix2pix.architectures import coarse_to_fine

    monkeypatch.setattr(coarse_to_fine, "PHASE_EPOCHS", 2)
    options = {"pairs": drive, "coarse_steps": 6, "size": 96, "precision": "float32", "steps_per_epoch": 2,
               "pictures_every": 1}
    train(config("coarse_to_fine", out=str(tmp_path / "once"), epochs=2, **options))
    events = EventAccumulator(str(tmp_path / "once" / "logs" / "pictures"))
    events.Reload()
    assert {"samples", "contrast/wide"} <= set(events.Tags()["tensors"])
    save, saved = Checkpoints.save, []

    def save_and_stop(checkpoints, step):
        save(checkpoints, step)
        saved.append(checkpoints.folder.name)
        raise Stopped

    monkeypatch.setattr(Checkpoints, "save", save_and_stop)
    for _ in range(7):
        try:
            train(config("coarse_to_fine", out=str(tmp_path / "often"), epochs=2, **options))
        except Stopped:
            continue
        break
    assert saved == ["segmenter"] * 2 + ["coarse"] * 2 + ["often"] * 2
    for name, network in coarse_to_fine.networks(config("coarse_to_fine")).items():
        weights = []
        for folder in ("once", "often"):
            load_weights(network, tmp_path / folder / f"{name}.h5", "")
            weights.append(network.get_weights())
        assert all((a == b).all() for a, b in zip(*weights))
