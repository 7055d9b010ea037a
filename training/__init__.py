"""What the three training scripts share and no network needs."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
