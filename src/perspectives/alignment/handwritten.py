"""The symmetries of three architectures, written down by hand from their definitions: what inference must find."""

from perspectives.alignment.networks import BLOCKS_PER_STAGE, STAGES

Partition = set[frozenset[tuple[str, int]]]
"""Groups of places, a place being an array and one of its axes."""


def perceptron_partition(depth: int) -> Partition:
    """Return the groups of a perceptron with `depth` hidden layers: rows and bias of each, columns of the next."""
    return {
        frozenset({(f".layers[{i}].weight", 0), (f".layers[{i}].bias", 0), (f".layers[{i + 1}].weight", 1)})
        for i in range(depth)
    }


def vgg_partition(convolutions: int) -> Partition:
    """Return the groups of `networks.Vgg`: as in a perceptron, the last channels meeting the columns of the head.

    **Source**: as git-re-basin's specification of VGG16, for this depth.
    """
    layers = [f".convolutions[{i}]" for i in range(convolutions)] + [".hidden", ".head"]
    return {
        frozenset({(f"{here}.weight", 0), (f"{here}.bias", 0), (f"{following}.weight", 1)})
        for here, following in zip(layers, layers[1:], strict=False)
    }


def resnet20_partition() -> Partition:
    """Return the groups of ResNet20: three residual streams, and the channels inside each of its nine blocks.

    **Source**: the same twelve groups as git-re-basin's specification of ResNet20. A stage's stream is written by its
    last convolutions and its projection, and read by the next convolutions, the next projection or the head.
    """
    blocks = range(BLOCKS_PER_STAGE * len(STAGES))
    inside = {_written(f".blocks[{i}].first") | {(f".blocks[{i}].second.convolution.weight", 1)} for i in blocks}
    streams = []
    for stage in range(len(STAGES)):
        own = range(BLOCKS_PER_STAGE * stage, BLOCKS_PER_STAGE * (stage + 1))
        places = frozenset[tuple[str, int]]().union(*(_written(f".blocks[{i}].second") for i in own))
        places |= _written(".stem") if stage == 0 else _written(f".blocks[{own[0]}].shortcut")
        # The first block of a later stage reads the stream before it.
        places |= {(f".blocks[{i}].first.convolution.weight", 1) for i in (own if stage == 0 else own[1:])}
        following = own[-1] + 1
        if following in blocks:
            places |= {(f".blocks[{following}].{way}.convolution.weight", 1) for way in ("first", "shortcut")}
        else:
            places |= {(".head.weight", 1)}
        streams.append(places)
    return inside | set(streams)


def _written(layer: str) -> frozenset[tuple[str, int]]:
    """Return the places of the channels that a normalised convolution writes."""
    return frozenset(
        {(f"{layer}.convolution.weight", 0), *((f"{layer}.norm.{p}", 0) for p in ("gamma", "beta", "tau"))}
    )
