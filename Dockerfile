# The Python environment and the code (README.md, "In a container"):
#   docker build -t dual-gan .                                for processors
#   docker build -t dual-gan --build-arg EXTRAS=dev,gpu .     for NVIDIA GPUs: CUDA 11.8 comes as wheels
FROM python:3.11-slim-bookworm

# libgl1 and libglib2.0-0: OpenCV.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libgl1 libglib2.0-0 make \
    && rm -rf /var/lib/apt/lists/*

# The packages come before the code, which changes more often.
WORKDIR /dual-gan
COPY setup.py pyproject.toml constraints.txt ./
ARG EXTRAS=dev
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -e ".[${EXTRAS}]"
COPY . .

# make takes this Python as it is. HOME is for any user: docker run --user $(id -u) makes results that belong to you.
ENV PYTHON=python HOME=/tmp
CMD ["make", "stage1", "stage2", "eval"]
