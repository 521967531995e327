"""Weights as safetensors with the names of HF's Llama."""

import json
import struct

import numpy as np

NAMES = {
    "attentionNorm": "input_layernorm",
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
    "ffnNorm": "post_attention_layernorm",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}


def save_safetensors(weights, path, dtype="F32"):
    """Header of JSON behind its length, then the tensors; https://github.com/huggingface/safetensors, "Format"."""
    tensors = {"model.embed_tokens.weight": weights["embedding"], "model.norm.weight": weights["finalNorm"]}
    for i, layer in enumerate(weights["layers"]):
        tensors |= {f"model.layers.{i}.{NAMES[name]}.weight": layer[name] for name in NAMES}
    numbers = {"F32": "<f4", "F16": "<f2"}[dtype]
    tensors = {name: np.asarray(tensor).astype(numbers) for name, tensor in tensors.items()}
    header, offset = {}, 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for tensor in tensors.values():
            file.write(tensor.tobytes())
