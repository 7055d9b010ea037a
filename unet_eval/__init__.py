"""The U-Net that judges synthetic pairs (paper, Sections 8 to 10)."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
