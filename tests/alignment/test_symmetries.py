from collections.abc import Callable
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.alignment import propagation
from perspectives.alignment.networks import ResNet20, perceptron
from perspectives.alignment.permutations import Symmetries, drawn, inverse, permuted
from perspectives.alignment.posterior import initial
from perspectives.alignment.priors import prior
from perspectives.alignment.symmetries import SymmetryError, infer_symmetries
from perspectives.numerics.trees import named_arrays, with_arrays

KEY = jax.random.key(0)
"""Of no consequence: networks here get other arrays than those they would draw."""


def hollow(make):
    """A network with arrays of zeros: to draw them takes longer than all the rest."""
    network = eqx.filter_eval_shape(make)
    return jax.tree.map(
        lambda leaf: jnp.asarray(np.zeros(leaf.shape, leaf.dtype)) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf,
        network,
    )


def inferred(make, example, *, key=None):
    return infer_symmetries(hollow(make), example, key=key)


def linear(features, out):
    return eqx.nn.Linear(features, out, key=KEY)


def conv(channels, out, size=3, **options):
    return eqx.nn.Conv2d(channels, out, size, padding=size // 2, key=KEY, **options)


class Sandwich(eqx.Module):
    """Something done to six hidden units between two linear layers."""

    first: eqx.nn.Linear
    middle: Any
    last: eqx.nn.Linear
    act: Callable = eqx.field(static=True)

    def __call__(self, x):
        return self.last(self.act(self.middle, self.first(x)))


def sandwich(act, middle=None, *, units=6, out=6):
    return Sandwich(linear(3, units), middle, linear(out, 2), act)


class Vgg(eqx.Module):
    """Convolutions and pooling, then a perceptron on what is flattened as channel, row, column."""

    convolutions: list[eqx.nn.Conv2d]
    layers: list[eqx.nn.Linear]

    def __init__(self):
        self.convolutions = [conv(3, 4), conv(4, 5), conv(5, 6)]
        self.layers = [linear(6 * 2 * 3, 7), linear(7, 2)]

    def __call__(self, x):
        for layer in self.convolutions:
            x = jax.nn.relu(layer(x))
        x = eqx.nn.MaxPool2d(2, 2)(x)
        return self.layers[1](jax.nn.relu(self.layers[0](x.ravel())))


class Maps(eqx.Module):
    """A convolution, something done to eight channels, and a head on their means."""

    first: eqx.nn.Conv2d
    middle: Any
    head: eqx.nn.Linear

    def __init__(self, middle, out=8):
        self.first, self.middle, self.head = conv(2, 8), middle, linear(out, 3)

    def __call__(self, x):
        return self.head(jnp.mean(jax.nn.relu(self.middle(jax.nn.relu(self.first(x)))), (1, 2)))


class Attention(eqx.Module):
    """One block of a transformer, before norms, on five tokens."""

    embedding: eqx.nn.Embedding
    attention: eqx.nn.MultiheadAttention
    up: eqx.nn.Linear
    down: eqx.nn.Linear
    head: eqx.nn.Linear

    def __init__(self):
        self.embedding = eqx.nn.Embedding(7, 6, key=KEY)
        self.attention = eqx.nn.MultiheadAttention(2, 6, qk_size=4, vo_size=3, key=KEY)
        self.up, self.down, self.head = linear(6, 8), linear(8, 6), linear(6, 3)

    def __call__(self, tokens):
        x = jax.vmap(self.embedding)(tokens)
        x = x + self.attention(x, x, x)
        x = x + jax.vmap(lambda token: self.down(jax.nn.gelu(self.up(token))))(x)
        return self.head(x.mean(0))


class ScannedBlocks(eqx.Module):
    """Residual blocks of two matrices each, stacked and scanned: a permutation for all blocks alike."""

    first: eqx.nn.Linear
    up: jax.Array
    down: jax.Array
    head: eqx.nn.Linear

    def __init__(self):
        self.first, self.head = linear(3, 6), linear(6, 2)
        self.up, self.down = jnp.ones((4, 5, 6)), jnp.ones((4, 6, 5))

    def __call__(self, x):
        def block(x, arrays):
            up, down = arrays
            return x + down @ jax.nn.relu(up @ x), jnp.sum(x)

        x, sums = jax.lax.scan(block, self.first(x), (self.up, self.down))
        return self.head(x) + jnp.sum(sums)


class Recurrent(eqx.Module):
    cell: Any
    head: eqx.nn.Linear

    def __call__(self, xs):
        units = self.cell.hidden_size
        state, _ = jax.lax.scan(lambda h, x: (self.cell(x, h), None), jnp.zeros(units), xs)
        return self.head(state)


class ElmanCell(eqx.Module):
    inner: eqx.nn.Linear
    outer: eqx.nn.Linear
    hidden_size: int = eqx.field(static=True)

    def __call__(self, x, h):
        return jnp.tanh(self.outer(x) + self.inner(h))


def controlled(up, h):
    """Both branches, a loop of unknown length and rematerialisation."""
    h = jax.lax.cond(jnp.sum(h) > 0, jax.nn.relu, lambda h: -h, h)
    h = jax.lax.while_loop(lambda h: jnp.sum(h**2) > 1, lambda h: h / (1 + h.max()) / 2, h)
    return jax.checkpoint(lambda h: up(jax.nn.silu(h)))(h)


IMAGE, MAP = np.ones((8, 8, 1)), np.ones((2, 6, 6))
TOKENS = np.asarray([0, 3, 6, 2, 2])

MODELS: dict[str, tuple[Callable[[], Any], np.ndarray]] = {
    "perceptron": (lambda: perceptron(64, 9, 3, 10, key=KEY, dtype=jnp.float64), IMAGE),
    "equinox mlp": (lambda: eqx.nn.MLP(3, 2, 5, 2, key=KEY), np.ones(3)),
    "layer norm": (lambda: sandwich(lambda norm, h: jax.nn.gelu(norm(h)), eqx.nn.LayerNorm(6)), np.ones(3)),
    "prelu": (lambda: sandwich(lambda act, h: act(h), eqx.nn.PReLU()), np.ones(3)),
    "softmax": (lambda: sandwich(lambda _, h: jax.nn.softmax(h) + jax.nn.logsumexp(h)), np.ones(3)),
    "gated": (lambda: sandwich(lambda _, h: jax.nn.glu(h), out=3), np.ones(3)),
    "control flow": (lambda: sandwich(controlled, linear(6, 4), out=4), np.ones(3)),
    "vgg": (Vgg, np.ones((3, 4, 6))),
    "group norm": (lambda: Maps(eqx.nn.GroupNorm(4, 8)), MAP),
    "depthwise": (lambda: Maps(conv(8, 8, groups=8)), MAP),
    "depthwise, two filters a channel": (lambda: Maps(conv(8, 16, groups=8), 16), MAP),
    "grouped": (lambda: Maps(conv(8, 12, groups=4), 12), MAP),
    "attention": (Attention, TOKENS),
    "scanned blocks": (ScannedBlocks, np.ones(3)),
    "resnet20": (
        lambda: ResNet20(1, key=KEY, dtype=jnp.float64),
        np.ones((32, 32, 3)),
    ),
}


class Known:
    """A model with random arrays in float64, its symmetries and its function, compiled once."""

    def __init__(self, name):
        make, example = MODELS[name]
        self.model = hollow(make)
        self.symmetries = infer_symmetries(self.model, example)
        generator = np.random.default_rng(1)
        self.arrays = {name: self._random(array.shape, generator) for name, array in named_arrays(self.model).items()}
        inputs = generator.normal(size=example.shape) if example.dtype == np.float64 else example
        function = eqx.filter_jit(lambda model, x: model(x))
        self.outputs = lambda arrays: np.asarray(function(with_arrays(self.model, arrays), jnp.asarray(inputs)))

    @staticmethod
    def _random(shape, generator):
        fan_in = np.prod(shape[1:])
        return generator.normal(size=shape) * fan_in**-0.5 + (fan_in == 1)

    def change(self, arrays):
        """The greatest change of outputs over the greatest output."""
        before = self.outputs(self.arrays)
        return np.abs(self.outputs(arrays) - before).max() / np.abs(before).max()


@pytest.fixture(scope="module")
def known():
    return cache(Known)


@pytest.fixture(params=list(MODELS))
def network(request, known):
    return known(request.param)


# ---- Laws, for every network


def test_permuted_networks_compute_the_same_function(network):
    generator = np.random.default_rng(2)
    for _ in range(3):
        moved = permuted(network.arrays, drawn(network.symmetries, generator), network.symmetries)
        # Sums in another order: some hundred roundings of 1e-16.
        assert network.change(moved) <= 1e-12


def test_a_forgotten_array_changes_the_function(network):
    """So the law above can fail: each array that a group labels must move with it."""
    permutations = {group: np.roll(np.arange(size), 1) for group, size in network.symmetries.sizes.items()}
    moved = permuted(network.arrays, permutations, network.symmetries)
    for name in moved:
        if not np.array_equal(moved[name], network.arrays[name]):
            # A thousand million times what rounding does.
            assert network.change(moved | {name: network.arrays[name]}) > 1e-4, name


def test_inverse_permutation_undoes(network):
    permutations = drawn(network.symmetries, np.random.default_rng(3))
    moved = permuted(network.arrays, permutations, network.symmetries)
    np.testing.assert_equal(permuted(moved, inverse(permutations), network.symmetries), network.arrays)


def test_json_round_trip(network):
    assert Symmetries.from_json(network.symmetries.to_json()) == network.symmetries


def test_groups_are_named_after_their_first_place(network):
    for group, places in network.symmetries.places.items():
        name, axis = places[0]
        assert group.startswith(f"{name}:{axis}")


# ---- Partitions written by hand from the architectures


def by_hand(*groups):
    """Groups as lines of `array:axis`, apart by spaces."""
    places = ([place.rsplit(":", 1) for place in group.split()] for group in groups)
    return {frozenset((name, int(axis)) for name, axis in group) for group in places}


def test_perceptron_has_a_group_for_each_hidden_layer(known):
    assert known("perceptron").symmetries.partition() == by_hand(
        ".layers[0].weight:0 .layers[0].bias:0 .layers[1].weight:1",
        ".layers[1].weight:0 .layers[1].bias:0 .layers[2].weight:1",
        ".layers[2].weight:0 .layers[2].bias:0 .layers[3].weight:1",
    )


def test_vgg_flattens_channels_into_a_product_with_pixels(known):
    symmetries = known("vgg").symmetries
    assert symmetries.partition() == by_hand(
        ".convolutions[0].weight:0 .convolutions[0].bias:0 .convolutions[1].weight:1",
        ".convolutions[1].weight:0 .convolutions[1].bias:0 .convolutions[2].weight:1",
        ".convolutions[2].weight:0 .convolutions[2].bias:0 .layers[0].weight:1",
        ".layers[0].weight:0 .layers[0].bias:0 .layers[1].weight:1",
    )
    _, flat = symmetries.axes[".layers[0].weight"]
    assert [(factor.group, factor.size) for factor in flat] == [(".convolutions[2].weight:0", 6), (None, 6)]


def test_resnet20_has_three_streams_and_nine_inner_groups(known):
    """A stream is all that is added up between two changes of channels, with the norms ahead of the sums."""

    def made(convolution):  # what a normalised convolution's output channels label
        vectors = (f"{convolution}.norm.{vector}:0" for vector in ("gamma", "beta", "tau"))
        return " ".join((f"{convolution}.convolution.weight:0", *vectors))

    def read(convolution):
        return f"{convolution}.convolution.weight:1"

    blocks = [f".blocks[{number}]" for number in range(9)]
    inner = [f"{made(f'{block}.first')} {read(f'{block}.second')}" for block in blocks]
    streams = []
    for stage in range(3):
        mine = blocks[3 * stage : 3 * stage + 3]
        writers = [made(".stem" if stage == 0 else f"{mine[0]}.shortcut"), *(made(f"{block}.second") for block in mine)]
        readers = [read(f"{block}.first") for block in (mine if stage == 0 else mine[1:])]
        if stage < 2:
            following = blocks[3 * stage + 3]
            readers += [read(f"{following}.first"), read(f"{following}.shortcut")]
        else:
            readers += [".head.weight:1"]
        streams.append(" ".join((*writers, *readers)))
    assert known("resnet20").symmetries.partition() == by_hand(*streams, *inner)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        pytest.param(
            "layer norm",
            [".first.weight:0 .first.bias:0 .middle.weight:0 .middle.bias:0 .last.weight:1"],
            id="layer norm",
        ),
        pytest.param(
            "equinox mlp",
            [
                ".layers[0].weight:0 .layers[0].bias:0 .layers[1].weight:1",
                ".layers[1].weight:0 .layers[1].bias:0 .layers[2].weight:1",
            ],
            id="equinox mlp",
        ),
        pytest.param(
            "depthwise",
            [".first.weight:0 .first.bias:0 .middle.weight:0 .middle.bias:0 .head.weight:1"],
            id="depthwise",
        ),
        pytest.param(
            "scanned blocks",
            [".first.weight:0 .first.bias:0 .up:2 .down:1 .head.weight:1", ".up:1 .down:2"],
            id="scanned blocks",
        ),
        pytest.param(
            "attention",
            [
                ".embedding.weight:1 .attention.query_proj.weight:1 .attention.key_proj.weight:1"
                " .attention.value_proj.weight:1 .attention.output_proj.weight:0"
                " .up.weight:1 .down.weight:0 .down.bias:0 .head.weight:1",
                ".attention.query_proj.weight:0 .attention.key_proj.weight:0 .attention.value_proj.weight:0"
                " .attention.output_proj.weight:1",  # heads
                ".attention.query_proj.weight:0 .attention.key_proj.weight:0",  # units that queries and keys compare
                ".attention.value_proj.weight:0 .attention.output_proj.weight:1",  # units of values
                ".up.weight:0 .up.bias:0 .down.weight:1",
            ],
            id="attention",
        ),
    ],
)
def test_partition_is_the_architectures(known, name, groups):
    assert known(name).symmetries.partition() == by_hand(*groups)


