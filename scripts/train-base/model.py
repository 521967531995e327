"""The float model: a decoder of the Llama family, in the layout of HF checkpoints (rows are outputs, rotary pairs (i, i + d/2))."""

import jax
import jax.numpy as jnp
import numpy as np

VOCAB, DIM, LAYERS, HEADS, KV_HEADS, HEAD_DIM, FFN, CONTEXT = 4096, 192, 6, 6, 2, 32, 512, 512
THETA, EPSILON = 10_000.0, 1e-5

SHAPES = {
    "query": (HEADS * HEAD_DIM, DIM),
    "key": (KV_HEADS * HEAD_DIM, DIM),
    "value": (KV_HEADS * HEAD_DIM, DIM),
    "output": (DIM, HEADS * HEAD_DIM),
    "gate": (FFN, DIM),
    "up": (FFN, DIM),
    "down": (DIM, FFN),
}


def init(seed):
    """Weights: matrices that write to the residual stream start at zero, the others at 1/sqrt(inputs)."""
    rng = np.random.Generator(np.random.PCG64(seed))

    def normal(shape, deviation):
        return jnp.asarray(rng.standard_normal(shape, dtype=np.float32) * deviation)

    def matrix(name):
        shape = SHAPES[name]
        return jnp.zeros(shape) if name in ("output", "down") else normal(shape, shape[1] ** -0.5)

    return {
        "embedding": normal((VOCAB, DIM), 0.03),
        "layers": [
            {name: matrix(name) for name in SHAPES} | {"attentionNorm": jnp.ones(DIM), "ffnNorm": jnp.ones(DIM)}
            for _ in range(LAYERS)
        ],
        "finalNorm": jnp.ones(DIM),
    }


def loss(weights, tokens, documents):
    """Mean nats a token. `tokens`: rows × (length + 1); `documents`: which document each is of. A target is of the same document."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    of = documents[:, :-1]
    length = inputs.shape[1]
    seen = jnp.tril(jnp.ones((length, length), bool))[None] & (of[:, :, None] == of[:, None, :])
    bias = jnp.where(seen, 0.0, -1e9)[:, None]
    logits = forward(weights, inputs, bias)
    picked = jnp.take_along_axis(logits, targets[..., None], -1)[..., 0]
    counts = (of == documents[:, 1:]).astype(jnp.float32)
    return ((jax.nn.logsumexp(logits, -1) - picked) * counts).sum(), counts.sum()


def forward(weights, tokens, bias):
    rows, length = tokens.shape
    x = weights["embedding"][tokens.reshape(-1)]
    angles = jnp.arange(length)[:, None] * THETA ** (-jnp.arange(HEAD_DIM // 2) / (HEAD_DIM // 2))
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    for layer in weights["layers"]:
        x = x + attention(layer, norm(x, layer["attentionNorm"]), rows, length, cos, sin, bias)
        a = norm(x, layer["ffnNorm"])
        x = x + (jax.nn.silu(a @ layer["gate"].T) * (a @ layer["up"].T)) @ layer["down"].T
    return (norm(x, weights["finalNorm"]) @ weights["embedding"].T).reshape(rows, length, -1)


def attention(layer, a, rows, length, cos, sin, bias):
    group = HEADS // KV_HEADS

    def heads(matrix, count):
        return (a @ matrix.T).reshape(rows, length, count, HEAD_DIM).transpose(0, 2, 1, 3)

    q = rotate(heads(layer["query"], HEADS), cos, sin).reshape(rows, KV_HEADS, group * length, HEAD_DIM)
    k = rotate(heads(layer["key"], KV_HEADS), cos, sin)
    scores = (q * HEAD_DIM**-0.5) @ k.transpose(0, 1, 3, 2)
    scores = scores.reshape(rows, HEADS, length, length) + bias
    shares = jax.nn.softmax(scores, -1).reshape(rows, KV_HEADS, group * length, length)
    mix = (shares @ heads(layer["value"], KV_HEADS)).reshape(rows, HEADS, length, HEAD_DIM)
    return mix.transpose(0, 2, 1, 3).reshape(rows * length, HEADS * HEAD_DIM) @ layer["output"].T


def norm(x, weight):
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + EPSILON) * weight


def rotate(x, cos, sin):
    a, b = jnp.split(x, 2, -1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)
