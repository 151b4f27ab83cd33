"""Files of torch.save, and what is in them: python3 torch_files.py."""
import base64
import collections
import io
import json
import os

import torch

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
base = torch.arange(12.0)


def saved(what, **options):
    f = io.BytesIO()
    torch.save(what, f, **options)
    return base64.b64encode(f.getvalue()).decode()


run = {
    "epoch": 3, "rate": 0.5, "name": "run", "ok": True, "settings": [1, 2], "model": model.state_dict(), "half": base.half(), "bfloat": base.bfloat16(), "turned": base.reshape(3, 4).t(),
    "part": base[4:8], "double": base[:2].double(), "int": base[:2].int(), "short": -base[:2].short(), "char": -base[:2].char(), "byte": base[:2].byte(), "large": torch.tensor([-1, 2 ** 40]), "truth": torch.tensor([True, False]), "empty": torch.zeros(0, 3), "single": torch.tensor(2.5), "parameter": torch.nn.Parameter(torch.ones(2)), "expanded": base[:2, None].expand(2, 3),
}
tensors = {**{f"model.{k}": v for k, v in model.state_dict().items()}, **{k: v for k, v in run.items() if isinstance(v, torch.Tensor)}}
odd = {"x": base[:2], "losses": collections.deque([0.5, 0.25], maxlen=9), "counts": collections.Counter("aab"), "kinds": {1, 2}, "fixed": frozenset([1]), "raw": bytearray(b"ab"), "long": b"x" * 300, "epoch": 3}
rows = {
    "odd 2": saved(odd), "odd 4": saved(odd, pickle_protocol=4), "odd 5": saved(odd, pickle_protocol=5), "spread": saved({"x": torch.full((1,), 2.0).expand(200, 100)}), "run": saved(run), "protocol 4": saved({"x": base[:2]}, pickle_protocol=4), "whole model": saved(model), "old": saved({"x": base[:2]}, _use_new_zipfile_serialization=False),
    "tensor": saved(base), "tensors": {k: {"shape": list(v.shape), "values": [float(x) for x in v.detach().flatten()]} for k, v in tensors.items()},
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepEdu.Tests", "Golden", "torch.json")
with open(path, "w") as f:
    json.dump(rows, f, separators=(",", ":"))
    f.write("\n")
print(f"{os.path.getsize(path)} bytes")
