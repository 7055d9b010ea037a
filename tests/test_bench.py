"""`make bench` prints one JSON line a network, and ratios to another run."""
from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import compare

ROOT = Path(__file__).parents[1]
ROW = {"network": "unet", "size": 64, "batch": 2, "base": 4, "dtype": "float32"}


def bench(*flags):
    answer = subprocess.run([sys.executable, "-m", "tests.bench", *flags], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def write_rows(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


@pytest.mark.training
@pytest.mark.parametrize("networks, flags", [
    (["unet"], ["--network=unet"]),
    pytest.param(["dcgan", "pix2pix", "unet", "coarse", "fine"], [], marks=pytest.mark.long)])
def test_every_network_is_timed_and_compared(tmp_path, networks, flags):
    before = write_rows(tmp_path / "before.jsonl", {**ROW, "images_per_s": 0.5}, {**ROW, "images_per_s": 1.5})
    *rows, last = bench("--size=64", "--batch=2", "--base=4", "--steps=1", f"--compare={before}", *flags)
    assert [row["network"] for row in rows] == networks
    for row in rows:
        assert list(row)[:8] == ["network", "size", "batch", "base", "dtype", "step_s", "images_per_s", "peak_rss_gb"]
        assert (row["size"], row["batch"], row["base"], row["dtype"]) == (64, 2, 4, "float32")
        assert row["step_s"] > 0 and row["images_per_s"] > 0 and 0.2 < row["peak_rss_gb"] < 6
        assert row["gflop"] > 0 and 0 < row["share"] < 1
        assert ("ratio" in row) == (row["network"] == "unet")
    [own] = [row for row in rows if row["network"] == "unet"]
    assert own["ratio"] == pytest.approx(own["images_per_s"] / 1.0, rel=1e-2)  # 1.0 is the median before
    assert last == {"compared": 1, "geometric_mean": own["ratio"]}


@pytest.mark.training
def test_memory_is_that_of_the_benchmark_and_not_of_what_started_it():
    parent = "import subprocess, sys; full = b'x' * (3 << 29); sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    flags = ["--network=unet", "--size=64", "--batch=2", "--base=4", "--steps=1"]
    answer = subprocess.run([sys.executable, "-c", parent, sys.executable, "-m", "tests.bench", *flags], cwd=ROOT,
                            capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert 0.2 < json.loads(answer.stdout)["peak_rss_gb"] < 1.5


def test_medians_ratios_and_the_best_precision_of_each(tmp_path):
    half = {**ROW, "dtype": "bfloat16"}
    ours = compare.medians(compare.read_rows(write_rows(
        tmp_path / "ours", *({**ROW, "images_per_s": speed} for speed in (9.0, 1.0, 2.0)),
        {**half, "images_per_s": 6.0}, {"geometric_mean": 1.0})))
    others = compare.medians([{**ROW, "images_per_s": 4.0}, {**half, "images_per_s": 3.0}])
    assert list(compare.ratios(ours, others).values()) == [0.5, 2.0]
    assert compare.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0) and math.isnan(compare.geometric_mean([]))
    assert list(compare.ratios(compare.best_precision(ours), compare.best_precision(others)).values()) == [1.5]


@pytest.mark.parametrize("content", [None, "{half", '{"network": "unet"}\n'])
def test_a_file_that_is_no_benchmark_is_named(tmp_path, content):
    path = tmp_path / "before.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit, match="before.jsonl.*make bench"):
        compare.read_rows(str(path))


@pytest.mark.training
def test_operations_are_counted_as_by_hand():
    import tensorflow as tf

    from tests.bench.step import operations

    kernel, matrix = tf.Variable(tf.ones((3, 3, 2, 5))), tf.Variable(tf.ones((5, 7)))

    @tf.function
    def step(picture):
        with tf.GradientTape(persistent=True) as tape:
            drawn = tf.nn.conv2d(picture, kernel, 2, "SAME")
            out = tf.reduce_sum(tf.matmul(tf.reduce_mean(drawn, axis=[1, 2]), matrix))
        tape.gradient(out, matrix)  # of no effect
        return tape.gradient(out, kernel)

    convolution, product = 2 * (4 * 8 * 8 * 5) * (3 * 3 * 2), 2 * 4 * 5 * 7
    # The gradients of the kernel and of the left side of the product, which need neither forward result.
    assert operations(step.get_concrete_function(tf.ones((4, 16, 16, 2)))) == convolution + product