def factors(axis, symmetries):
    return [(factor.group in symmetries.sizes, factor.size) for factor in axis]


@pytest.mark.parametrize(
    ("name", "array", "axis", "expected"),
    [
        pytest.param("attention", ".attention.query_proj.weight", 0, [(True, 2), (True, 4)], id="heads of queries"),
        pytest.param("attention", ".attention.output_proj.weight", 1, [(True, 2), (True, 3)], id="heads of values"),
        pytest.param("group norm", ".middle.weight", 0, [(True, 4), (True, 2)], id="norm of four groups"),
        pytest.param("grouped", ".middle.weight", 0, [(True, 4), (True, 3)], id="out of a grouped convolution"),
        pytest.param("grouped", ".middle.weight", 1, [(True, 2)], id="into a grouped convolution"),
        pytest.param("grouped", ".first.weight", 0, [(True, 4), (True, 2)], id="ahead of a grouped convolution"),
        pytest.param("depthwise, two filters a channel", ".head.weight", 1, [(True, 8), (True, 2)], id="two filters"),
        pytest.param("gated", ".first.weight", 0, [(False, 2), (True, 3)], id="gates"),
    ],
)
def test_axes_are_products_where_the_network_cuts_them(known, name, array, axis, expected):
    symmetries = known(name).symmetries
    assert factors(symmetries.axes[array][axis], symmetries) == expected


