"""A training that will take longer than its preset says tells so, once, after 20 steps."""
from __future__ import annotations

import re
import time

import pytest

import stage2_pix2pix.train
from stage2_pix2pix.config import Stage2Config
from training.fit import fit
from training.forecast import STEPS, Forecast, stated_minutes
from unet_eval.train import train


@pytest.fixture(autouse=True)
def all_cores(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)


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


def test_a_training_that_has_one_core_may_take_longer(caplog, monkeypatch):
    assert "made for 10 on two processor cores" in warnings_of(10, caplog, spent=16 * 60)[0]
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")  # as `make -j2` does
    assert warnings_of(10, caplog, spent=16 * 60) == []
    assert "made for 19 on one processor core" in warnings_of(10, caplog, spent=30 * 60)[0]


@pytest.mark.parametrize("flags, limit, expected", [("fma avx512f", "", 2.0), ("fma avx512f", "AVX2", 7.0),
                                                    ("fma avx512f", "AVX", 7.0), ("fma avx512f", "avx512_core", 2.0),
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


@pytest.mark.training
@pytest.mark.long
def test_a_training_of_several_phases_tells_in_the_first_that_is_long_enough(drive, tmp_path, caplog):
    """And counts the steps of the phases to come."""
    options = Stage2Config(pairs=drive, out=str(tmp_path / "stage2"), architecture="coarse_to_fine", size=64, crop=64,
                           base=4, d_base=4, batch_size=1, coarse_steps=2 * STEPS, epochs=1, steps_per_epoch=10_000,
                           validation=0, precision="float32", minutes=1e-6, minutes_avx512=1e-6)
    said = []

    class Ended(Exception):
        pass

    def note(model, make_dataset, schedule, config, parts, callbacks, phase="", later=0):
        if not phase:
            raise Ended
        caplog.clear()
        fit(model, make_dataset, schedule, config, parts, callbacks, phase, later)
        said.append((phase, [record.getMessage() for record in caplog.records
                             if "this training will take about" in record.getMessage()]))

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Ended):
        patch.setattr(stage2_pix2pix.train, "fit", note)
        stage2_pix2pix.train.train(options)
    assert [(phase, len(told)) for phase, told in said] == [("segmenter", 1), ("coarse", 1)]
    seconds_a_step = float(re.search(r"\(([\d.]+) seconds", said[1][1][0])[1])
    minutes = float(re.search(r"about (\d+) minutes", said[1][1][0])[1])
    assert minutes >= 10_000 * (seconds_a_step - 0.005) / 60 - 0.5
