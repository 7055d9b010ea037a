"""The shared data layer: layouts on disk, image files, phantoms, tf.data pipelines and the HDF5 store.

Imports nothing heavy, so that scripts which only list or check files start at once.
"""

import os
import warnings

# TensorFlow reads this once, on import, and writes a page about CPU features without it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# TensorFlow Addons 0.23 is the last release, and pinned on purpose; on every import it says, in a text that
# begins with an empty line, that its development has ended. The user can do nothing about it.
warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\) has ended", category=UserWarning)