# ---- What has no symmetry, or none of a kind that can be aligned


def after(act, out):
    """The symmetries of a network whose first hidden units go through `act`; there are two more hidden layers."""

    def make():
        free = eqx.nn.Sequential([linear(out, 5), eqx.nn.Lambda(jax.nn.relu), linear(5, 6)])
        return sandwich(lambda free, h: free(act(h)), free)

    return inferred(make, np.ones(3))


@pytest.mark.parametrize(
    ("act", "out"),
    [
        pytest.param(jnp.sort, 6, id="sort"),
        pytest.param(jnp.cumsum, 6, id="cumsum"),
        pytest.param(lambda h: h[:4], 4, id="slice"),
        pytest.param(lambda h: jax.lax.dynamic_slice(h, (jnp.asarray(1),), (4,)), 4, id="dynamic slice"),
        pytest.param(lambda h: h[jnp.asarray([0, 0, 1])], 3, id="gather"),
        pytest.param(lambda h: h.at[0].set(1.0), 6, id="scatter"),
        pytest.param(lambda h: jax.nn.one_hot(jnp.argmax(h), 6) * h, 6, id="argmax"),
        pytest.param(lambda h: jax.lax.top_k(h, 3)[0], 3, id="top k"),
        pytest.param(lambda h: h[::-1] * h, 6, id="reversal"),
        pytest.param(lambda h: jnp.roll(h, 1) * h, 6, id="roll"),
        pytest.param(lambda h: jnp.concatenate([h, jnp.ones(1)]), 7, id="concatenation"),
        pytest.param(lambda h: jnp.pad(h, 1), 8, id="padding"),
        pytest.param(lambda h: h * jnp.arange(6.0), 6, id="iota"),
        pytest.param(lambda h: h * np.arange(6.0), 6, id="constant"),
        pytest.param(lambda h: eqx.nn.AvgPool1d(2)(h[None])[0], 5, id="pooling over units"),
        pytest.param(lambda h: h.reshape(2, 3).T.reshape(3, 2).ravel() * h, 6, id="transposed blocks"),
        pytest.param(lambda h: h * jax.random.normal(jax.random.key(0), (6,)), 6, id="random numbers"),
    ],
)
def test_what_heeds_the_order_of_units_fixes_them(act, out):
    symmetries = after(act, out)
    assert symmetries.partition() == by_hand(
        ".middle.layers[0].weight:0 .middle.layers[0].bias:0 .middle.layers[2].weight:1",
        # The units after `middle` are free as well.
        ".middle.layers[2].weight:0 .middle.layers[2].bias:0 .last.weight:1",
    )


