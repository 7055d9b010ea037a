"""The networks of tests/bench/networks.py in PyTorch, for torch_peers.py."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

SLOPE = 0.2
NOISES = 4  # planes of noise of the coarse-to-fine generators
SIDES, COARSE_SIDES = (9, 41), (3, 7, 15)


def leaky():
    return nn.LeakyReLU(SLOPE, inplace=True)


def halving(inputs, outputs, kernel, norm=True):
    """A convolution of stride 2, with batch norm or a bias, and a leaky ReLU."""
    layers = [nn.Conv2d(inputs, outputs, kernel, 2, (kernel - 1) // 2, bias=not norm)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(outputs)] if norm else []), leaky())


def doubling(inputs, outputs, kernel, *after):
    """A transposed convolution of stride 2; with something after it, batch norm comes between."""
    layer = nn.ConvTranspose2d(inputs, outputs, kernel, 2, (kernel - 1) // 2, kernel % 2, bias=not after)
    return nn.Sequential(layer, *([nn.BatchNorm2d(outputs), *after] if after else []))


class Dcgan(nn.Module):
    def __init__(self, size, base):
        super().__init__()
        self.shape = (8 * base, size // 16, size // 16)
        self.dense = nn.Linear(100, 8 * base * (size // 16) ** 2, bias=False)
        self.first = nn.Sequential(nn.BatchNorm2d(8 * base), nn.ReLU(True))
        widths = [8 * base, 4 * base, 2 * base, base]
        self.rest = nn.Sequential(*(doubling(a, b, 5, nn.ReLU(True)) for a, b in zip(widths, widths[1:])),
                                  doubling(base, 1, 5), nn.Tanh())

    def forward(self, z):
        return self.rest(self.first(self.dense(z).view(-1, *self.shape)))


def dcgan_discriminator(size, base):
    widths = [1, base, 2 * base, 4 * base, 8 * base]
    return nn.Sequential(*(halving(a, b, 5, norm=a > 1) for a, b in zip(widths, widths[1:])), nn.Flatten(),
                         nn.Linear(8 * base * (size // 16) ** 2, 1))


class Pix2Pix(nn.Module):
    def __init__(self, size, base):
        super().__init__()
        depth = min(8, size.bit_length() - 1)
        widths = [base * min(8, 2 ** level) for level in range(depth)]
        self.down = nn.ModuleList(halving(a, b, 4, norm=0 < level < depth - 1)
                                  for level, (a, b) in enumerate(zip([1, *widths], widths)))
        ways = zip([widths[-1], *(2 * width for width in widths[-2:0:-1])], widths[-2::-1])
        self.up = nn.ModuleList(doubling(a, b, 4, *([nn.Dropout(0.5)] if level < 3 else []), leaky())
                                for level, (a, b) in enumerate(ways))
        self.out = nn.Sequential(doubling(2 * base, 3, 4), nn.Tanh())

    def forward(self, x):
        skips = [x := layer(x) for layer in self.down]
        for layer, skip in zip(self.up, skips[-2::-1]):
            x = torch.cat([layer(x), skip], 1)
        return self.out(x)


def patchgan(base):
    widths = [4, base, 2 * base, 4 * base]
    return nn.Sequential(*(halving(a, b, 4, norm=a > 4) for a, b in zip(widths, widths[1:])),
                         nn.Conv2d(4 * base, 8 * base, 4, 1, 1, bias=False), nn.BatchNorm2d(8 * base), leaky(),
                         nn.Conv2d(8 * base, 1, 4, 1, 1))


class Unet(nn.Module):
    """Two 3 x 3 convolutions a level. With `noise` it is a generator of coarse_to_fine: no batch norm, averages for
    maxima, bilinear for transposed convolutions, a plane of noise at each level of the decoder."""

    def __init__(self, inputs, base, outputs, levels, norm, noise):
        super().__init__()
        widths = [base * 2 ** level for level in range(levels + 1)]
        self.noise, self.norm = noise, norm
        self.down = nn.ModuleList(self.pair(a, b) for a, b in zip([inputs, *widths], widths))
        self.bottom = self.one(widths[-1], widths[-1]) if noise else None
        back = list(zip(widths[::-1], widths[-2::-1]))
        self.raising = nn.ModuleList([] if noise else [nn.ConvTranspose2d(a, b, 2, 2) for a, b in back])
        self.joined = nn.ModuleList(self.one(a + b if noise else 2 * b, b) for a, b in back)
        self.last = nn.ModuleList(self.one(b, b) for _, b in back)
        weights = [widths[-1], *(b for _, b in back)] if noise else []
        self.strengths = nn.ParameterList(nn.Parameter(torch.full((1, width, 1, 1), 0.1)) for width in weights)
        self.out = nn.Conv2d(base, outputs, 1)

    def one(self, inputs, outputs):
        convolution = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=not self.norm)
        return nn.Sequential(convolution, *([nn.BatchNorm2d(outputs)] if self.norm else []), leaky())

    def pair(self, inputs, outputs):
        return nn.Sequential(self.one(inputs, outputs), self.one(outputs, outputs))

    def noisy(self, x, planes, number, level):
        return x + self.strengths[number] * planes[:, level:level + 1, ::2 ** level, ::2 ** level] if self.noise else x

    def forward(self, x, planes=None):
        skips, levels = [], len(self.down) - 1
        for layer in self.down[:-1]:
            skips.append(x := layer(x))
            x = F.avg_pool2d(x, 2) if self.noise else F.max_pool2d(x, 2)
        x = self.down[-1](x)
        if self.noise:
            x = self.bottom(self.noisy(x, planes, 0, levels))
        for number, skip in enumerate(reversed(skips)):
            x = F.interpolate(x, scale_factor=2, mode="bilinear") if self.noise else self.raising[number](x)
            x = self.joined[number](torch.cat([x, skip], 1))
            x = self.last[number](self.noisy(x, planes, number + 1, levels - 1 - number))
        return self.out(x)


def small_patchgan(inputs, base):
    widths = [inputs, base, 2 * base, 4 * base]
    return nn.Sequential(*(halving(a, b, 4, norm=False) for a, b in zip(widths, widths[1:])),
                         nn.Conv2d(4 * base, 8 * base, 3, 1, 1), leaky(), nn.Conv2d(8 * base, 1, 3, 1, 1))


def mean_of(x, side):
    x = F.avg_pool2d(x, (side, 1), 1, (side // 2, 0), count_include_pad=False)
    return F.avg_pool2d(x, (1, side), 1, (0, side // 2), count_include_pad=False)


def bands(x, sides):
    means = [x, *(mean_of(x, side) for side in sides)]
    return [fine - coarse for fine, coarse in zip(means, means[1:])]


def strength(x, sides, window, weight):
    squares = torch.cat([band.square() * weight for band in bands(x, sides)], 1)
    total, share = (F.avg_pool2d(value, window, window, ceil_mode=True) for value in (squares, weight))
    return (total / (share + 0.05) + 1e-5).sqrt()
