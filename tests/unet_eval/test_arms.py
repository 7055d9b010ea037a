"""Names of arms, and what each is trained on."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.settings import Settings
from configs.steps import SEEDED
from data.errors import UserError
from unet_eval.arms import (
    KINDS,
    STORES,
    net_name,
    of_seed,
    ordered,
    parse_arm,
    parse_net_name,
    parse_seed,
    trained_nets,
)
from unet_eval.config import UnetConfig
from unet_eval.inputs import Mixture
from unet_eval.train import load_pairs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name, real, store, count", [
    ("real", True, None, 50), ("synthetic", False, "synthetic", 50), ("synthetic-200", False, "synthetic", 200),
    ("real+synthetic", True, "synthetic", 50), ("real+synthetic-100", True, "synthetic", 100),
    ("rendered", False, "rendered", 50), ("phantom", False, "phantom", 50),
    ("synthetic-relabelled", False, "synthetic-relabelled", 50)])
def test_names(name, real, store, count):
    arm = parse_arm(name)
    assert (arm.name, arm.kind.real, arm.kind.store, arm.count) == (name, real, store, count)
    assert arm.numbered == name[-1].isdigit()


def test_the_count_is_that_of_the_name_if_it_has_one():
    assert parse_arm("synthetic", 7).count == 7 and parse_arm("synthetic-200", 7).count == 200


@pytest.mark.parametrize("name", ["", "reel", "synthetic-", "synthetic-0", "synthetic-x", "synthetic-1_0",
                                  "synthetic-\u0661", "synthetic--5", "real+rendered", "real-10", "rendered-10",
                                  "synthetic+real", "real+", "../real", "synthetic-10-20",
                                  "synthetic-relabelled-10", "synthetic-10-relabelled"])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match="synthetic-N"):
        parse_arm(name)


def test_an_arm_takes_the_first_pairs():
    assert parse_arm("synthetic").rows(400) == 50
    assert parse_arm("synthetic").rows(12) == 12  # fewer masks were drawn, FLAGS=--count=12
    assert parse_arm("synthetic-100").rows(400) == 100
    with pytest.raises(UserError, match="synthetic-100 needs 100 pairs and there are 50.*--count=100"):
        parse_arm("synthetic-100").rows(50)


def test_arms_stand_in_the_order_of_the_table():
    names = ["phantom", "synthetic-100", "synthetic", "synthetic-20", "real+synthetic-5", "rendered", "real"]
    assert ordered(names) == ["real", "real+synthetic-5", "rendered", "synthetic", "synthetic-20", "synthetic-100",
                              "phantom"]


def test_the_table_says_what_is_needed():
    assert {"synthetic", "rendered", "phantom"} < {*STORES} <= SEEDED.keys()  # each is a step
    assert all(kind.sentence and (kind.real or kind.store) for kind in KINDS)


@pytest.mark.parametrize("arm, repeat, folder", [("real", 0, "unet-real"), ("synthetic-100", 2, "unet-synthetic-100.2"),
                                                 ("real+synthetic", 10, "unet-real+synthetic.10")])
def test_folders_are_named_by_arm_and_repeat(arm, repeat, folder):
    assert net_name(arm, repeat) == folder and parse_net_name(folder) == (arm, repeat)


def test_names_of_a_seed():
    for name, repeat, expected in (("stage1", 0, "stage1"), ("stage1", 1, "stage1.1"), ("masks", 12, "masks.12")):
        assert of_seed(name, repeat) == expected and parse_seed(expected) == (name, repeat)
    assert parse_seed("unet-real.old") == ("unet-real.old", 0) and parse_seed("a.0") == ("a.0", 0)


@pytest.mark.parametrize("folder", ["stage1", "unet-", "unet", "my-unet-real"])
def test_other_folders_are_no_unets(folder):
    with pytest.raises(ValueError, match="no folder of a U-Net"):
        parse_net_name(folder)


def test_seeds_of_an_arm_in_order(tmp_path):
    for name in ("unet-real", "unet-real.2", "unet-real.10", "unet-real+synthetic", "unet-real.old", "unet-real.1old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.h5").touch()
    (tmp_path / "unet-real.1").mkdir()  # not finished
    assert [path.name for path in trained_nets(tmp_path, "real")] == ["unet-real", "unet-real.2", "unet-real.10"]


@pytest.mark.parametrize("share, reals, mades, times, made_times", [
    (0.5, 18, 50, 50, 50), (0.8, 18, 50, 200, 50), (0.1, 18, 50, 22, 200), (0.5, 100, 50, 100, 100),
    (0.5, 18, 5, 20, 20)])
def test_mixture_has_the_share_of_real_pairs_and_all_of_both_kinds(share, reals, mades, times, made_times):
    mixed = Mixture([f"real {k}" for k in range(reals)], [f"made {k}" for k in range(mades)], share)
    pairs = [mixed[k] for k in range(len(mixed))]
    assert len(pairs) == times + made_times
    real = [pair for pair in pairs if pair.startswith("real")]
    assert len(real) == times
    assert pairs[times:] == [f"made {k % mades}" for k in range(made_times)]
    for kind, count in (("real", reals), ("made", mades)):
        occurs = [pairs.count(f"{kind} {k}") for k in range(count)]
        assert min(occurs) >= 1 and max(occurs) - min(occurs) <= 1
    assert np.isclose(len(real) / len(pairs), share, atol=0.01)


def flags_of(path):
    """{flag: value} of a flagfile and of those that it names, the later ones standing."""
    values = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, value = line.strip().lstrip("-").partition("=")
        values.update(flags_of(ROOT / value) if name == "flagfile" else {name: value})
    return values


@pytest.mark.parametrize("preset", ["quick", "cpu", "evidence", "paper", "authors"])
def test_a_preset_draws_as_many_masks_as_its_arms_ask_for(preset):
    """Else `make evidence` or `make curve` would stop after both GANs are trained."""
    folder = ROOT / "configs" / preset
    drawn = int(flags_of(folder / "masks.flags").get("count", 50))
    names = flags_of(folder / "evidence.flags")["arms"].split(",")
    assert {"real", "synthetic"} <= {*names} and not any(parse_arm(name).numbered for name in names)
    assert all(parse_arm(name).rows(drawn) == parse_arm(name).count
               for name in names + Settings.from_variables({"CONFIG": preset}).curve())


def test_an_arm_without_its_pairs_names_the_command_that_makes_them(tmp_path, write_drive):
    pairs = write_drive(tmp_path, ["21", "22"], ["01"])
    absent = str(tmp_path / "absent.h5")
    config = UnetConfig(pairs=pairs, arm="phantom-rendered", synthetic=absent, out="x", validation=1)
    with pytest.raises(UserError, match="absent.h5: no such file; call `make unet-phantom-rendered` first"):
        load_pairs(config)
