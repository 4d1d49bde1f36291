#!/usr/bin/env python3
"""Training steps of the same networks in plain PyTorch, on demand: the other side of train_speed.py.

It runs in an environment of its own that has torch and nothing of this project. It answers each line on
standard input, "BATCH PRECISION STEPS", by the seconds that those steps took. Its first line of output names
the version of PyTorch and the device.
"""

import argparse
import sys
import time


def networks(ngf: int, ndf: int):
    """Make generator and discriminator as in pix2pix/networks.py, channels first."""
    import torch
    from torch import nn

    widths = [ngf * width for width in (1, 2, 4, 8, 8, 8, 8, 8)]

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            down, up = [], []
            for level, width in enumerate(widths):
                norm = 0 < level < len(widths) - 1
                conv = nn.Conv2d(widths[level - 1] if level else 3, width, 4, 2, 1, bias=not norm)
                block = [nn.LeakyReLU(0.2)] if level else []
                down.append(nn.Sequential(*block, conv, *([nn.BatchNorm2d(width)] if norm else [])))
            for level in reversed(range(len(widths))):
                read = widths[level] * (1 if level == len(widths) - 1 else 2)
                width = widths[level - 1] if level else 3
                block = [nn.ReLU(), nn.ConvTranspose2d(read, width, 4, 2, 1, bias=level == 0)]
                block += [nn.BatchNorm2d(width)] if level else [nn.Tanh()]
                block += [nn.Dropout(0.5)] if level > len(widths) - 4 else []
                up.append(nn.Sequential(*block))
            self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)

        def forward(self, x):
            maps = []
            for block in self.down:
                x = block(x)
                maps.append(x)
            x = self.up[0](maps.pop())
            for block in self.up[1:]:
                x = block(torch.cat([x, maps.pop()], dim=1))
            return x

    layers, before = [], 6
    for width, stride in ((ndf, 2), (2 * ndf, 2), (4 * ndf, 2), (8 * ndf, 1)):
        layers.append(nn.Conv2d(before, width, 4, stride, 1, bias=before == 6))
        layers += [nn.BatchNorm2d(width)] if before != 6 else []
        layers.append(nn.LeakyReLU(0.2))
        before = width
    return Generator(), nn.Sequential(*layers, nn.Conv2d(before, 1, 4, 1, 1))


class Training:
    def __init__(self, ngf: int, ndf: int):
        import torch

        torch.manual_seed(0)
        self._torch, self.version = torch, torch.__version__
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self._generator, self._discriminator = (net.to(self.device) for net in networks(ngf, ndf))
        self._optimizers = [
            torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999))
            for net in (self._generator, self._discriminator)
        ]
        self._loss = torch.nn.BCEWithLogitsLoss()

    def seconds(self, batch: int, precision: str, steps: int) -> float:
        torch = self._torch
        inputs, targets = torch.rand(2, batch, 3, 256, 256, device=self.device) * 2 - 1
        half = precision != "float32"
        began = time.perf_counter()
        for _ in range(steps):
            with torch.autocast(self.device, torch.bfloat16, enabled=half):
                outputs = self._generator(inputs)
                pair = torch.cat([inputs, targets], 1), torch.cat([inputs, outputs.detach()], 1)
                real, fake = (self._discriminator(each).float() for each in pair)
                loss = self._loss(real, torch.ones_like(real))
                loss = loss + self._loss(fake, torch.zeros_like(fake))
            self._optimizers[1].zero_grad()
            loss.backward()
            self._optimizers[1].step()
            with torch.autocast(self.device, torch.bfloat16, enabled=half):
                fake = self._discriminator(torch.cat([inputs, outputs], 1)).float()
                loss = self._loss(fake, torch.ones_like(fake))
                loss = loss + 100 * (outputs.float() - targets).abs().mean()
            self._optimizers[0].zero_grad()
            loss.backward()
            self._optimizers[0].step()
            loss.item()
        return time.perf_counter() - began


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ngf", type=int, default=64, help="generator filters in the first layer")
    parser.add_argument("--ndf", type=int, default=64, help="discriminator filters in the first layer")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    training = Training(args.ngf, args.ndf)
    print(f"PyTorch {training.version} on {training.device}", flush=True)
    for line in sys.stdin:
        batch, precision, steps = line.split()
        print(training.seconds(int(batch), precision, int(steps)), flush=True)


if __name__ == "__main__":
    main()
