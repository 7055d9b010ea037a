"""What a machine has."""
from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from training import inventory
from training.inventory import Card

WHEEL = ["sm_35", "sm_50", "sm_60", "sm_70", "sm_75", "compute_80"]  # TensorFlow 2.14.1's


@pytest.mark.parametrize("capability, how", [
    ((3, 7), "are in this TensorFlow"), ((7, 5), "are in this TensorFlow"), ((8, 0), "compiled on first use"),
    ((9, 0), "compiled on first use"), ((3, 0), ""), ((2, 1), "")])
def test_kernels_are_there_or_compiled_or_missing(capability, how):
    """K80: 3.7 runs what is for 3.5. H100: 9.0 compiles what is for 8.0 and later."""
    said = Card("a card", capability, None).runs(WHEEL)
    assert how in said and bool(said) == bool(how)
    assert not Card("a card", capability, None).runs([])


def test_the_wheel_is_built_for_a_k80():
    version, built_for = inventory.cuda()
    assert not version or Card("Tesla K80", (3, 7), 12 << 30).runs(built_for)


def test_memory_disk_and_instructions_of_this_machine(tmp_path):
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < inventory.memory() <= total
    assert inventory.disk(tmp_path / "not" / "there") == pytest.approx(inventory.disk(tmp_path), rel=0.01)
    assert not Path("/proc/cpuinfo").exists() or set(inventory.instructions()) <= set(inventory.INSTRUCTIONS)


def test_files_in_memory_take_nothing_of_the_limit_of_a_container(tmp_path):
    """After a data set was read, a container is full of it, and says so."""
    limit, used, inactive, active = 900 << 20, 880 << 20, 600 << 20, 100 << 20
    files = {"memory.max": f"{limit}\n", "memory.current": f"{used}\n",
             "memory.stat": f"anon 9\nfile 9\ninactive_anon 9\nactive_anon 9\ninactive_file {inactive}\n"
                            f"active_file {active}\nworkingset_refault_file 9\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert inventory.memory(tmp_path) == limit - used + inactive + active
    (tmp_path / "memory.max").write_text("max\n")
    assert inventory.memory(tmp_path) > limit


def test_each_gpu_has_the_memory_of_its_own_kind(tmp_path, monkeypatch):
    """A stand-in for NVIDIA's program lists all GPUs; TensorFlow lists those that it may use, the fastest first."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf 'Tesla K80, 11441\\nTesla K80, 11439\\nOld, [N/A]\\nNVIDIA A100, 81920\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    kinds = {"a": ("NVIDIA A100", (8, 0)), "b": ("Tesla K80", (3, 7)), "c": ("Old", (3, 0)), "d": ("unlisted", (9, 0))}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [SimpleNamespace(name=name) for name in kinds])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: dict(
        zip(("device_name", "compute_capability"), kinds[gpu.name])))
    assert [(card.name, card.memory) for card in inventory.cards()] == [
        ("NVIDIA A100", 81920 << 20), ("Tesla K80", 11439 << 20), ("Old", None), ("unlisted", None)]
