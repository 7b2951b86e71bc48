#!/usr/bin/env python3
"""Writes data/networks/*.toml, the layer tables of the built-in networks.

Each network is built here from its published definition, layer by layer, so that every shape follows from a few
numbers of the paper or of the reference code named beside it. Identical layers are merged into one row with a count.
Plain Python 3, no dependencies:

    python3 scripts/make_networks.py            write the tables
    python3 scripts/make_networks.py --check    fail if a table on disk differs from what would be written

Heights and widths are given as one number where they are equal, as they are in all of these networks.
"""

import sys
from pathlib import Path

TABLES = Path(__file__).resolve().parent.parent / "data" / "networks"
LICENCE = "MIT OR Apache-2.0 (this table; layer shapes are facts)"
TORCHVISION = "torchvision, meta data of the pre-trained weights (num_params, _ops)"


class Network:
    """Collects the rows of one table."""

    def __init__(self, id, title, source, notes):
        self.id, self.title, self.source, self.notes = id, title, source, notes
        self.published, self.outside, self.rows = [], [], []

    def publish(self, quantity, value, within, source):
        """`within`: half a unit of the last printed digit, or 0 where the figure is printed exactly."""
        self.published.append((quantity, value, within, source))

    def keep_outside(self, name, parameters, why):
        self.outside.append((name, parameters, why))

    def add(self, name, op, fields, norm=False, bias=False, count=1, copies=None):
        """One row; `copies` is how many sets of weights the `count` runs use, where they are not all different."""
        copies = count if copies is None else copies
        fields = tuple(fields.items())
        for row in self.rows:
            alike = (row["op"], row["fields"], row["norm"], row["bias"]) == (op, fields, norm, bias)
            if alike and (row["copies"] == row["count"]) == (copies == count):
                row["count"] += count
                row["copies"] += copies
                row["also"].append(name)
                return
        self.rows.append(dict(name=name, op=op, fields=fields, norm=norm, bias=bias, count=count, copies=copies, also=[]))

    def conv(self, name, size, cin, cout, kernel, stride=1, pad=None, groups=1, dilation=1, norm=True, bias=False):
        """A convolution of a size x size input; returns the size of the output.

        `pad`: zeros at each edge as in PyTorch (default: kernel // 2), or "same" as in TensorFlow.
        """
        reach = dilation * (kernel - 1) + 1
        if pad == "same":
            out = -(-size // stride)
            padding = max(0, (out - 1) * stride + reach - size)
        else:
            padding = 2 * (kernel // 2 * dilation if pad is None else pad)
            out = (size + padding - reach) // stride + 1
        fields = dict(in_channels=cin, out_channels=cout, output=[out, out], kernel=[kernel, kernel])
        fields.update({"stride": [stride] * 2} if stride > 1 else {})
        fields.update({"dilation": [dilation] * 2} if dilation > 1 else {})
        fields.update({"padding": [padding] * 2} if padding > 0 else {})
        fields.update({"groups": groups} if groups > 1 else {})
        self.add(name, "conv2d", {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}, norm, bias)
        return out

    def depthwise(self, name, size, channels, kernel, stride=1, pad=None, dilation=1):
        return self.conv(name, size, channels, channels, kernel, stride, pad, channels, dilation)

    def matmul(self, name, m, n, k, second="weight", batch=1, bias=False, count=1, copies=None):
        """`batch` products of m x k by k x n; `second` says whether the k x n operand is a weight or an activation."""
        fields = {"batch": batch} if batch > 1 else {}
        fields.update(m=m, n=n, k=k, second=second)
        copies = 0 if second == "activation" else copies
        self.add(name, "matmul", fields, False, bias, count, copies)

    def fully_connected(self, name, cin, cout, bias=True):
        self.matmul(name, 1, cout, cin, bias=bias)

    def toml(self):
        lines = [f"# {self.title}.", "# Written by scripts/make_networks.py; change the network there.", ""]
        lines += ["schema = 1", f'id = "{self.id}"', f'title = "{self.title}"', f'source = "{self.source}"']
        lines += [f'licence = "{LICENCE}"', f'notes = "{self.notes}"']
        lines += [""] if self.published else []
        for quantity, value, within, source in self.published:
            fields = f"value = {number(value)}, within = {number(within)}, source = \"{source}\""
            lines.append(f"published.{quantity} = {{ {fields} }}")
        if self.outside:
            lines += ["", "# Parameters of the network that no layer below multiplies by."] + ["outside = ["]
            for name, parameters, why in self.outside:
                lines.append(f'  {{ name = "{name}", parameters = {number(parameters)}, why = "{why}" }},')
            lines.append("]")
        lines += ["", "layers = ["]
        for row in self.rows:
            lines.append(row_toml(row))
        return "\n".join(lines + ["]"]) + "\n"


def number(value):
    return f"{value:,}".replace(",", "_")


def row_toml(row):
    fields = []
    for key, value in row["fields"]:
        if isinstance(value, tuple):
            value = "[" + ", ".join(str(v) for v in value) + "]"
        elif isinstance(value, str):
            value = f'"{value}"'
        fields.append(f"{key} = {value}")
    parts = [f'name = "{row["name"]}"', f'{row["op"]} = {{ {", ".join(fields)} }}']
    parts += ["norm = true"] if row["norm"] else []
    parts += ["bias = true"] if row["bias"] else []
    parts += [f'count = {row["count"]}'] if row["count"] > 1 else []
    weighted = ("second", "activation") not in row["fields"]
    parts += [f'weight_copies = {row["copies"]}'] if weighted and row["copies"] != row["count"] else []
    also = row["also"][:3] + (["..."] if len(row["also"]) > 3 else [])
    return "  { " + ", ".join(parts) + " }," + (f"  # also {', '.join(also)}" if also else "")


def round_to(value, step):
    """Rounds a channel count to a multiple of `step`, never down by more than 10 %, as MobileNets do."""
    rounded = max(step, int(value + step / 2) // step * step)
    return rounded + step if rounded < 0.9 * value else rounded


# ---------------------------------------------------------------------------------------------- image classification


def alexnet():
    net = Network(
        "alexnet",
        "AlexNet, 227x227, batch 1, two groups in CONV2, CONV4 and CONV5",
        "Krizhevsky, Sutskever and Hinton, NIPS 2012, section 3.5; input 227 as in the Caffe reference model",
        "The network Eyeriss was measured on: the two-GPU original with grouped convolutions, not the one-tower "
        "variant of torchvision (61,100,840 parameters).",
    )
    survey = "Sze et al., Proc. IEEE 105(12), 2017, Table II"
    net.publish("macs", 724_000_000, 500_000, survey)
    net.publish("parameters", 61_000_000, 500_000, survey)
    size = net.conv("conv1", 227, 3, 96, 11, 4, 0, norm=False, bias=True)
    size = (size - 3) // 2 + 1
    size = net.conv("conv2", size, 96, 256, 5, groups=2, norm=False, bias=True)
    size = (size - 3) // 2 + 1
    size = net.conv("conv3", size, 256, 384, 3, norm=False, bias=True)
    size = net.conv("conv4", size, 384, 384, 3, groups=2, norm=False, bias=True)
    size = net.conv("conv5", size, 384, 256, 3, groups=2, norm=False, bias=True)
    size = (size - 3) // 2 + 1
    net.fully_connected("fc6", 256 * size * size, 4096)
    net.fully_connected("fc7", 4096, 4096)
    net.fully_connected("fc8", 4096, 1000)
    return net


def vgg16():
    net = Network(
        "vgg16",
        "VGG-16, 224x224, batch 1",
        "Simonyan and Zisserman, ICLR 2015, arXiv 1409.1556, Table 1, configuration D",
        "Without batch normalization.",
    )
    net.publish("macs", 15_470_000_000, 5_000_000, TORCHVISION)
    net.publish("parameters", 138_357_544, 0, TORCHVISION)
    size, cin = 224, 3
    for stage, (cout, depth) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for i in range(1, depth + 1):
            size = net.conv(f"conv{stage}_{i}", size, cin, cout, 3, norm=False, bias=True)
            cin = cout
        size //= 2
    net.fully_connected("fc6", 512 * size * size, 4096)
    net.fully_connected("fc7", 4096, 4096)
    net.fully_connected("fc8", 4096, 1000)
    return net


def resnet(id, title, bottleneck, depths, macs, parameters):
    net = Network(
        id,
        title,
        "He et al., CVPR 2016, arXiv 1512.03385, Table 1"
        + ("; stride on the 3x3 convolution (v1.5) as in torchvision" if bottleneck else ""),
        "Layer names follow torchvision; a name stands for all layers of the same shape.",
    )
    net.publish("macs", macs, 500_000, TORCHVISION)
    net.publish("parameters", parameters, 0, TORCHVISION)
    size = net.conv("conv1", 224, 3, 64, 7, 2)
    size, cin = (size + 2 - 3) // 2 + 1, 64
    for stage, depth in enumerate(depths, 1):
        width = 64 * 2 ** (stage - 1)
        cout = 4 * width if bottleneck else width
        for block in range(depth):
            stride = 2 if stage > 1 and block == 0 else 1
            name = f"layer{stage}.{block}"
            if bottleneck:
                net.conv(f"{name}.conv1", size, cin, width, 1)
                out = net.conv(f"{name}.conv2", size, width, width, 3, stride)
                net.conv(f"{name}.conv3", out, width, cout, 1)
            else:
                out = net.conv(f"{name}.conv1", size, cin, width, 3, stride)
                net.conv(f"{name}.conv2", out, width, width, 3)
            if block == 0 and (stride > 1 or cin != cout):
                net.conv(f"{name}.downsample", size, cin, cout, 1, stride)
            size, cin = out, cout
    net.fully_connected("fc", cin, 1000)
    return net


# MobileNetV2: Sandler et al., CVPR 2018, arXiv 1801.04381, Table 2: expansion, channels, repeats, stride.
MOBILENET_V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def mobilenet_v2_features(net, size, pad):
    """The convolutions up to the 1280 channels; returns the sizes after stride 16's last expansion and at the end."""
    size, cin, index, stride16 = net.conv("features.0", size, 3, 32, 3, 2, pad), 32, 1, None
    for expansion, cout, repeats, stride in MOBILENET_V2:
        for i in range(repeats):
            inner, name = cin * expansion, f"features.{index}"
            if expansion > 1:
                net.conv(f"{name}.expand", size, cin, inner, 1, pad=pad)
            if (cout, i) == (160, 0):
                stride16 = size
            size = net.depthwise(f"{name}.depthwise", size, inner, 3, stride if i == 0 else 1, pad)
            net.conv(f"{name}.project", size, inner, cout, 1, pad=pad)
            cin, index = cout, index + 1
    net.conv(f"features.{index}", size, cin, 1280, 1, pad=pad)
    return stride16, size


def mobilenet_v2():
    net = Network(
        "mobilenet-v2",
        "MobileNetV2, width 1.0, 224x224, batch 1",
        "Sandler et al., CVPR 2018, arXiv 1801.04381, Table 2",
        "35 convolutions and 17 depthwise convolutions, and one fully connected layer.",
    )
    net.publish("macs", 301_000_000, 500_000, TORCHVISION)
    net.publish("parameters", 3_504_872, 0, TORCHVISION)
    mobilenet_v2_features(net, 224, None)
    net.fully_connected("classifier", 1280, 1000)
    return net


# MobileNetV3-Large: Howard et al., ICCV 2019, arXiv 1905.02244, Table 1: kernel, expanded channels, channels, squeeze
# and excite, stride.
MOBILENET_V3 = [
    (3, 16, 16, False, 1), (3, 64, 24, False, 2), (3, 72, 24, False, 1), (5, 72, 40, True, 2), (5, 120, 40, True, 1),
    (5, 120, 40, True, 1), (3, 240, 80, False, 2), (3, 200, 80, False, 1), (3, 184, 80, False, 1),
    (3, 184, 80, False, 1), (3, 480, 112, True, 1), (3, 672, 112, True, 1), (5, 672, 160, True, 2),
    (5, 960, 160, True, 1), (5, 960, 160, True, 1),
]


def mobilenet_v3_features(net, size, tail):
    """The convolutions; `tail` divides the channels of the last stage. Returns the sizes at strides 16 and 32, channels."""
    size, cin, stride16 = net.conv("features.0", size, 3, 16, 3, 2), 16, None
    for index, (kernel, inner, cout, squeeze, stride) in enumerate(MOBILENET_V3, 1):
        inner, cout = (inner // tail if inner == 960 else inner), (cout // tail if cout == 160 else cout)
        name = f"features.{index}"
        if inner != cin:
            net.conv(f"{name}.expand", size, cin, inner, 1)
        if (inner, stride) == (672, 2):
            stride16 = size
        size = net.depthwise(f"{name}.depthwise", size, inner, kernel, stride)
        if squeeze:
            narrow = round_to(inner / 4, 8)
            net.fully_connected(f"{name}.squeeze", inner, narrow)
            net.fully_connected(f"{name}.excite", narrow, inner)
        net.conv(f"{name}.project", size, inner, cout, 1)
        cin = cout
    net.conv("features.16", size, cin, 6 * cin, 1)
    return stride16, size, 6 * cin


def mobilenet_v3_large():
    net = Network(
        "mobilenet-v3-large",
        "MobileNetV3-Large, width 1.0, 224x224, batch 1",
        "Howard et al., ICCV 2019, arXiv 1905.02244, Table 1; squeeze-and-excite widths as in torchvision",
        "Squeeze-and-excite and the two last layers work on a pooled vector and are written as matrix products.",
    )
    net.publish("macs", 217_000_000, 500_000, TORCHVISION)
    net.publish("parameters", 5_483_032, 0, TORCHVISION)
    _, _, channels = mobilenet_v3_features(net, 224, 1)
    net.fully_connected("classifier.0", channels, 1280)
    net.fully_connected("classifier.3", 1280, 1000)
    return net


# MobileNetEdgeTPU: tensorflow/models, research/slim/nets/mobilenet/mobilenet_v3.py, V3_EDGETPU: fused, kernel, stride,
# expansion, channels. A fused block with expansion 1 has no expanding convolution.
EDGETPU = (
    [(True, 3, 1, 1, 16), (True, 3, 2, 8, 32)] + [(True, 3, 1, 4, 32)] * 3
    + [(True, 3, 2, 8, 48)] + [(True, 3, 1, 4, 48)] * 3
    + [(False, 3, 2, 8, 96)] + [(False, 3, 1, 4, 96)] * 3
    + [(False, 3, 1, 8, 96)] + [(False, 3, 1, 4, 96)] * 3
    + [(False, 5, 2, 8, 160)] + [(False, 5, 1, 4, 160)] * 3 + [(False, 3, 1, 8, 192)]
)


def mobilenet_edgetpu():
    net = Network(
        "mobilenet-edgetpu",
        "MobileNetEdgeTPU, depth multiplier 1.0, 224x224, batch 1",
        "tensorflow/models, research/slim/nets/mobilenet/mobilenet_v3.py, V3_EDGETPU",
        "45 convolutions and 13 depthwise convolutions. 1001 classes, as in the reference code.",
    )
    table = "tensorflow/models, research/slim/nets/mobilenet/README.md, table MobilenetEdgeTPU dm=1"
    net.publish("macs", 990_000_000, 1_000_000, table)
    net.publish("parameters", 4_000_000, 100_000, table + ", which does not say how it rounds or what it counts")
    size, cin = net.conv("conv", 224, 3, 32, 3, 2, "same"), 32
    for index, (fused, kernel, stride, expansion, cout) in enumerate(EDGETPU, 1):
        inner, name = cin * expansion, f"block{index}"
        if fused and expansion > 1:
            size = net.conv(f"{name}.expand", size, cin, inner, kernel, stride, "same")
        if not fused:
            net.conv(f"{name}.expand", size, cin, inner, 1, pad="same")
            size = net.depthwise(f"{name}.depthwise", size, inner, kernel, stride, "same")
        net.conv(f"{name}.project", size, inner, cout, 1, pad="same")
        cin = cout
    net.conv("head", size, cin, 1280, 1, pad="same")
    net.fully_connected("logits", 1280, 1001)
    return net


# --------------------------------------------------------------------------------------------------- object detection


def ssd_mobilenet_v1():
    net = Network(
        "ssd-mobilenet-v1",
        "SSD MobileNetV1, 300x300, batch 1 (public stand-in for PRIME's private M4)",
        "Backbone: Howard et al., arXiv 1704.04861, Table 1; extra layers and heads: tensorflow/models, "
        "research/object_detection, ssd_mobilenet_v1_coco",
        "PRIME's M4 is a private model whose shapes are not published: this is not it, only a public detector in its place. "
        "Box heads are 1x1, 91 classes.",
    )
    mlperf = "Reddi et al., MLPerf Inference, ISCA 2020, arXiv 1911.02549, Table I (2.47 G operations, two to a MAC)"
    net.publish("macs", 1_235_000_000, 2_500_000, mlperf)
    net.publish("parameters", 6_800_000, 50_000, "Howard et al., arXiv 1704.04861, Table 13 (MLPerf prints 6.91 M)")
    size, cin = net.conv("conv0", 300, 3, 32, 3, 2, "same"), 32
    features = []
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    for index, (cout, stride) in enumerate(blocks, 1):
        size = net.depthwise(f"conv{index}.depthwise", size, cin, 3, stride, "same")
        net.conv(f"conv{index}.pointwise", size, cin, cout, 1)
        cin = cout
        if index in (11, 13):
            features.append((size, cout))
    for index, cout in enumerate([512, 256, 256, 128], 2):
        net.conv(f"extra{index}.reduce", size, cin, cout // 2, 1)
        size = net.conv(f"extra{index}.conv", size, cout // 2, cout, 3, 2, "same")
        cin = cout
        features.append((size, cout))
    for index, (size, channels) in enumerate(features):
        anchors = 3 if index == 0 else 6
        net.conv(f"head{index}.boxes", size, channels, 4 * anchors, 1, norm=False, bias=True)
        net.conv(f"head{index}.classes", size, channels, 91 * anchors, 1, norm=False, bias=True)
    return net


def ssdlite_extras_and_heads(net, features, size, cin, pad, first_anchors, classes):
    """Sandler et al. 2018, section 6.2: four separable extra stages, and separable heads on all six feature maps."""
    for index, cout in enumerate([512, 256, 256, 128]):
        net.conv(f"extra{index}.reduce", size, cin, cout // 2, 1)
        size = net.depthwise(f"extra{index}.depthwise", size, cout // 2, 3, 2, pad)
        net.conv(f"extra{index}.project", size, cout // 2, cout, 1)
        cin = cout
        features.append((size, cout))
    for index, (size, channels) in enumerate(features):
        anchors = first_anchors if index == 0 else 6
        for head, outputs in [("boxes", 4 * anchors), ("classes", classes * anchors)]:
            net.depthwise(f"head{index}.{head}.depthwise", size, channels, 3, pad=pad)
            net.conv(f"head{index}.{head}", size, channels, outputs, 1, norm=False, bias=True)


def ssdlite_mobilenet_v2():
    net = Network(
        "ssdlite-mobilenet-v2",
        "SSDLite MobileNetV2, 320x320, batch 1 (public stand-in for PRIME's private M5)",
        "Sandler et al., CVPR 2018, arXiv 1801.04381, section 6.2; extra layers and anchors: tensorflow/models, "
        "research/object_detection, ssdlite_mobilenet_v2_coco",
        "PRIME's M5 is a private model whose shapes are not published: this is not it, only a public detector in its place. "
        "Three anchors on the first map, six on the others. 81 classes (80 of COCO and the background) give the published total; the released model pads them to 91 (4.50 M parameters).",
    )
    table = "Sandler et al., CVPR 2018, arXiv 1801.04381, Table 6"
    net.publish("macs", 800_000_000, 50_000_000, table)
    net.publish("parameters", 4_300_000, 50_000, table)
    stride16, size = mobilenet_v2_features(net, 320, "same")
    ssdlite_extras_and_heads(net, [(stride16, 576), (size, 1280)], size, 1280, "same", 3, 81)
    return net


def ssdlite_mobilenet_v3():
    net = Network(
        "ssdlite-mobilenet-v3",
        "SSDLite MobileNetV3-Large, 320x320, batch 1 (public stand-in for PRIME's private M6)",
        "Howard et al., ICCV 2019, arXiv 1905.02244, section 6.3; torchvision, ssdlite320_mobilenet_v3_large",
        "PRIME's M6 is a private model whose shapes are not published: this is not it, only a public detector in its place. "
        "Last stage halved as in Table 6 of the paper; 91 classes, six anchors.",
    )
    net.publish("macs", 583_000_000, 500_000, TORCHVISION)
    net.publish("parameters", 3_440_060, 0, TORCHVISION)
    stride16, size, channels = mobilenet_v3_features(net, 320, 2)
    ssdlite_extras_and_heads(net, [(stride16, 672), (size, channels)], size, channels, None, 6, 91)
    return net


# ------------------------------------------------------------------------------------------------------- segmentation


def unet():
    net = Network(
        "unet",
        "U-Net, 32 to 512 channels, 256x256, batch 1",
        "Ronneberger et al., MICCAI 2015, arXiv 1505.04597, in the padded, batch-normalized form of "
        "mateuszbuda/brain-segmentation-pytorch, unet.py (init_features 32)",
        "There is no one U-Net: this is a public one of a size for edge devices, and need not be PRIME's. A 2x2 transposed convolution of stride 2 is written as the 1x1 convolution to four times the "
        "channels that it equals; its biases are counted outside.",
    )
    net.publish("parameters", 7_763_041, 0, "parameter count of unet.py with its default arguments, as printed by its users")
    size, cin = 256, 3
    widths = [32, 64, 128, 256]
    for index, width in enumerate(widths, 1):
        net.conv(f"encoder{index}.conv1", size, cin, width, 3)
        net.conv(f"encoder{index}.conv2", size, width, width, 3)
        size, cin = size // 2, width
    net.conv("bottleneck.conv1", size, cin, 512, 3)
    net.conv("bottleneck.conv2", size, 512, 512, 3)
    cin = 512
    for index, width in reversed(list(enumerate(widths, 1))):
        net.conv(f"upconv{index}", size, cin, 4 * width, 1, norm=False)
        size *= 2
        net.conv(f"decoder{index}.conv1", size, 2 * width, width, 3)
        net.conv(f"decoder{index}.conv2", size, width, width, 3)
        cin = width
    net.conv("conv", size, cin, 1, 1, norm=False, bias=True)
    net.keep_outside("biases of the transposed convolutions", sum(widths), "one per channel, not per 1x1 output")
    return net


# ------------------------------------------------------------------------------------------------------- transformers


def transformer_block(net, tokens, hidden, heads, inner):
    """One block of BERT or GPT-2: fused or separate projections have the same products."""
    net.matmul("query", tokens, hidden, hidden, bias=True)
    net.matmul("key", tokens, hidden, hidden, bias=True)
    net.matmul("value", tokens, hidden, hidden, bias=True)
    net.matmul("scores", tokens, tokens, hidden // heads, "activation", heads)
    net.matmul("context", tokens, hidden // heads, tokens, "activation", heads)
    net.matmul("attention output", tokens, hidden, hidden, bias=True)
    net.matmul("intermediate", tokens, inner, hidden, bias=True)
    net.matmul("output", tokens, hidden, inner, bias=True)


def bert_base():
    net = Network(
        "bert-base",
        "BERT-base, 128 tokens, batch 1",
        "Devlin et al., NAACL 2019, arXiv 1810.04805, section 3 (12 layers, 768 hidden, 12 heads)",
        "Encoder and pooler; the head of a task is not included.",
    )
    net.publish("macs", 11_250_000_000, 112_500_000, "Sun et al., MobileBERT, ACL 2020, arXiv 2004.02984, Table 4 "
                "(22.5 B operations at 128 tokens, two to a MAC; other counts of the same network differ by 1 %)")
    net.publish("parameters", 109_482_240, 0, "bert-base-uncased without a task head, as counted by huggingface/transformers")
    for _ in range(12):
        transformer_block(net, 128, 768, 12, 3072)
    net.fully_connected("pooler", 768, 768)
    net.keep_outside("embeddings", (30522 + 512 + 2) * 768, "looked up: 30,522 words, 512 positions, 2 segments")
    net.keep_outside("layer normalizations", (1 + 2 * 12) * 2 * 768, "element-wise: after the embeddings, two in a layer")
    return net


def gpt2():
    net = Network(
        "gpt2",
        "GPT-2 small, prefill of 1,024 tokens, batch 1",
        "Radford et al. 2019, Table 2 (12 layers, 768 hidden), as in openai/gpt-2, hparams of 124M",
        "The full square of attention scores is counted, as hardware without support for causal masks computes it. Logits of "
        "the last token only; their matrix is the word embedding.",
    )
    net.publish("parameters", 124_439_808, 0, "gpt2, as counted by huggingface/transformers")
    for _ in range(12):
        transformer_block(net, 1024, 768, 12, 3072)
    net.matmul("logits", 1, 50257, 768)
    net.keep_outside("position embeddings", 1024 * 768, "looked up: 1,024 positions")
    net.keep_outside("layer normalizations", (2 * 12 + 1) * 2 * 768, "element-wise: two in a layer, one at the end")
    return net


def llama3_8b_layer(stage, tokens, context):
    decode = stage == "decode"
    net = Network(
        f"llama-3-8b-{stage}",
        "One layer of Llama 3 8B, "
        + (f"decode of one token with a KV cache of {context:,} tokens, batch 1" if decode else f"prefill of {tokens:,} tokens, batch 1"),
        "Llama Team, arXiv 2407.21783, Table 3 (4,096 hidden, 14,336 inner, 32 heads, 8 key-value heads)",
        "One of 32 equal layers; embeddings and logits are not included. The four query heads that share a key-value head are "
        "rows of one product. "
        + ("The cache holds the new token's key and value." if decode
           else "The full square of attention scores is counted, as hardware without support for causal masks computes it."),
    )
    net.publish("parameters", 218_112_000, 0, "(8,030,261,248 - 2 x 128,256 x 4,096 - 4,096) / 32: count of "
                "meta-llama/Meta-Llama-3-8B less embeddings, logits and last norm")
    hidden, inner, heads, kv_heads, head = 4096, 14336, 32, 8, 128
    net.matmul("query", tokens, hidden, hidden)
    net.matmul("key", tokens, kv_heads * head, hidden)
    net.matmul("value", tokens, kv_heads * head, hidden)
    net.matmul("scores", tokens * heads // kv_heads, context, head, "activation", kv_heads)
    net.matmul("context", tokens * heads // kv_heads, head, context, "activation", kv_heads)
    net.matmul("attention output", tokens, hidden, hidden)
    net.matmul("gate", tokens, inner, hidden)
    net.matmul("up", tokens, inner, hidden)
    net.matmul("down", tokens, hidden, inner)
    net.keep_outside("root-mean-square normalizations", 2 * hidden, "element-wise: before attention, before the feed-forward part")
    return net


# ------------------------------------------------------------------------------------------ speech and recommendation

RNNT_SOURCE = "MLPerf Inference RNN-T, mlcommons/inference, speech_recognition/rnnt/pytorch/configs/rnnt.toml"
RNNT_NOTE = "PRIME's t-RNN models are private; this is the public speech transducer of MLPerf in their place. "


def lstm(net, name, inputs, hidden, steps):
    """Four gates; the input product of all steps is one, the recurrent one runs step by step on the same weights."""
    net.matmul(f"{name}.input", steps, 4 * hidden, inputs, bias=True)
    net.matmul(f"{name}.recurrent", 1, 4 * hidden, hidden, bias=True, count=steps, copies=1)


def rnnt_encoder():
    net = Network(
        "rnnt-encoder",
        "RNN-T encoder, one streaming step, batch 1",
        RNNT_SOURCE,
        RNNT_NOTE + "One step takes two stacked input frames "
        "(240 features each) through two LSTM layers, joins them, and takes the pair through three more (1,024 hidden).",
    )
    lstm(net, "pre0", 240, 1024, 2)
    lstm(net, "pre1", 1024, 1024, 2)
    lstm(net, "post0", 2048, 1024, 1)
    lstm(net, "post1", 1024, 1024, 1)
    lstm(net, "post2", 1024, 1024, 1)
    return net


def rnnt_decoder():
    net = Network(
        "rnnt-decoder",
        "RNN-T prediction and joint networks, one label, batch 1",
        RNNT_SOURCE,
        RNNT_NOTE + "320 hidden, 29 labels, joint network of 512.",
    )
    lstm(net, "prediction0", 320, 320, 1)
    lstm(net, "prediction1", 320, 320, 1)
    net.fully_connected("joint0", 1024 + 320, 512)
    net.fully_connected("joint1", 512, 29)
    net.keep_outside("embedding", 28 * 320, "looked up: 28 labels without the blank")
    return net


# Rows of the 26 embedding tables: the Criteo Terabyte counts capped at 40 million, mlcommons/inference,
# recommendation/dlrm (ln_emb).
DLRM_ROWS = [
    39884406, 39043, 17289, 7420, 20263, 3, 7120, 1543, 63, 38532951, 2953546, 403346, 10, 2208, 11938, 155, 4, 976, 14,
    39979771, 25641295, 39664984, 585935, 12972, 108, 36,
]


def dlrm():
    batch = 128
    net = Network(
        "dlrm",
        "DLRM of MLPerf, batch 128",
        "Naumov et al., arXiv 1906.00091; facebookresearch/dlrm, bench/run_and_time.sh (bottom 13-512-256-128, top "
        "1024-1024-512-256-1, 26 tables of width 128)",
        "Both MLPs and the dot-product interaction. Embedding lookups are outside: they move data and multiply nothing. The "
        "interaction is counted as the full 27 x 27 product, of which the network keeps the 351 pairs. Batch 128 is our choice.",
    )
    widths = [13, 512, 256, 128]
    for index, (k, n) in enumerate(zip(widths, widths[1:])):
        net.matmul(f"bottom{index}", batch, n, k, bias=True)
    vectors = len(DLRM_ROWS) + 1
    net.matmul("interaction", vectors, vectors, 128, "activation", batch)
    widths = [128 + vectors * (vectors - 1) // 2, 1024, 1024, 512, 256, 1]
    for index, (k, n) in enumerate(zip(widths, widths[1:])):
        net.matmul(f"top{index}", batch, n, k, bias=True)
    net.keep_outside("embedding tables", sum(DLRM_ROWS) * 128, "looked up: 26 tables, 187,767,399 rows of 128")
    return net


def networks():
    yield alexnet()
    yield bert_base()
    yield dlrm()
    yield gpt2()
    yield llama3_8b_layer("decode", 1, 2048)
    yield llama3_8b_layer("prefill", 2048, 2048)
    yield mobilenet_edgetpu()
    yield mobilenet_v2()
    yield mobilenet_v3_large()
    yield resnet("resnet18", "ResNet-18, 224x224, batch 1", False, [2, 2, 2, 2], 1_814_000_000, 11_689_512)
    yield resnet("resnet50", "ResNet-50 v1.5, 224x224, batch 1", True, [3, 4, 6, 3], 4_089_000_000, 25_557_032)
    yield rnnt_decoder()
    yield rnnt_encoder()
    yield ssd_mobilenet_v1()
    yield ssdlite_mobilenet_v2()
    yield ssdlite_mobilenet_v3()
    yield unet()
    yield vgg16()


def main():
    stale = []
    for net in networks():
        path = TABLES / f"{net.id}.toml"
        if "--check" in sys.argv:
            stale += [] if path.exists() and path.read_text() == net.toml() else [str(path)]
        else:
            path.write_text(net.toml())
    if stale:
        sys.exit("differs from what scripts/make_networks.py writes: " + ", ".join(stale))


if __name__ == "__main__":
    main()
