"""The network of the peers: resnet15 from the weights that peers_calotype --prepare wrote, as an ONNX model or for PyTorch."""
import json
import pathlib

import numpy as np

INPUTS = {"EB": (1, 170, 360), "CMSB": (3, 170, 360), "CMSII": (3, 280, 360), "JET": (3, 125, 125), "TINY": (1, 32, 32)}
BLOCKS = ["layer1.0", "layer1.1", "layer1.2", "layer2.0", "layer3.0", "layer3.1", "layer3.2"]


def weights(folder, net):
    """{name: array} of a safetensors file."""
    data = (pathlib.Path(folder) / f"weights-{INPUTS[net][0]}.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}"
            tensors[name] = np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"]).copy()
    return tensors


def images(folder, net, kind):
    """(events, channels, rows, columns) float32."""
    numbers = np.fromfile(pathlib.Path(folder) / f"{net}-{kind}.f32", "<f4")
    return numbers.reshape(-1, *INPUTS[net])


def onnx_model(folder, net, batch):
    """The network for a fixed batch, serialised."""
    from onnx import TensorProto, helper, numpy_helper
    tensors, nodes = weights(folder, net), []
    used = []

    def conv(layer, source, stride, padding):
        used.extend([f"{layer}.weight", f"{layer}.bias"])
        window = tensors[f"{layer}.weight"].shape[2]
        nodes.append(helper.make_node("Conv", [source, f"{layer}.weight", f"{layer}.bias"], [layer],
                                      kernel_shape=[window] * 2, strides=[stride] * 2, pads=[padding] * 4))
        return layer

    def relu(source):
        nodes.append(helper.make_node("Relu", [source], [f"{source}.relu"]))
        return f"{source}.relu"

    now = relu(conv("conv0", "image", 2, 1))
    nodes.append(helper.make_node("MaxPool", [now], ["pool"], kernel_shape=[2, 2], strides=[2, 2]))
    now = "pool"
    for block in BLOCKS:
        stride = 2 if block == "layer2.0" else 1
        inner = conv(f"{block}.conv2", relu(conv(f"{block}.conv1", now, stride, 1)), 1, 1)
        shortcut = conv(f"{block}.shortcut", now, stride, 0) if stride == 2 else now
        nodes.append(helper.make_node("Add", [inner, shortcut], [f"{block}.sum"]))
        now = relu(f"{block}.sum")
    used.extend(["fc.weight", "fc.bias"])
    nodes += [helper.make_node("GlobalMaxPool", [now], ["maxima"]), helper.make_node("Flatten", ["maxima"], ["features"]),
              helper.make_node("Gemm", ["features", "fc.weight", "fc.bias"], ["logits"], transB=1)]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "resnet15", [value("image", TensorProto.FLOAT, [batch, *INPUTS[net]])],
                              [value("logits", TensorProto.FLOAT, [batch, 3])],
                              [numpy_helper.from_array(tensors[name], name) for name in used])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def torch_module(folder, net):
    """The network as a torch.nn.Module with the same names; unused shortcuts are left out."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, inputs, filters):
            super().__init__()
            stride = filters // inputs
            self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1)
            self.shortcut = nn.Conv2d(inputs, filters, 1, stride) if stride == 2 else nn.Identity()

        def forward(self, x):
            return F.relu(self.conv2(F.relu(self.conv1(x))) + self.shortcut(x))

    class Resnet15(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv0 = nn.Conv2d(INPUTS[net][0], 16, 7, 2, 1)
            self.layer1 = nn.Sequential(Block(16, 16), Block(16, 16), Block(16, 16))
            self.layer2 = nn.Sequential(Block(16, 32))
            self.layer3 = nn.Sequential(Block(32, 32), Block(32, 32), Block(32, 32))
            self.fc = nn.Linear(32, 3)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv0(x)), 2)
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))

    network = Resnet15()
    wanted = network.state_dict()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights(folder, net).items() if name in wanted})
    return network
