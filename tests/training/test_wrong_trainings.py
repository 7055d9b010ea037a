"""A training that went wrong stops, and its last good checkpoint stays."""
from __future__ import annotations

import h5py
import numpy as np
import pytest
import tensorflow as tf

import unet_eval.inputs
from data.errors import UserError
from data.pairs import PairReader, PairWriter
from tests.training.three_networks import At, Training, networks

pytestmark = pytest.mark.training


@networks("stage1")
def test_a_loss_that_is_no_number_stops_at_its_step(training, tmp_path):
    def spoil(dataset):
        def at_the_fifth(number, batch):
            return {**batch, "pictures": tf.where(number == 4, np.nan, batch["pictures"])}
        return dataset.enumerate().map(at_the_fifth)

    with pytest.raises(UserError, match="d_loss is nan at step 5") as error:
        training.fit(tmp_path, change=spoil)
    assert "--learning_rate" in str(error.value)
    assert {path.stem for path in tmp_path.glob("ckpt-*")} == {"ckpt-3"}
    training.forget()
    training.fit(tmp_path)  # the checkpoint before is good
    assert all(np.isfinite(value).all() for value in training.state())


@networks("unet")
def test_weights_that_are_no_numbers_are_not_saved(training, tmp_path):
    def overflow():
        weight = training.model.trainable_variables[0]
        weight.assign(weight * np.inf)

    with pytest.raises(UserError, match="weight .* is not finite at step 6"):
        training.fit(tmp_path, callbacks=[At(overflow, end=6)])
    assert {path.stem for path in tmp_path.glob("ckpt-*")} == {"ckpt-3"}


@networks("unet")
def test_lost_checkpoints_are_no_fresh_start(training, tmp_path):
    training.fit(tmp_path, epochs=1)
    for path in tmp_path.glob("ckpt-*"):
        path.unlink()
    with pytest.raises(UserError, match="gone"):
        training.fit(tmp_path)


@networks("unet")
def test_a_damaged_row_of_a_store_stops_the_training_as_itself(training, tmp_path, eye):
    """TensorFlow passes on the text of what its pipeline raises only."""
    store = tmp_path / "synthetic.h5"
    with PairWriter(store, {}) as writer:
        for seed in range(4):
            image, mask, fov = (picture[22:534, 20:532] for picture in eye(seed))
            writer.append(images=image, masks=mask[..., None], fovs=fov[..., None])
    pairs = unet_eval.inputs.SyntheticPairs(PairReader(store), "grey", range(4))
    with h5py.File(store) as file:
        chunk = file["images"].id.get_chunk_info(1)
    with open(store, "r+b") as file:  # after it was opened, which finds what is damaged before
        file.seek(chunk.byte_offset + 40)
        file.write(bytes(160))
    training = Training(training.config, training.model, training.parts,
                        lambda schedule, step: unet_eval.inputs.dataset(pairs, training.config, schedule, step))
    with pytest.raises(UserError, match="^[^ ]*synthetic.h5: row 1 is damaged") as error:
        training.fit(tmp_path / "unet-synthetic")
    assert "\n" not in str(error.value)
