"""The same training steps in PyTorch, the peer that `make bench` is compared with.

    pip install torch numpy        # in an environment of its own
    python tests/bench/torch_peers.py --network=pix2pix --size=256 --batch=4 --base=64 --dtype=bfloat16

Networks, losses and optimizers have the shapes of tests/bench/networks.py; gradient penalties, which come in every
eighth step there, are left out. Prints the same JSON line. No module of the project is imported.
"""
from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch_networks import (
    COARSE_SIDES,
    NOISES,
    SIDES,
    Dcgan,
    Pix2Pix,
    Unet,
    bands,
    dcgan_discriminator,
    mean_of,
    patchgan,
    small_patchgan,
    strength,
)


def adam(model, rate=2e-4, beta=0.5):
    return torch.optim.Adam(model.parameters(), rate, (beta, 0.999))


def certain(logits, label):
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label, dtype=torch.float32))


def minimise(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def unet_step(options, image, half):
    model = options.place(Unet(1, options.base, 1, 4, norm=True, noise=False))
    optimizer, picture, mask = adam(model, 1e-3, 0.9), image(1), (image(1) > 0.9).float()

    def step():
        with half():
            logits = model(picture)
        minimise(optimizer, F.binary_cross_entropy_with_logits(logits.float(), mask))

    return step


def plain_gan_step(options, image, half):
    """dcgan and pix2pix: D is updated first, both on one rendering."""
    paired = options.network == "pix2pix"
    if paired:
        g, d, source = Pix2Pix(options.size, options.base), patchgan(options.base), image(1)
    else:
        g, d = Dcgan(options.size, options.base), dcgan_discriminator(options.size, options.base)
        source = torch.rand(options.batch, 100)
    g, d, real = options.place(g), options.place(d), image(3 if paired else 1)
    g_optimizer, d_optimizer = adam(g), adam(d)

    def seen(picture):
        return torch.cat([source, picture], 1) if paired else picture

    def step():
        with half():
            fake = g(source)
            d.requires_grad_(True)
            d_loss = certain(d(seen(real)), 1.0) + certain(d(seen(fake.detach())), 0.0)
        minimise(d_optimizer, d_loss)
        with half():
            d.requires_grad_(False)
            g_loss = certain(d(seen(fake)), 1.0) + (100 * (real - fake).abs().mean() if paired else 0.0)
        minimise(g_optimizer, g_loss)

    return step


def coarse_to_fine_step(options, image, half):
    """coarse and fine: one answer of D to a rendering for both losses; a moving average of G's weights."""
    fine = options.network == "fine"
    known, real, noise = image(5 if fine else 3) * 2 - 1, image(3) * 2 - 1, torch.randn_like(image(NOISES))
    g = options.place(Unet(known.shape[1], options.base, 3, 3, norm=False, noise=True))
    seen = known.shape[1] + (9 if fine else 3)
    d = options.place(small_patchgan(seen, 2 * options.base if fine else options.base))
    segmenter = options.place(Unet(1, 8, 1, 3, norm=True, noise=False)).eval().requires_grad_(False)
    g_optimizer, d_optimizer = adam(g, 3e-4), adam(d, 5e-4)
    averages = [weight.detach().clone() for weight in g.parameters()]
    inside = (known[:, 1:2] + 1) / 2 if fine else (known[:, :1] + 1) / 2
    d_noise = torch.randn_like(real)

    def judged(picture):
        if fine:
            return d(torch.cat([known, picture, *(6 * band for band in bands(picture, SIDES))], 1))
        added = 0.6 * sum(side * mean_of(d_noise, side) for side in (1, 5, 15)) * inside
        return d(torch.cat([known, picture + added], 1))

    def segmented(picture):
        return segmenter((picture[:, 1:2] + 1) / 2).sigmoid()

    def coarse_loss(fake):
        rough = (strength(picture, COARSE_SIDES, 12, inside) for picture in (real * inside, fake))
        weight = inside / inside.sum((2, 3), keepdim=True)
        mean = (fake * weight).sum((2, 3), keepdim=True)
        deviation = (((fake - mean) ** 2 * weight).sum((2, 3)) + 1e-4).sqrt()
        spread = (mean.abs().mean() + (deviation - 1).abs().mean()) / 2
        return 3 * spread + 3 * (next(rough) - next(rough)).abs().mean()

    def fine_loss(fake):
        near = F.max_pool2d((known[:, :1] + 1) / 2, 5, 1, 2)
        between = (1 - near) * inside
        low = mean_of(F.avg_pool2d(real - fake, 16, 8, 4), 3)
        vessels = F.avg_pool2d(real - fake, 3, 1, 1) * near
        rough = strength(real, SIDES, 32, between) - strength(fake, SIDES, 32, between)
        agreement = segmented(real) - segmented(fake)
        return (10 * low.abs().mean() + 3 * vessels.abs().mean() + 20 * rough.abs().mean()
                + 10 * agreement.abs().mean())

    def step():
        with half():
            drawn = g(known, noise)
            fake = ((known[:, 2:5] + drawn).clamp(-1, 1) + 1) * inside - 1 if fine else drawn * inside
            on_real, on_fake = judged(real), judged(fake)
            d_loss = certain(on_real, 1.0) + certain(on_fake, 0.0)
            g_loss = certain(on_fake, 1.0) + (fine_loss(fake) if fine else coarse_loss(fake))
        d_gradients = torch.autograd.grad(d_loss, list(d.parameters()), retain_graph=True)
        g_gradients = torch.autograd.grad(g_loss, list(g.parameters()))
        for network, gradients, optimizer in ((d, d_gradients, d_optimizer), (g, g_gradients, g_optimizer)):
            for weight, gradient in zip(network.parameters(), gradients):
                weight.grad = gradient
            optimizer.step()
        with torch.no_grad():
            for average, weight in zip(averages, g.parameters()):
                average.lerp_(weight, 0.02)

    return step


STEPS = {"dcgan": plain_gan_step, "pix2pix": plain_gan_step, "unet": unet_step, "coarse": coarse_to_fine_step,
         "fine": coarse_to_fine_step}


class Options(argparse.Namespace):
    """What the command line says."""

    def place(self, value):
        return value.to(memory_format=torch.channels_last) if self.channels_last else value


def build_step(options: Options):
    """A function that makes one training step."""
    def image(channels):
        return options.place(torch.rand(options.batch, channels, options.size, options.size))

    def half():
        return torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bfloat16")

    torch.manual_seed(0)
    return STEPS[options.network](options, image, half)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=list(STEPS), required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--base", type=int, default=64)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--no-channels-last", dest="channels_last", action="store_false")
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args(namespace=Options())
    step, seconds = build_step(options), []
    for _ in range(2 + options.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[2:])
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # bytes
    print(json.dumps({**vars(options), "torch": torch.__version__, "threads": torch.get_num_threads(),
                      "step_s": round(median, 4), "images_per_s": round(options.batch / median, 3),
                      "peak_rss_gb": round(taken / 1e9, 2)}))


if __name__ == "__main__":
    main()
