"""The privacy audit: whether synthetic pairs are copies of the training images. README.md says what it measures."""
