"""Stage-II: a pix2pix that turns masks into photographs (paper, Section 7)."""
import data  # noqa: F401  (first, so that TensorFlow's start-up messages stay off the screen)
