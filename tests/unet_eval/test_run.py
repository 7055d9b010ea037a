"""What an evaluation opens, and what it refuses before anything is measured."""
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from configs.flags import select
from data import layouts
from data.check import check_unseen
from data.errors import UserError
from data.files import write_json
from data.fundus import load_views
from data.images import write_image
from data.layouts import samples
from data.pairs import PairReader, PairWriter
from unet_eval.evaluate import evaluate
from unet_eval.inputs import pair_views
from unet_eval.nets import Net, numbers_of_steps, of_all_seeds, tuned_threshold, unlike_options
from unet_eval.repeat import commands
from unet_eval.run import Run, learned
from unet_eval.segment import Segmenter


def test_a_run_whose_data_changed_since_is_not_measured(few_config, tmp_path):
    shutil.copytree(few_config.run, tmp_path / "run")
    config = replace(few_config, run=str(tmp_path / "run"), reports=str(tmp_path / "new"))
    path = tmp_path / "run" / "unet-real" / "config.json"
    record = json.loads(path.read_text())
    for checksum, changed in ((layouts.checksum(samples(config.pairs, "train")), False), ("0" * 64, True)):
        write_json(path, {**record, "data": {**record["data"], "checksum": checksum}})
        if changed:
            with pytest.raises(UserError, match="unet-real was trained on other data"):
                evaluate(config)
        else:
            evaluate(config)
            shutil.rmtree(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_arms_and_seeds(run, config):
    assert {name: [net.seed for net in nets] for name, nets in run.nets.items()} == {
        "real": [0, 1], "real+synthetic": [0], "rendered": [0], "synthetic": [0], "synthetic-3": [0],
        "synthetic-5": [0]}
    assert [net.validation_f1 for net in run.nets["real"]] == [None, 0.25]
    with Run(replace(config, arms=("synthetic", "real"), seeds=1)) as few:
        assert {name: len(nets) for name, nets in few.nets.items()} == {"real": 1, "synthetic": 1}


def test_what_the_run_holds(run, config):
    assert (run.count, run.size, run.modality) == (7, 72, "fundus")
    assert [view.stem for view in run.learned] == ["21 $_{\udce4", "22", "23"]
    assert list(run.stores) == ["synthetic", "rendered"] and len(run.single) == 3
    assert (run.second.name, run.second.pairs, len(run.second.learned)) == ("cells", "drive", 1)
    assert len(run.tests) == 3 and [len(tests) for tests in run.other_data_sets.values()] == [2]
    assert run.seconds == {"stage1": 12.5, "stage2": None, "unet-real": 7.5, "total": 20}


def test_trainings_that_began_with_other_weights_are_named(few_config, tmp_path):
    folder = Path(shutil.copytree(few_config.run, tmp_path / "run"))
    for name, other in (("unet-real", "checkpoints/other"), ("unet-synthetic", "")):
        record = json.loads((folder / name / "config.json").read_text())
        write_json(folder / name / "config.json", {**record, "flags": {**record["flags"], "warm_start": other}})
    config = replace(few_config, run=str(folder), reports=str(tmp_path / "reports"))
    assert evaluate(config)["run"]["warm_started"] == ["unet-real"]
    for name in ("results.md", "report.html"):
        assert "(--warm_start): U-Net, real arm." in (tmp_path / "reports" / name).read_text(), name


def test_unets_that_were_trained_otherwise_are_named(unet_config):
    first = unet_config(crop=64, seed=1, arm="real", minutes=5.0)
    alike = replace(first, seed=2, arm="synthetic", synthetic="s.h5", minutes=9.0)
    assert unlike_options([first, alike]) == []
    longer = replace(alike, crop=128, epochs=first.epochs + 1)
    assert unlike_options([first, longer]) == ["--epochs", "--crop"]
    assert numbers_of_steps([first, longer]) == [first.steps_per_epoch, 2 * first.steps_per_epoch]
    assert numbers_of_steps([first, replace(alike, steps_per_epoch=0)]) is None


def test_stage1_learned_from_patients_that_it_did_not_hold_out(tmp_path, eye):
    spec = f"chase_db1:{tmp_path}"
    for stem in ("Image_01L", "Image_02L", "Image_02R"):
        image, mask, _ = eye(1, (80, 80), 70)
        write_image(tmp_path / f"{stem}.jpg", image)
        write_image(tmp_path / f"{stem}_1stHO.png", mask)
    (tmp_path / "run" / "stage1").mkdir(parents=True)
    write_json(tmp_path / "run" / "stage1" / "config.json", {"flags": {"validation": 1}, "data": {}})
    views = learned(tmp_path / "run", spec, "", load_views(spec, "train"))
    assert [view.stem for view in views] == ["Image_01L"]  # not two images, which 3 - 1 would be


def test_a_folder_that_is_no_arm_is_left_out(config, net_folder, few_config):
    folder = Path(few_config.run)
    net_folder(folder / "unet-trial", config.pairs, "real", 3)
    with Run(replace(few_config, arms=())) as run:
        assert "trial" not in run.nets and "real" in run.nets
    with pytest.raises(UserError, match="'trial' is no arm"):
        replace(few_config, arms=("trial",))


def again(run):
    """(goals, {variable: value}) of the command that makes a run again, as a shell reads it."""
    (command,) = commands(run)
    words = shlex.split(command)
    assert words[0] == "make"
    return [word for word in words[1:] if "=" not in word], dict(word.split("=", 1) for word in words if "=" in word)


def test_the_command_that_makes_a_run_again(run, config, few_config, tmp_path):
    goals, variables = again(run)
    flags = shlex.split(variables.pop("FLAGS"))
    assert goals == ["evidence", "curve"]
    assert variables == {"RUN": "run <b>&", "CONFIG": "tiny", "PAIRS": "drive:a<b", "PHOTOS": ""}
    assert flags == ["--seed=3", "--base=2", f"--test={config.test[0]}", "--threshold=tuned", "--curve=3,5"]
    assert select("unet_eval.evaluate", flags) == flags[2:4]

    few = Path(shutil.copytree(few_config.run, tmp_path / "run"))
    (few / "settings").write_text("CONFIG=my presets/a PAIRS=drive:b c PHOTOS=messidor:d e FLAGS=\n")
    for chosen, expected in (
            ({"arms": (), "seeds": 0}, (["evidence", "curve"], ["--curve=3,5"])),
            ({"arms": ("real", "synthetic-5"), "seeds": 1, "kl_smoothing": 0.5},
             (["curve"], ["--arms=real,synthetic-5", "--seeds=1", "--kl_smoothing=0.5", "--curve=5"])),
            ({"arms": ("real", "real+synthetic", "synthetic-5"), "seeds": 0},
             (["evidence", "curve"], ["--arms=real,real+synthetic", "--curve=5"])),
            ({"arms": ("real",), "seeds": 0}, (["stage1", "stage2", "eval"], ["--arms=real"]))):
        with Run(replace(few_config, run=str(few), **chosen)) as opened:
            goals, variables = again(opened)
        assert (goals, shlex.split(variables.pop("FLAGS"))) == expected
        assert variables == {"RUN": "run", "CONFIG": "my presets/a", "PAIRS": "drive:b c", "PHOTOS": "messidor:d e"}


def test_the_command_names_the_second_data_set(config, few_config, tmp_path):
    """make evidence makes that run, too, and of other images unless it is told."""
    few, cells = (Path(shutil.copytree(folder, tmp_path / name)) for folder, name in (
        (few_config.run, "run"), (config.second, "run-cells")))
    (few / "settings").write_text("CONFIG=a PAIRS=drive:b PHOTOS= FLAGS=\n")
    (cells / "settings").write_text("CONFIG=cells PAIRS=bu_bil:/my cells PHOTOS= FLAGS=\n")
    for arms, expected in ((("real", "real+synthetic"), "bu_bil:/my cells"), (("real",), None)):
        with Run(replace(few_config, run=str(few), second=str(cells), arms=arms)) as opened:
            _, variables = again(opened)
        assert variables.get("CELLS") == expected


def test_tuned_threshold_separates_the_training_views(config):
    views = load_views(config.pairs, "train")
    answer = tuned_threshold(lambda view: np.where(view.mask > 0, 0.3, 0.1).astype(np.float32), views)
    assert answer == 0.11


def test_tuned_threshold_is_each_net_s_own(run, config):
    folder = Path(config.run)
    with PairReader(folder / "synthetic.h5") as pairs:
        for arm, views in (("real", load_views(config.pairs, "train")[:2]), ("synthetic", pair_views(pairs, range(7))),
                           ("synthetic-5", pair_views(pairs, range(5)))):
            expected = tuned_threshold(Segmenter(folder / f"unet-{arm}").probability, views)
            assert run.threshold(run.nets[arm][0]) == expected
    assert run.nets["real"][0].validation == 2  # of the four, which are not asked


def test_each_seed_has_pairs_of_its_own(config, net_folder, tmp_path):
    folder = shutil.copytree(config.run, tmp_path / "run")
    net_folder(folder / "unet-synthetic.1", config.pairs, "synthetic", 4, repeat=1, seed=9)
    with pytest.raises(UserError, match="synthetic.1.h5: no such file"):
        Run(replace(config, run=str(folder))).__enter__()
    shutil.copy(folder / "rendered.h5", folder / "synthetic.1.h5")
    with Run(replace(config, run=str(folder))) as run:
        first, second = run.nets["synthetic"]
        assert (first.store, second.store, run.gans) == ("synthetic", "synthetic.1", 2)
        expected = tuned_threshold(second.segmenter.probability, pair_views(run.stores["rendered"], range(4)))
        assert run.threshold(second) == expected
        assert len(run.stores["synthetic"]) == 7 and run.count == 7  # pictures and statistics: the first seed's


def test_a_unet_that_was_trained_on_other_pairs_than_there_are_is_not_measured(few_config, tmp_path):
    """Where Stage-II was trained again, `make eval` makes the pairs and the synthetic arm anew, and no other arm."""
    folder = Path(shutil.copytree(few_config.run, tmp_path / "run"))
    config = replace(few_config, run=str(folder), arms=("real", "synthetic", "real+synthetic"))
    path = folder / "unet-real+synthetic" / "config.json"
    record = json.loads(path.read_text())
    write_json(path, {**record, "data": {**record["data"], "synthetic": {"seed": 1, "moved": "by hand"}}})
    with Run(config) as run:
        assert run.stores["synthetic"].attributes == {"seed": 1}
    for others in ({"seed": 2}, {"seed": 1, "weights": {"generator": "0"}}, {"seed": 1, "stage1": {"weights": "0"}}):
        write_json(path, {**record, "data": {**record["data"], "synthetic": others}})
        with pytest.raises(UserError, match=r"unet-real\+synthetic was trained on other pairs than synthetic.h5 holds "
                                            r"now: train it again, `make unet-real\+synthetic`, or leave it out"):
            Run(config).__enter__()


def test_a_repetition_of_an_earlier_version_has_its_seed_and_the_first_pairs(config, net_folder, tmp_path):
    net_folder(tmp_path / "unet-synthetic.1", config.pairs, "synthetic", 4, synthetic={})
    path = tmp_path / "unet-synthetic.1" / "config.json"
    record = json.loads(path.read_text())
    record["flags"].update(seed=3, repeat=1, synthetic="checkpoints/old/synthetic.h5")
    write_json(path, record)
    net = Net(path.parent)
    assert (net.seed, net.store) == (4, "synthetic")


def test_tuned_threshold_is_of_the_rows_that_a_net_took(config, net_folder, tmp_path):
    net_folder(tmp_path / "unet-synthetic", config.pairs, "synthetic", 2, rows=[1, 4])
    with Run(config) as run:
        net = Net(tmp_path / "unet-synthetic")
        expected = tuned_threshold(net.segmenter.probability, pair_views(run.stores["synthetic"], [1, 4]))
        assert run.threshold(net) == expected


def test_training_images_are_no_test_images(config, tmp_path):
    drive = Path(config.pairs[len("drive:"):])
    for folder, name, other in (("images", "22_training.tif", "22_test.tif"), ("1st_manual", "22_manual1.gif", None),
                                ("mask", "22_training_mask.gif", "22_test_mask.gif")):
        (tmp_path / "test" / folder).mkdir(parents=True)
        (tmp_path / "test" / folder / (other or name)).symlink_to(drive / "training" / folder / name)
    with pytest.raises(UserError, match="training images of .*22"):
        check_unseen(f"drive:{tmp_path}", config.pairs)
    check_unseen(config.test[0], config.pairs)


@pytest.mark.parametrize("fault", ["no store", "no rows", "no photographs", "no arm", "no rendered pairs",
                                   "damaged record"])
def test_missing_inputs_stop_with_nothing_written(config, retina, tmp_path, fault):
    run = shutil.copytree(config.run, tmp_path / "run")
    if fault == "no store":
        (run / "synthetic.h5").unlink()
    elif fault == "no rows":
        with h5py.File(run / "synthetic.h5", "w") as file:
            for name, channels in (("masks", 1), ("images", 3), ("fovs", 1)):
                file.create_dataset(name, (0, 8, 8, channels), np.uint8)
    elif fault == "no photographs":
        (run / "synthetic.h5").unlink()
        with PairWriter(run / "synthetic.h5", {}) as writer:
            writer.append(masks=retina(0)[1][..., None])
    elif fault == "no arm":
        for weights in run.glob("*/weights.h5"):
            weights.unlink()
    elif fault == "no rendered pairs":
        (run / "rendered.h5").unlink()  # --threshold=tuned needs them
    else:
        (run / "single").mkdir()
        (run / "single" / "config.json").write_text("{")
    with pytest.raises(UserError, match=str(run)):
        evaluate(replace(config, run=str(run), reports=str(tmp_path / "reports" / "new"), seeds=1,
                         arms=("synthetic", "rendered")))
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name, content", [("validation.json", {"epoch": 3}), ("validation.json", {"f1_vessel": "x"}),
                                           ("seconds.json", {"minutes": 2})])
