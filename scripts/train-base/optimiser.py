"""Muon (Jordan et al., 2024) for matrices of layers, AdamW for the embedding and the norms."""

import jax
import jax.numpy as jnp

from model import SHAPES

MUON_RATE, MUON_MOMENTUM, MUON_DECAY = 0.012, 0.95, 0.05
ADAM_RATE, ADAM_BETAS, ADAM_EPSILON = 0.003, (0.9, 0.95), 1e-8


def start(weights):
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return {"first": zeros, "second": jax.tree.map(jnp.zeros_like, weights)}


def update(weights, state, gradients, step, rate):
    """One step; `rate` is the share of the full learning rate, `step` counts from 1."""
    first, second = state["first"], state["second"]

    def adam(path):
        g, m, v, w = path(gradients), path(first), path(second), path(weights)
        m = ADAM_BETAS[0] * m + (1 - ADAM_BETAS[0]) * g
        v = ADAM_BETAS[1] * v + (1 - ADAM_BETAS[1]) * g * g
        unit = (m / (1 - ADAM_BETAS[0] ** step)) / (jnp.sqrt(v / (1 - ADAM_BETAS[1] ** step)) + ADAM_EPSILON)
        return w - rate * ADAM_RATE * unit, m, v

    out = {name: adam(lambda tree, name=name: tree[name]) for name in ("embedding", "finalNorm")}
    layers = [{} for _ in weights["layers"]]
    for name in ("attentionNorm", "ffnNorm"):
        for i, layer in enumerate(layers):
            layer[name] = adam(lambda tree, i=i, name=name: tree["layers"][i][name])
    for name in SHAPES:
        for i, layer in enumerate(layers):
            g, m, w = (tree["layers"][i][name] for tree in (gradients, first, weights))
            m = MUON_MOMENTUM * m + (1 - MUON_MOMENTUM) * g
            unit = orthogonal(MUON_MOMENTUM * m + (1 - MUON_MOMENTUM) * g) * max(1, w.shape[0] / w.shape[1]) ** 0.5
            layer[name] = (w - rate * MUON_RATE * (unit + MUON_DECAY * w), m, second["layers"][i][name])

    def part(i):
        return {
            "embedding": out["embedding"][i],
            "layers": [{name: layer[name][i] for name in layer} for layer in layers],
            "finalNorm": out["finalNorm"][i],
        }

    return part(0), {"first": part(1), "second": part(2)}


def orthogonal(g):
    """Nearest matrix with singular values near 1, by five Newton-Schulz steps."""
    tall = g.shape[0] > g.shape[1]
    x = g.T if tall else g
    x = x / (jnp.sqrt((x * x).sum()) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if tall else x