@pytest.mark.parametrize(
    ("act", "primitive"),
    [
        pytest.param(lambda h: jnp.fft.fft(h).real, "fft", id="fft"),
        pytest.param(lambda h: jnp.diag(jnp.linalg.cholesky(jnp.outer(h, h))), "cholesky", id="cholesky"),
        pytest.param(
            lambda h: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(h.shape, h.dtype), h),
            "pure_callback",
            id="callback",
        ),
    ],
)
def test_an_unknown_primitive_on_hidden_units_is_refused_by_name(act, primitive):
    with pytest.raises(SymmetryError, match=f"'{primitive}'"):
        inferred(lambda: sandwich(lambda _, h: act(h)), np.ones(3))


def test_an_unknown_primitive_on_the_input_is_no_concern():
    class Spectral(eqx.Module):
        layers: eqx.nn.MLP

        def __call__(self, x):
            return self.layers(jnp.abs(jnp.fft.fft(x)))

    symmetries = inferred(lambda: Spectral(eqx.nn.MLP(3, 2, 5, 1, key=KEY)), np.ones(3))
    assert symmetries.sizes == {".layers.layers[0].weight:0": 5}


TIED = {
    "residual matrix": (lambda: sandwich(lambda inner, h: h + inner(h), linear(6, 6)), np.ones(3), ".middle.weight"),
    "recurrent matrix": (
        lambda: Recurrent(ElmanCell(linear(4, 4), linear(3, 4), 4), linear(4, 2)),
        np.ones((5, 3)),
        ".cell.inner.weight",
    ),
    "recurrent gates": (
        lambda: Recurrent(eqx.nn.GRUCell(3, 4, key=KEY), linear(4, 2)),
        np.ones((5, 3)),
        ".cell.weight_hh",
    ),
    "scanned layers": (
        lambda: sandwich(
            lambda stack, h: jax.lax.scan(lambda h, w: (jnp.tanh(w @ h), None), h, stack)[0],
            jnp.ones((3, 6, 6)),
        ),
        np.ones(3),
        ".middle",
    ),
    "a product of units with themselves": (
        lambda: sandwich(lambda _, h: jnp.outer(h, h).ravel(), out=36),
        np.ones(3),
        ".last.weight",
    ),
}


