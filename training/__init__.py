"""What all trainings share: options, run folder, devices, training loop, checkpoints."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
