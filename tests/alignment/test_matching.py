"""Laws of the aligner: exact where brute force can tell, monotone, ending at a fixed point, on any architecture."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from perspectives.alignment.assignment import assignment
from perspectives.alignment.features import features, value
from perspectives.alignment.gaussians import Gaussians, permuted
from perspectives.alignment.matching import Descent, match
from perspectives.alignment.permutations import Factor, Symmetries, drawn, identity


def perceptron(*sizes: int) -> Symmetries:
    """Weights (out, in) and biases of a perceptron whose hidden layers are the groups h1, h2, ..."""
    layers = [Factor(f"h{number}" if 0 < number < len(sizes) - 1 else None, size) for number, size in enumerate(sizes)]
    axes = {}
    for number, (before, after) in enumerate(itertools.pairwise(layers)):
        axes[f"w{number}"], axes[f"b{number}"] = ((after,), (before,)), ((after,),)
    return Symmetries(axes)


def convolutional() -> Symmetries:
    """Two convolutions with a residual stream, norms, and a dense layer that flattens channels and pixels."""
    stream, inner, pixels = Factor("stream", 6), Factor("inner", 8), Factor(None, 4)
    image, kernel, classes, hidden = Factor(None, 3), Factor(None, 2), Factor(None, 5), Factor("hidden", 9)
    return Symmetries(
        {
            "stem": ((stream,), (image,), (kernel,), (kernel,)),
            "into": ((inner,), (stream,), (kernel,), (kernel,)),
            "norm": ((inner,), (kernel,)),
            "back": ((kernel,), (kernel,), (inner,), (stream,)),
            "scale": ((stream,),),
            "dense": ((hidden,), (stream, pixels)),
            "out": ((classes,), (hidden,)),
            "temperature": (),
        }
    )


def attention() -> Symmetries:
    """Projections whose rows are heads times units within a head, so that one array has three groups."""
    model, heads, query, value = Factor("model", 6), Factor("heads", 3), Factor("query", 4), Factor("value", 5)
    return Symmetries(
        {
            "embed": ((model,), (Factor(None, 7),)),
            "query": ((heads, query), (model,)),
            "key": ((heads, query), (model,)),
            "value": ((heads, value), (model,)),
            "out": ((model,), (heads, value)),
        }
    )


NETS = {"perceptron": perceptron(6, 8, 9, 7, 3), "convolutional": convolutional(), "attention": attention()}
DIVERGENCES = ("w2", "kl", "mean", "deviation")


def posterior(symmetries: Symmetries, seed: int, dtype: type = np.float64) -> Gaussians:
    generator = np.random.default_rng(seed)
    shapes = {
        name: tuple(int(np.prod([factor.size for factor in axis])) for axis in axes)
        for name, axes in symmetries.axes.items()
    }
    return Gaussians(
        {name: np.asarray(generator.normal(size=shape), dtype) for name, shape in shapes.items()},
        {name: np.asarray(np.exp(generator.normal(-1, 0.5, size=shape)), dtype) for name, shape in shapes.items()},
    )


@pytest.mark.parametrize("divergence", ["w2", "kl"])
@pytest.mark.parametrize("seed", range(20))
def test_one_hidden_layer_equals_brute_force(seed, divergence):
    symmetries = perceptron(4, 5, 3)
    first, second = posterior(symmetries, 2 * seed), posterior(symmetries, 2 * seed + 1)
    found = match(first, second, symmetries, divergence=divergence, restarts=1)
    kernel = features(first, second, symmetries, divergence)
    everything = [
        kernel.divergence({"h1": np.asarray(order)}, symmetries) for order in itertools.permutations(range(5))
    ]
    assert found.objective == pytest.approx(min(everything), rel=1e-10)  # the rounding of sums
    assert tuple(found.permutations["h1"]) == list(itertools.permutations(range(5)))[int(np.argmin(everything))]


@pytest.mark.parametrize("divergence", ["w2", "kl", "mean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_planted_permutation_is_recovered(divergence, dtype):
    symmetries = perceptron(20, 70, 80, 75, 10)
    first, planted = posterior(symmetries, 0, dtype), drawn(symmetries, np.random.default_rng(1))
    second = permuted(first, planted, symmetries)
    found = match(first, second, symmetries, divergence=divergence)
    assert found.objective == 0
    assert found.before > 0
    for group, order in found.permutations.items():
        np.testing.assert_array_equal(planted[group][order], np.arange(len(order)))


@pytest.mark.parametrize("net", ["convolutional", "attention"])
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_planted_permutation_of_other_networks_is_recovered(net, divergence):
    symmetries = NETS[net]
    first = posterior(symmetries, 0)
    second = permuted(first, drawn(symmetries, np.random.default_rng(1)), symmetries)
    assert match(first, second, symmetries, divergence=divergence, restarts=20).objective == 0


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_objective_falls_to_a_fixed_point(net, divergence, dtype):
    symmetries = NETS[net]
    first, second = posterior(symmetries, 0, dtype), posterior(symmetries, 1, dtype)
    found = match(first, second, symmetries, divergence=divergence, restarts=3)
    assert np.all(np.diff(found.history) < 0)
    moved = permuted(second, found.permutations, symmetries)
    tolerance = 1e-4 if dtype == np.float32 else 1e-10  # gains rounded before they are summed
    assert found.objective == pytest.approx(value(first, moved, symmetries, divergence), rel=1e-12)
    assert found.history[-1] == pytest.approx(found.objective, rel=tolerance)
    again = match(first, moved, symmetries, divergence=divergence, restarts=1)
    assert len(again.history) == 1
    assert all(np.array_equal(order, np.arange(len(order))) for order in again.permutations.values())
    onward = match(first, second, symmetries, divergence=divergence, restarts=1, start=found.permutations)
    assert len(onward.history) == 1


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_no_group_can_improve_alone(net, divergence):
    """By SciPy's solver on gains from scratch, to the rounding of sums in double precision."""
    symmetries = NETS[net]
    first, second = posterior(symmetries, 0), posterior(symmetries, 1)
    found = match(first, second, symmetries, divergence=divergence, restarts=2)
    fresh = Descent(features(first, second, symmetries, divergence), symmetries, pool=None)
    for group, order in found.permutations.items():
        gains, rows = fresh.gains(group, found.permutations), np.arange(len(order))
        best = gains[rows, linear_sum_assignment(gains, maximize=True)[1]].sum()
        assert gains[rows, order].sum() == pytest.approx(best, rel=1e-10)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("divergence", ["w2", "kl"])
