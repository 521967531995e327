"""
Trains the base model. The same corpus, seed and steps give the same weights, however often it is stopped and taken up again.
Usage: python train.py CORPUS STATE STEPS DECAY, where CORPUS is what corpus.ts made, STATE a folder for checkpoints, STEPS the
last step and DECAY how many of them the learning rate takes to fall to zero. docs/BASE-MODEL.md has the
numbers of the committed model.
"""

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax
import jax.numpy as jnp
import numpy as np

import model
import optimiser
from export import save_safetensors

SEED = 5
STEP_TOKENS = 4096
MICRO_TOKENS = 1024
# Most documents are short: the context's full length is learnt in the last steps.
LENGTH, LAST_LENGTH, LAST_STEPS = 256, model.CONTEXT, 50
WARM_UP_STEPS = 50
CHECKPOINT_STEPS = 100
HELD_OUT_ROWS = 48


def main(corpus, state, steps, decay):
    state.mkdir(parents=True, exist_ok=True)
    tokens, talks, held_out = (read_tokens(corpus / f"{name}.tokens") for name in ("train", "talks", "heldout"))
    held_out = rows_of(held_out, 0, HELD_OUT_ROWS, LENGTH)
    weights = model.init(SEED)
    moments = optimiser.start(weights)
    weights, moments, done = resume(state, weights, moments, steps, decay)
    started, first = time.time(), done
    for step in range(done + 1, steps + 1):
        batch = batch_of(tokens, talks, step, steps - decay, LAST_LENGTH if step > steps - LAST_STEPS else LENGTH)
        rate = min(1.0, step / WARM_UP_STEPS) * min(1.0, (steps + 1 - step) / decay)
        weights, moments, nats = train_step(weights, moments, micro_batches(batch), float(step), rate)
        if step % 10 == 0:
            seconds = (time.time() - started) / (step - first)
            log(state, step=step, nats=round(float(nats), 4), rate=round(rate, 4), seconds=round(seconds, 3))
        if step % CHECKPOINT_STEPS == 0 or step == steps:
            end = f"-of-{steps}-{decay}" if step > steps - decay else ""
            save(state, weights, moments, f"step-{step:06d}{end}")
            log(state, step=step, heldOutNats=round(held_out_nats(weights, held_out), 4))
    save_safetensors(weights, state / "model.safetensors", "F16")


def read_tokens(path):
    return np.fromfile(path, dtype="<u2").astype(np.int32)


def batch_of(tokens, talks, step, steady, length):
    """All of the text at first; while the rate falls half of it is talks, which the model is asked for."""
    if step <= steady:
        return rows_of(tokens, (step - 1) * STEP_TOKENS, STEP_TOKENS // length, length)
    half, since = STEP_TOKENS // 2, step - steady - 1
    text = rows_of(tokens, steady * STEP_TOKENS + since * half, half // length, length)
    spoken = rows_of(talks, since * half, half // length, length)
    return tuple(np.concatenate(parts) for parts in zip(text, spoken))


def rows_of(tokens, start, rows, length):
    """`rows` pieces of the stream with the token that follows each, over its end to its beginning; which document each is of."""
    places = (start + np.arange(rows)[:, None] * length + np.arange(length + 1)) % len(tokens)
    picked = tokens[places]
    return picked, np.cumsum(picked == 0, axis=1)


def micro_batches(batch):
    parts = STEP_TOKENS // MICRO_TOKENS
    return tuple(jnp.asarray(part.reshape(parts, -1, part.shape[1])) for part in batch)


@partial(jax.jit, donate_argnums=(0, 1))
def train_step(weights, moments, batches, step, rate):
    def micro(sums, batch):
        (nats, count), gradients = jax.value_and_grad(model.loss, has_aux=True)(weights, *batch)
        return jax.tree.map(jnp.add, sums, (gradients, nats, count)), None

    zeros = (jax.tree.map(jnp.zeros_like, weights), 0.0, 0.0)
    (gradients, nats, count), _ = jax.lax.scan(micro, zeros, batches)
    gradients = jax.tree.map(lambda g: g / count, gradients)
    weights, moments = optimiser.update(weights, moments, gradients, step, rate)
    return weights, moments, nats / count


def held_out_nats(weights, held_out):
    """Mean nats a token of pieces cut anywhere: a curve to look at, not the figure of the model card."""
    sums = [sum_of(weights, *(jnp.asarray(part[i : i + 4]) for part in held_out)) for i in range(0, HELD_OUT_ROWS, 4)]
    return float(sum(nats for nats, _ in sums) / sum(count for _, count in sums))


sum_of = jax.jit(model.loss)


def resume(state, weights, moments, steps, decay):
    """From the latest checkpoint from before the rate falls, or of this very end."""

    def usable(path):
        _, step, *end = path.stem.split("-")
        return int(step) <= steps - decay if not end else end == ["of", str(steps), str(decay)]

    found = sorted(path for path in state.glob("step-*.npz") if usable(path))
    if not found:
        return weights, moments, 0
    leaves, shape = jax.tree.flatten((weights, moments))
    with np.load(found[-1]) as file:
        loaded = [jnp.asarray(file[str(i)]) for i in range(len(leaves))]
    return *jax.tree.unflatten(shape, loaded), int(found[-1].stem.split("-")[1])


def save(state, weights, moments, name):
    leaves = jax.tree.leaves((weights, moments))
    unfinished = state / "unfinished.npz"
    np.savez(unfinished, **{str(i): np.asarray(leaf) for i, leaf in enumerate(leaves)})
    unfinished.rename(state / f"{name}.npz")
    save_safetensors(weights, state / f"{name}.safetensors")


def log(state, **values):
    with open(state / "log.jsonl", "a") as file:
        file.write(json.dumps(values) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
