"""TensorFlow repeats every operation of a training to the bit, and refuses on GPUs the few for which it cannot."""
from __future__ import annotations

import pytest
import tensorflow as tf

from stage2_pix2pix.architectures import pix2pix
from stage2_pix2pix.config import Stage2Config
from tests.bench.networks import NETWORKS, _signed

pytestmark = pytest.mark.training


def resizing(size, base, batch):
    """pix2pix without transposed convolutions in its finest levels, as in the presets for processors."""
    config = Stage2Config(pairs="drive:x", out="x", size=size, base=base, d_base=base, upsampling="resize",
                          norm="instance", d_norm="batch", dropout=0.0, noise=1, tell_fov=True)
    return pix2pix.build(config, pix2pix.networks(config)), {
        "known": _signed(batch, size, 2), "photograph": _signed(batch, size, 3), "noise": _signed(batch, size, 1),
        "inside": tf.ones((batch, size, size, 1)), "keys": tf.zeros((batch, 2), tf.int64)}


@pytest.mark.parametrize("make", [*NETWORKS.values(), resizing])
def test_no_training_step_has_an_operation_that_a_gpu_cannot_repeat(make):
    """TensorFlow 2.14 raises UnimplementedError for these, in a kernel for GPUs, which cannot be asked here."""
    model, batch = make(size=64, base=4, batch=2)
    graph = tf.function(model.train_step).get_concrete_function(batch).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert any(node.op == "Conv2DBackpropFilter" for node in nodes)
    assert not [node.name for node in nodes if node.op in ("ResizeNearestNeighborGrad", "Bincount", "DenseBincount")
                or node.op.startswith("FusedBatchNormGrad") and not node.attr["is_training"].b]