def test_cached_gains_equal_gains_from_scratch(net, divergence):
    symmetries = NETS[net]
    kernel = features(posterior(symmetries, 0), posterior(symmetries, 1), symmetries, divergence)
    generator = np.random.default_rng(0)
    used, fresh = (Descent(kernel, symmetries, pool=None) for _ in range(2))
    permutations = identity(symmetries)
    for _ in range(2):
        permutations, _ = used.run(drawn(symmetries, generator), generator)
    for group, size in symmetries.sizes.items():
        scratch = fresh.gains(group, permutations)
        np.testing.assert_allclose(used.gains(group, permutations), scratch, rtol=1e-10, atol=1e-10)
        # and they are what they claim to be: differences of gains of the whole network
        swapped = np.roll(np.arange(size), 1)
        rows = np.arange(size)
        expected = kernel.gain({**permutations, group: swapped}, symmetries) - kernel.gain(permutations, symmetries)
        difference = scratch[rows, swapped].sum() - scratch[rows, permutations[group]].sum()
        assert difference == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_restarts_keep_the_best_and_report_all():
    symmetries = perceptron(6, 12, 12, 4)
    first, second = posterior(symmetries, 0), posterior(symmetries, 1)
    one, many = (match(first, second, symmetries, restarts=restarts, seed=3) for restarts in (1, 8))
    assert len(one.objectives) == 1
    assert len(many.objectives) == 8
    assert many.objective == min(many.objectives) <= one.objective
    assert many.objective <= many.median
    assert many.objectives[0] == pytest.approx(one.objective, rel=1e-12)
    assert many.solves > one.solves >= 2
    assert many.before == pytest.approx(value(first, second, symmetries, "w2"))


