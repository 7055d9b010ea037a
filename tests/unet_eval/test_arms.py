"""Names of arms, and what each is trained on."""
from pathlib import Path

import numpy as np
import pytest

from data.images import DataError
from unet_eval.arms import Arm, folders
from unet_eval.inputs import Mixture

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name, real, made, count", [
    ("real", True, None, 50), ("synthetic", False, "synthetic", 50), ("synthetic-200", False, "synthetic", 200),
    ("real+synthetic", True, "synthetic", 50), ("rendered", False, "rendered", 50), ("phantom", False, "phantom", 50)])
def test_names(name, real, made, count):
    assert Arm.of(name) == Arm(name, real, made, count)


@pytest.mark.parametrize("name", ["", "reel", "synthetic-", "synthetic-0", "synthetic-x", "real+rendered", "real-10",
                                  "rendered-10", "synthetic+real", "real+", "../real"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="synthetic-N"):
        Arm.of(name)


def test_an_arm_takes_the_first_pairs():
    assert Arm.of("synthetic").rows(400) == 50
    assert Arm.of("synthetic").rows(12) == 12  # fewer masks were drawn, FLAGS=--count=12
    assert Arm.of("synthetic-100").rows(400) == 100
    with pytest.raises(DataError, match="synthetic-100 needs 100 pairs and there are 50.*--count=100"):
        Arm.of("synthetic-100").rows(50)


def test_seeds_of_an_arm_in_order(tmp_path):
    for name in ("unet-real", "unet-real.2", "unet-real.10", "unet-real+synthetic", "unet-real.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.h5").touch()
    (tmp_path / "unet-real.1").mkdir()  # not finished
    assert [path.name for path in folders(tmp_path, "real")] == ["unet-real", "unet-real.2", "unet-real.10"]


@pytest.mark.parametrize("share, times", [(0.5, 50), (0.8, 200), (0.1, 6)])
def test_mixture_has_the_share_of_real_pairs(share, times):
    mixed = Mixture([f"real {k}" for k in range(18)], [f"made {k}" for k in range(50)], share)
    pairs = [mixed[k] for k in range(len(mixed))]
    assert len(pairs) == times + 50
    real = [pair for pair in pairs if pair.startswith("real")]
    assert len(real) == times
    occurs = [real.count(f"real {k}") for k in range(18)]
    assert max(occurs) - min(occurs) <= 1
    assert pairs[times:] == [f"made {k}" for k in range(50)]
    assert np.isclose(len(real) / len(pairs), share, atol=0.01)


def flags_of(path):
    """{flag: value} of a flagfile and of those that it names, the later ones standing."""
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, value = line.strip().lstrip("-").partition("=")
        found.update(flags_of(ROOT / value) if name == "flagfile" else {name: value})
    return found


@pytest.mark.parametrize("preset", ["quick", "cpu", "evidence", "paper"])
def test_a_preset_draws_as_many_masks_as_its_arms_ask_for(preset):
    """Else `make evidence` would stop after both GANs are trained."""
    folder = ROOT / "configs" / preset
    drawn = int(flags_of(folder / "masks.flags").get("count", 50))
    names = flags_of(folder / "evidence.flags")["arms"].split(",")
    assert "real" in names and all(Arm.of(name).rows(drawn) == Arm.of(name).count for name in names)
