"""Runs whose networks were never trained."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.files import write_json


@pytest.fixture(scope="session")
def run_folder(drive):
    """run_folder(path): the folder of a run with stage1/ and stage2/ as trainings leave them, their weights random."""
    def make(folder: Path) -> Path:
        # TensorFlow takes long to import, and most tests here do without.
        from stage1_dcgan.config import Stage1Config
        from stage1_dcgan.networks import generator
        from stage2_pix2pix.architectures import pix2pix
        from stage2_pix2pix.config import Stage2Config
        from training import devices
        from training.weights import save_array, save_weights

        devices.set_seed(0)
        stage1 = Stage1Config(pairs=drive, out=str(folder / "stage1"), size=64, base=4, validation=1,
                              encoding="signed_distance")
        stage2 = Stage2Config(pairs=drive, out=str(folder / "stage2"), size=64, base=4, validation=1, tell_fov=True,
                              norm="instance", upsampling="resize", colour_code=True, noise=1)
        draws, renders = generator(64, 4), pix2pix.networks(stage2)["generator"]
        draws.layers[-2].kernel.assign(30_000 * draws.layers[-2].kernel)  # as if it had learned contrast
        for config, network in ((stage1, draws), (stage2, renders)):
            out = Path(config.out)
            out.mkdir(parents=True)
            write_json(out / "config.json", {"version": 2, "flags": config.to_json(), "data": {"pairs": drive}})
            save_weights(network, out / "generator.h5")
        random = np.random.default_rng(0)
        save_array(random.uniform(0, 0.4, (3, 6)).astype(np.float32), folder / "stage2" / "codes.npy")
        return folder
    return make


@pytest.fixture(scope="session")
def make_pairs():
    """make_pairs(run, count, name, seed, **options): masksNAME.h5 and syntheticNAME.h5, as make has them made."""
    def make(run: Path, count: int = 2, name: str = "", seed: int = 3, **options) -> None:
        from stage1_dcgan.config import MasksConfig
        from stage1_dcgan.generate import generate as draw
        from stage2_pix2pix.config import PairsConfig
        from stage2_pix2pix.generate import generate as render

        masks = run / f"masks{name}.h5"
        draw(MasksConfig(**{"model": str(run / "stage1"), "out": str(masks), "count": count, "mask_size": 128,
                            "seed": seed, **options}))
        render(PairsConfig(model=str(run / "stage2"), masks=str(masks), out=str(run / f"synthetic{name}.h5"),
                           seed=seed))
    return make
