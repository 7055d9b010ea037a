"""Options: what is allowed, and what is read back from files of earlier versions."""
from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest

from data.errors import UserError
from stage1_dcgan.config import MasksConfig, Stage1Config
from stage2_pix2pix.config import PairsConfig, Stage2Config
from training.config import Config, fields, limits_text, option
from unet_eval.config import EvaluateConfig, SegmentConfig, UnetConfig

CONFIGS = (Stage1Config, MasksConfig, Stage2Config, PairsConfig, UnetConfig, SegmentConfig, EvaluateConfig)


@dataclass(frozen=True)
class Example(Config):
    """One option of every kind."""

    pairs: str = option("", "A data set.", required=True)
    size: int = option(64, "Pixels.", low=16, high=512)
    count: int = option(1, "Pictures.", low=1)
    rate: float = option(0.5, "A rate.", low=0, high=1, before=0.25)
    shift: float = option(0.0, "A number.")
    loss: str = option("bce", "A loss.", choices=("bce", "mse"))
    flips: bool = option(False, "Whether.", before=True)
    tests: tuple[str, ...] = option((), "Data sets.", repeatable=True)

    def check(self):
        if self.size % 16:
            raise UserError(f"--size={self.size} is no multiple of 16")


def example(**values):
    return Example(**{"pairs": "drive:x", **values})


def refusal(**values):
    with pytest.raises(UserError) as error:
        example(**values)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("values", [{"size": 16}, {"size": 512}, {"count": 10 ** 9}, {"rate": 0.0}, {"rate": 1.0},
                                    {"shift": -1e30}, {"loss": "mse"}, {"tests": ("drive:a", "drive:b")}])
def test_limits_and_choices_are_allowed(values):
    [(name, value)] = values.items()
    assert getattr(example(**values), name) == value


@pytest.mark.parametrize("values, said", [
    ({"size": 0}, "--size=0 is out of its range, 16 to 512"),
    ({"size": 528}, "--size=528 is out of its range, 16 to 512"),
    ({"count": 0}, "--count=0 is out of its range, at least 1"),
    ({"rate": 1.5}, "--rate=1.5 is out of its range, 0 to 1"),
    ({"rate": math.nan}, "--rate=nan is out of its range"),
    ({"shift": math.inf}, "--shift=inf is no finite number"),
    ({"loss": "bec"}, "--loss=bec is none of bce, mse"),
    ({"pairs": ""}, "--pairs has to be given: A data set."),
    ({"size": "64"}, "--size='64' is no int"),
    ({"size": 64.0}, "--size=64.0 is no int"),
    ({"flips": 1}, "--flips=1 is no bool"),
    ({"loss": None}, "--loss=None is no str"),
    ({"tests": "drive:a"}, "--tests='drive:a' is no tuple"),
    ({"size": 20}, "--size=20 is no multiple of 16")])
def test_what_is_not_allowed_is_told_with_its_flag(values, said):
    assert refusal(**values).startswith(said)


def test_numbers_and_lists_take_the_type_of_their_option():
    config = example(rate=1, tests=["drive:a"])
    assert type(config.rate) is float and config.tests == ("drive:a",)


def test_a_config_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        example().size = 32


def test_what_is_written_is_read_back():
    config = example(size=32, rate=0.75, tests=("drive:a",), flips=True)
    saved = config.to_json()
    assert saved["tests"] == ["drive:a"] and Example.from_json(saved, "x") == config


def test_an_option_that_is_missing_stands_for_the_old_behaviour():
    config = Example.from_json({"pairs": "drive:x"}, "x")
    assert (config.rate, config.flips) == (0.25, True)                             # written beside the field
    assert (config.size, config.loss, config.tests) == (64, "bce", ())             # the default
    assert (example().rate, example().flips) == (0.5, False)


def test_an_option_that_an_earlier_version_wrote_as_none_was_not_given():
    assert Example.from_json({"pairs": "drive:x", "loss": None, "tests": None}, "x").loss == "bce"


@pytest.mark.parametrize("saved, said", [
    ({"pairs": "drive:x", "zoom": 3}, "x/config.json has the option 'zoom', which this version does not know"),
    ({"pairs": "drive:x", "size": 1024}, "x/config.json: --size=1024 is out of its range, 16 to 512"),
    ({}, "x/config.json: --pairs has to be given")])
def test_a_file_that_does_not_fit_is_named(saved, said):
    with pytest.raises(UserError) as error:
        Example.from_json(saved, "x/config.json")
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_option_has_a_help_text_and_a_default_that_it_allows(config):
    required = {}
    for field, kind in fields(config):
        text = field.metadata["help"]
        assert len(text) > 5 and text.endswith("."), field.name
        assert type(field.default) is kind and kind in (str, int, float, bool, tuple)
        assert field.metadata["choices"] is None or field.default in field.metadata["choices"]
        if field.metadata["required"]:
            required[field.name] = "drive:x"
    config_with_defaults = config(**required)
    assert config.from_json(config_with_defaults.to_json(), "x") == config_with_defaults


def test_limits_are_told_in_words():
    texts = {field.name: limits_text(field) for field, _ in fields(Example)}
    assert (texts["size"], texts["count"], texts["rate"], texts["shift"]) == ("16 to 512", "at least 1", "0 to 1", "")


@pytest.mark.parametrize("config, values, said", [
    (Stage1Config, {"size": 72}, "--size=72 cannot be halved four times: use a multiple of 16"),
    (Stage1Config, {"penalty": 0.1}, "--penalty .* --d_norm=none"),
    (Stage2Config, {"size": 100}, "--size=100 cannot be halved three times: use a multiple of 8"),
    (Stage2Config, {"photos": "messidor:x"}, "--photos needs --photo_masks"),
    (Stage2Config, {"architecture": "pix2pixHD"}, "--architecture=pix2pixHD is none of pix2pix"),
    (UnetConfig, {"crop": 40}, "--crop=40 cannot be halved 4 times: use a multiple of 16"),
    (UnetConfig, {"arm": "synthetic"}, "--arm=synthetic needs --synthetic=FILE"),
    (UnetConfig, {"arm": "real+rendered"}, "'real[+]rendered' is no arm")])
def test_options_that_do_not_fit_each_other(config, values, said):
    with pytest.raises(UserError, match=said):
        config(**{"pairs": "drive:x", "out": "y", **values})


@pytest.mark.training
def test_configs_import_the_standard_library_only():
    """They are read before the environment is made."""
    script = ("import sys\n"
              "import stage1_dcgan.config, stage2_pix2pix.config, unet_eval.config\n"
              "print({'tensorflow', 'numpy', 'absl', 'cv2', 'h5py', 'skimage'} & set(sys.modules))")
    answer = subprocess.run([sys.executable, "-S", "-c", script], cwd=Path(__file__).parents[2], capture_output=True,
                            text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "set()\n"
