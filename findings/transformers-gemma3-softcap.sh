#!/usr/bin/env bash
# transformers 5.23.0: Gemma 3 takes attn_logit_softcapping, documents it, saves it, and computes without it.
#
# Expected: the field of Gemma3TextConfig is described as the cap on attention scores, c tanh(s / c), as in Gemma 2,
# where it works. A cap of 0.01 makes nearly all heads look everywhere alike.
# Seen: with a cap of 0.01 the logits of a Gemma 3 with random weights are the same to the last bit as without one, in
# the attention implementation "eager", which does it for Gemma 2. In Gemma 2 with the same size and cap they change.
# The neighbouring field final_logit_softcapping does work in Gemma 3. No warning. Gemma 3 as published has no cap; who
# trains with one trains without.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.23.0 numpy==2.4.6
cd "$work"
HF_HUB_OFFLINE=1 HF_HOME="$work" "$work/venv/bin/python" - 2>errors <<'PY' || { cat errors; exit 1; }
import torch
import transformers

SIZE = dict(vocab_size=16, hidden_size=32, intermediate_size=48, num_hidden_layers=2)
SIZE |= dict(num_attention_heads=4, num_key_value_heads=2, head_dim=8)


def logits(model, config, **caps):
    torch.manual_seed(0)
    made = model._from_config(config(**SIZE, **caps), attn_implementation="eager").eval()
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    with torch.no_grad():
        return made(torch.arange(12)[None]).logits


changed = {}
for name, model, config in (
    ("Gemma 2", transformers.Gemma2ForCausalLM, transformers.Gemma2Config),
    ("Gemma 3", transformers.Gemma3ForCausalLM, transformers.Gemma3TextConfig),
):
    plain = dict(attn_logit_softcapping=None, final_logit_softcapping=None)
    base = logits(model, config, **plain)
    for field in plain:
        changed[name, field] = (logits(model, config, **{**plain, field: 0.01}) - base).abs().max().item()
        print(f"{name}, {field} = 0.01: logits change by up to {changed[name, field]:.3g}")
assert changed.pop(("Gemma 3", "attn_logit_softcapping")) == 0, "the behaviour has changed"
assert min(changed.values()) > 1e-3
PY