@pytest.mark.parametrize("threads", [1, 3])
def test_same_seed_same_result_on_any_threads(threads):
    symmetries = NETS["perceptron"]
    first, second = posterior(symmetries, 0), posterior(symmetries, 1)
    one, other = (match(first, second, symmetries, seed=4, threads=number) for number in (1, threads))
    np.testing.assert_equal(one.permutations, other.permutations)
    assert one.history == other.history


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_order_of_the_second_networks_units_changes_nothing(divergence):
    symmetries = NETS["perceptron"]
    first, second = posterior(symmetries, 0), posterior(symmetries, 1)
    planted = drawn(symmetries, np.random.default_rng(2))
    found = match(first, second, symmetries, divergence=divergence)
    other = match(first, permuted(second, planted, symmetries), symmetries, divergence=divergence)
    assert other.objective == pytest.approx(found.objective, rel=1e-12)
    for group, order in other.permutations.items():
        np.testing.assert_array_equal(planted[group][order], found.permutations[group])


def test_placing_beats_the_identity_on_average():
    symmetries = perceptron(30, 40, 40, 40, 5)
    placed, begun = [], []
    for seed in range(5):
        first, second = posterior(symmetries, 2 * seed), posterior(symmetries, 2 * seed + 1)
        placed.append(match(first, second, symmetries, restarts=1).objective)
        begun.append(match(first, second, symmetries, restarts=1, start=identity(symmetries)).objective)
    assert np.mean(placed) < np.mean(begun)


def test_nothing_to_align_aligns_nothing():
    symmetries = Symmetries({"w": ((Factor(None, 3),), (Factor(None, 2),))})
    found = match(posterior(symmetries, 0), posterior(symmetries, 1), symmetries)
    assert found.permutations == {}
    assert found.solves == 0
    assert found.objective == found.before


@pytest.mark.parametrize("size", [3, 80, 200])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["independent", "ties", "zero", "steep", "tiny", "low rank"])
def test_assignment_is_as_good_as_scipys(size, dtype, kind):
    generator = np.random.default_rng(size)
    gains = {
        "independent": lambda: generator.normal(size=(size, size)),
        "ties": lambda: generator.integers(3, size=(size, size)),
        "zero": lambda: np.zeros((size, size)),
        "steep": lambda: np.exp(20 * generator.normal(size=(size, size))),
        "tiny": lambda: 1e-38 * generator.normal(size=(size, size)),
        "low rank": lambda: np.outer(generator.normal(size=size), generator.normal(size=size)),
    }[kind]().astype(dtype)
    exact, rows = gains.astype(np.float64), np.arange(size)
    best = exact[rows, linear_sum_assignment(exact, maximize=True)[1]].sum()
    found = assignment(gains)
    again = assignment(gains, found.prices)
    for one in (found, again):
        np.testing.assert_array_equal(np.sort(one.columns), rows)
        assert exact[rows, one.columns].sum() == pytest.approx(best, rel=1e-5 if dtype == np.float32 else 1e-12, abs=0)


def test_mismatched_networks_are_refused():
    symmetries, other = perceptron(4, 5, 3), perceptron(4, 6, 3)
    with pytest.raises(ValueError, match="array w0 has shape \\(6, 4\\) where the symmetries say \\(5, 4\\)"):
        match(posterior(symmetries, 0), posterior(other, 1), symmetries)


def test_tied_axes_are_refused():
    tied = Factor("h", 4)
    symmetries = Symmetries({"recurrent": ((tied,), (tied,))})
    with pytest.raises(ValueError, match="quadratic assignment"):
        match(posterior(symmetries, 0), posterior(symmetries, 1), symmetries)


def test_no_start_is_refused():
    symmetries = perceptron(4, 5, 3)
    with pytest.raises(ValueError, match="at least one start"):
        match(posterior(symmetries, 0), posterior(symmetries, 1), symmetries, restarts=0)


def test_given_start_is_where_the_history_begins():
    symmetries = NETS["perceptron"]
    first, second = posterior(symmetries, 0), posterior(symmetries, 1)
    start = drawn(symmetries, np.random.default_rng(0))
    found = match(first, second, symmetries, restarts=1, start=start)
    assert found.history[0] == pytest.approx(value(first, second, symmetries, "w2", start))
    assert found.before == pytest.approx(value(first, second, symmetries, "w2"))
