"""Whether a run has to be measured again."""
from __future__ import annotations

from dataclasses import replace

import pytest

from configs.records import Records
from configs.running import run_all
from configs.settings import Settings
from configs.steps import make_step


def of(flags, run="mine"):
    return Records(Settings.from_variables({"RUN": run, "FLAGS": flags}))


@pytest.mark.parametrize("flags", ["", "--test='folder:/b c' --threshold=tuned", "--test=folder:/b\udcff"])
def test_an_evaluation_leaves_with_which_flags_it_measured(tmp_path, monkeypatch, flags):
    monkeypatch.chdir(tmp_path)
    records, report = of(f"{flags} --seed=3"), tmp_path / "reports/mine/report.html"
    report.parent.mkdir(parents=True)
    for goal in ("evaluate", "evidence", "curve"):
        step = replace(make_step(goal, records.run), scripts=[])
        report.touch()
        run_all([goal], lambda name, step=step: step, dry_run=False)
        assert not records.to_measure and of(f"{flags} --kl_bins=64").to_measure
        assert not of("").to_measure  # a report that shows more stays
        with pytest.raises(SystemExit):
            run_all([goal], lambda name, step=step: replace(step, scripts=[["no_such_module"]]), dry_run=False)
        assert records.to_measure  # it did not end
        run_all([goal], lambda name, step=step: step, dry_run=False)
        assert not records.to_measure
        report.unlink()
        assert records.to_measure
    assert not of("", "of an earlier version").to_measure
