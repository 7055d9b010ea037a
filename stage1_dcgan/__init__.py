"""Stage-I: a DCGAN that draws segmentation masks (paper, Section 6)."""
import data  # noqa: F401  (first, so that TensorFlow's start-up messages stay off the screen)
