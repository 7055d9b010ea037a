"""The program `dual-gan`, which `pip install` makes: all scripts under one name, each imported only when it is called.

    dual-gan stage1 --pairs=drive:data/raw/DRIVE --out=checkpoints/mine/stage1
"""
from __future__ import annotations

import difflib
import runpy
import sys

COMMANDS = {
    "steps": ("configs.steps", "steps of a run by name: CONFIG=quick RUN=mine dual-gan steps data stage1 masks ..."),
    "check": ("data.check", "opens every file of the data sets"),
    "phantom": ("data.phantom", "draws procedural data sets"),
    "stage1": ("stage1_dcgan.train", "trains Stage-I on masks"),
    "generate-masks": ("stage1_dcgan.generate", "draws masks with a trained Stage-I"),
    "stage2": ("stage2_pix2pix.train", "trains Stage-II on masks and photographs"),
    "generate-pairs": ("stage2_pix2pix.generate", "renders masks with a trained Stage-II"),
    "unet": ("unet_eval.train", "trains the U-Net of one arm"),
    "segment": ("unet_eval.segment", "turns any images into masks with a trained U-Net"),
    "relabel": ("unet_eval.relabel", "gives pairs or photographs soft labels with a trained U-Net"),
    "agreement": ("unet_eval.agreement", "how far a U-Net agrees with the masks of pairs"),
    "evaluate": ("unet_eval.evaluate", "measures the arms of a run and writes the report"),
    "audit": ("unet_eval.audit", "looks for copies of training images in pairs"),
    "synthmed": ("data.synthmed.release", "pairs that passed their audit, as a folder to publish"),
    "synthmed-verify": ("data.synthmed.verify", "checks somebody's copy of such a folder"),
    "demo": ("configs.demo", "50 pairs with a gallery from trained networks, or masks of your photographs"),
    "pretrained": ("configs.pretrained", "packs the networks of a run whose audit passed"),
    "generators": ("configs.generators", "both generators of such a run as graphs, for synthmed --generators"),
    "export": ("data.synthmed.export", "pairs as PNG files for your own use"),
}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("--help", "-h", "help"):
        print("dual-gan COMMAND --flag=value ...; dual-gan COMMAND --help lists the flags of one\n")
        print("\n".join(f"  {command:16} {text}" for command, (_, text) in COMMANDS.items()))
        return
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        sys.exit(f"error: dual-gan has no command '{name}'" + (f"; near: {near[0]}" if near else "") +
                 "; `dual-gan` lists them")
    del sys.argv[1]
    runpy.run_module(COMMANDS[name][0], run_name="__main__", alter_sys=True)
