"""Stage-II: a pix2pix that turns masks into photographs (paper, Section 7)."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
