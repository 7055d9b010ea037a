"""The U-Net that judges synthetic pairs (paper, Sections 8 to 10)."""
import data  # noqa: F401  (first, so that TensorFlow's start-up messages stay off the screen)