@pytest.mark.parametrize("name", TIED)
def test_a_group_twice_in_one_array_is_refused(name):
    make, example, array = TIED[name]
    with pytest.raises(SymmetryError, match="quadratic assignment") as caught:
        inferred(make, example)
    assert f"array {array} is tied" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: linear(3, 2), r"\.weight:0 by the output", id="one layer"),
        pytest.param(lambda: sandwich(lambda _, h: jnp.sort(h)), r"\.first\.weight:0 by sort", id="fixed by sort"),
        pytest.param(lambda: jax.nn.relu, "it has no arrays", id="no arrays"),
    ],
)
def test_a_network_without_hidden_symmetry_is_refused(make, reason):
    with pytest.raises(SymmetryError, match=f"no hidden units.*{reason}"):
        inferred(make, np.ones(3))


def test_an_array_that_is_not_used_has_no_units():
    symmetries = inferred(lambda: sandwich(lambda _, h: h, jnp.ones((4, 4))), np.ones(3))
    assert not any(name == ".middle" for places in symmetries.places.values() for name, _ in places)


def test_dropout_fixes_the_units_it_acts_on_only_when_it_acts():
    class Dropping(eqx.Module):
        layers: Sandwich

        def __call__(self, x, *, key=None):
            first, dropout, last = self.layers.first, self.layers.middle, self.layers.last
            return last(dropout(jax.nn.relu(first(x)), key=key))

    def make(inference):
        return Dropping(sandwich(lambda _, h: h, eqx.nn.Dropout(0.5, inference=inference)))

    with pytest.raises(SymmetryError, match="random_bits"):
        inferred(lambda: make(False), np.ones(3), key=jax.random.key(1))
    assert len(inferred(lambda: make(True), np.ones(3)).sizes) == 1


