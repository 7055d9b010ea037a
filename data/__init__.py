"""The shared data layer: layouts on disk, image files, procedural data, tf.data pipelines and the HDF5 store.

Every other package imports this one first, so what has to be set before TensorFlow is imported is set here. A value
that the user has set wins.
"""

import os
import warnings

# TensorFlow reads both once, on import. Without the first it writes a page about processor features. The second turns
# on oneDNN, which TensorFlow 2.14 leaves off on processors without AVX-512 VNNI, where it doubles the U-Net's speed.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# TensorFlow Addons 0.23 is the last release, and pinned on purpose; on every import it says, in a text that
# begins with an empty line, that its development has ended. The user can do nothing about it.
warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\) has ended", category=UserWarning)
