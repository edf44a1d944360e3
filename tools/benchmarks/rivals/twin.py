"""What a PyTorch user would write: the causal controller's update with the paper's constants, on this processor.

    python3 -m venv /tmp/rivals && /tmp/rivals/bin/pip install torch==2.13.0
    /tmp/rivals/bin/python tools/benchmarks/rivals/twin.py controller SECONDS

Nine nodes in a complete graph, mechanisms of 6 layers of 10 units, critic of 6 layers of 15, batch 64, 20 critic steps.
"""

import statistics
import sys
import time

import torch
from torch import nn

NODES, NOISE, BATCH, CRITIC_STEPS = 9, 10, 64, 20


def mlp(*sizes: int) -> nn.Sequential:
    layers = [part for i, o in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(i, o), nn.LeakyReLU(0.2))]
    return nn.Sequential(*layers[:-1])


class Controller(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mechanisms = nn.ModuleList(mlp(NOISE + k, 10, 10, 10, 10, 10, 1) for k in range(NODES))

    def forward(self, rows: int) -> torch.Tensor:
        labels: list[torch.Tensor] = []
        for mechanism in self.mechanisms:
            labels.append(torch.sigmoid(mechanism(torch.cat([torch.rand(rows, NOISE) * 2 - 1, *labels], 1))))
        return torch.cat(labels, 1)


def main(seconds: float) -> None:
    draw, critic = Controller(), mlp(NODES, 15, 15, 15, 15, 15, 1)
    adam = [torch.optim.Adam(network.parameters(), 8e-5) for network in (draw, critic)]
    table = (torch.rand(200_000, NODES) > 0.5).float()

    def step() -> None:
        with torch.no_grad():
            fakes = draw(BATCH * CRITIC_STEPS).split(BATCH)
        for fake in fakes:
            real = table[torch.randint(0, len(table), (BATCH,))]
            between = torch.lerp(fake, real, torch.rand(BATCH, 1)).requires_grad_()
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            loss = critic(fake).mean() - critic(real).mean() + 0.1 * (slope.norm(dim=1) - 1).square().mean()
            adam[1].zero_grad(set_to_none=True)
            loss.backward()
            adam[1].step()
        adam[0].zero_grad(set_to_none=True)
        (-critic(draw(BATCH)).mean()).backward()
        adam[0].step()

    step()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    print(f"{1 / statistics.median(times):.2f} generator steps/s median; n={len(times)}")


if __name__ == "__main__":
    main(float(sys.argv[2]) if len(sys.argv) > 2 else 20.0)
