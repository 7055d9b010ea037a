"""Stage-I: a DCGAN that draws segmentation masks (paper, Section 6)."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