def test_a_record_without_its_number_is_named(few_config, tmp_path, name, content):
    folder = Path(shutil.copytree(few_config.run, tmp_path / "run"))
    write_json(folder / "unet-real" / name, content)
    with pytest.raises(UserError, match=f"unet-real/{name} is damaged .*: remove it"):
        Run(replace(few_config, run=str(folder))).__enter__()


def test_packed_networks_are_not_evaluated(few_config, tmp_path):
    folder = Path(shutil.copytree(few_config.run, tmp_path / "run"))
    path = folder / "unet-synthetic" / "config.json"
    write_json(path, {**json.loads(path.read_text()), "data": {"checksum": "0" * 64, "pairs": "drive"}})
    with pytest.raises(UserError, match="unet-synthetic/config.json does not say .*: evaluate the run that they were"):
        Run(replace(few_config, run=str(folder))).__enter__()


def test_a_seed_that_is_missing_between_others_is_named(tmp_path):
    for name in ("unet-real", "unet-real.1", "unet-synthetic", "unet-synthetic.2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.h5").touch()
    assert [path.name for path in of_all_seeds(tmp_path, "real")] == ["unet-real", "unet-real.1"]
    with pytest.raises(UserError, match="unet-synthetic.1/weights.h5 is missing, .*`make unet-synthetic.1`"):
        of_all_seeds(tmp_path, "synthetic")
    assert [path.name for path in of_all_seeds(tmp_path, "synthetic", most=1)] == ["unet-synthetic"]


def test_a_wanted_arm_that_is_not_trained_is_named(config):
    with pytest.raises(UserError, match="unet-phantom/weights.h5 is missing: .*make unet-phantom"):
        Run(replace(config, arms=("real", "phantom"))).__enter__()