# ---- The numerical test after inference


def test_a_wrong_rule_is_found_out(monkeypatch):
    """Even where the network's own arrays, zeros here, compute the same function in any order."""
    monkeypatch.setitem(propagation.RULES, "cumsum", propagation.RULES["sin"])
    with pytest.raises(SymmetryError, match="change by"):
        inferred(lambda: sandwich(lambda _, h: jnp.cumsum(h)), np.ones(3))


def test_outputs_that_are_not_finite_test_nothing():
    with pytest.raises(SymmetryError, match="not finite"):
        inferred(lambda: sandwich(lambda _, h: jnp.log(-jnp.abs(h))), np.ones(3))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32, jnp.float64], ids=lambda dtype: dtype.__name__)
def test_symmetries_do_not_depend_on_precision(dtype):
    symmetries = inferred(lambda: eqx.nn.MLP(3, 2, 5, 2, dtype=dtype, key=KEY), jnp.ones(3, dtype))
    assert len(symmetries.sizes) == 2


def test_an_example_that_the_model_does_not_take_is_named():
    model = eqx.nn.MLP(4, 3, 8, depth=1, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"shape \(5, 4\), which must be one input and no batch"):
        infer_symmetries(model, jnp.zeros((5, 4)))


def test_a_posterior_is_refused_and_its_mean_is_taken():
    model = eqx.nn.MLP(4, 2, 5, 1, key=jax.random.key(0))
    posterior = initial(model, prior(model, "fan_in", 1.0), 0.1)
    with pytest.raises(TypeError, match="give the posterior's mean"):
        infer_symmetries(posterior, [0.0, 1.0, 2.0, 3.0])
    assert infer_symmetries(posterior.mean, [0.0, 1.0, 2.0, 3.0]).sizes
