"""A training that will take longer than its preset says tells so, once, after 20 steps."""
from __future__ import annotations

import time

import pytest

from training.forecast import STEPS, Forecast, stated_minutes
from unet_eval.train import train


def warnings_of(minutes, caplog, spent=0.0):
    """What is said in 30 steps of 5 ms, of 600."""
    caplog.clear()
    forecast = Forecast(minutes, steps=600, spent=spent)
    for step in range(STEPS + 10):
        time.sleep(0.005)
        forecast.on_train_batch_end(step)
        assert step + 1 >= STEPS or not caplog.records
    return [record.getMessage() for record in caplog.records]


def test_only_what_takes_longer_is_told_and_once(caplog):
    [told] = warnings_of(0.001, caplog)
    assert "about 0 minutes" in told and "made for 0.001" in told
    assert warnings_of(10, caplog) == []
    [told] = warnings_of(10, caplog, spent=7200)
    assert "about 120 minutes" in told


@pytest.mark.parametrize("flags, limit, expected", [("fma avx512f", "", 2.0), ("fma avx512f", "AVX2", 7.0),
                                                    ("fma avx2", "", 7.0)])
def test_a_preset_states_minutes_for_both_kinds_of_processor(unet_config, tmp_path, monkeypatch, flags, limit,
                                                             expected):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert stated_minutes(unet_config(minutes=7.0, minutes_avx512=2.0), tmp_path / "cpuinfo") == expected


@pytest.mark.training
def test_a_training_tells(unet_config, caplog):
    train(unet_config(steps_per_epoch=STEPS + 5, minutes=1e-6, minutes_avx512=1e-6))
    assert len([record for record in caplog.records if "this training will take about" in record.getMessage()]) == 1
