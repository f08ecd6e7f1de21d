"""How the labels of axes pass through each primitive of JAX that computes numbers.

A rule joins, refines or freezes the labels of an equation's operands until its results move as its operands do, and
returns the labels of the results. A value that is constant along an axis, as after broadcasting, is the same under any
permutation of it, so that a new axis has a new label.
"""

from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex

from jax.extend.core import JaxprEqn

from perspectives.alignment.labels import Atoms, Axes, Labels


class SymmetryError(ValueError):
    """The symmetries of a network cannot be told, or are of a kind that this study cannot align."""


Rule = Callable[[Labels, JaxprEqn, list[Axes]], list[Axes]]


def shape_of(atom: Any) -> tuple[int, ...]:
    """Return the lengths of the axes of a variable or literal of a jaxpr."""
    return tuple(getattr(atom.aval, "shape", ()))  # tokens have none


def _name(equation: JaxprEqn) -> str:
    return equation.primitive.name


def unknown(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Refuse a primitive without a rule, unless all that it acts on is of fixed order by now, or has no axes."""
    if not all(labels.frozen(axes) for axes in operands):
        raise SymmetryError(
            f"the network applies the primitive {_name(equation)!r} to hidden units, and there is no rule that says "
            "whether it heeds their order; perspectives.alignment.primitives lists those for which there is one"
        )
    return [labels.fresh_axes(shape_of(var), _name(equation)) for var in equation.outvars]


def join_axes(labels: Labels, ours: Axes, theirs: Axes, reason: str) -> None:
    """Have two values of one shape permuted alike."""
    for left, right in zip(ours, theirs, strict=True):
        labels.join(left, right, reason)


# ---- Primitives without an order among indices


def _elementwise(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Join equal axes; scalars, and axes of length one, hold for all indices alike."""
    shape = shape_of(equation.outvars[0])
    result = labels.fresh_axes(shape)
    for axes in operands:
        if axes and len(axes) != len(shape):
            raise SymmetryError(
                f"primitive {_name(equation)!r} has operands of different ranks, which no rule foresees"
            )
        for ours, theirs in zip(result, axes, strict=False):
            if theirs:
                labels.join(ours, theirs, _name(equation))
    return [result] * len(equation.outvars)


def _each(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Results are the operands, one by one."""
    return operands


def _reduction(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    reduced = {int(axis) for axis in equation.params["axes"]}
    return [tuple(atoms for axis, atoms in enumerate(operands[0]) if axis not in reduced)]


def _broadcast(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    result = list(labels.fresh_axes(equation.params["shape"]))
    for atoms, axis in zip(operands[0], equation.params["broadcast_dimensions"], strict=True):
        result[axis] = atoms or result[axis]
    return [tuple(result)]


def _transpose(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    return [tuple(operands[0][axis] for axis in equation.params["permutation"])]


def _squeeze(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    dropped = {axis % len(operands[0]) for axis in equation.params["dimensions"]}
    return [tuple(atoms for axis, atoms in enumerate(operands[0]) if axis not in dropped)]


def _reshape(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """The sequence of all atoms stays; where it is cut into axes elsewhere, atoms are refined."""
    if equation.params["dimensions"] is not None:
        return _all_ordered(labels, equation, operands)
    result = labels.fresh_axes(shape_of(equation.outvars[0]))
    labels.join(_product(operands[0]), _product(result), "reshape")
    return [result]


def _product(axes: Iterable[Atoms]) -> Atoms:
    return tuple(atom for atoms in axes for atom in atoms)


def _contraction(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    left, right = operands
    (left_summed, right_summed), (left_batch, right_batch) = equation.params["dimension_numbers"]
    for ours, theirs in zip((*left_summed, *left_batch), (*right_summed, *right_batch), strict=True):
        labels.join(left[ours], right[theirs], "dot_general")
    left_free = [axis for axis in range(len(left)) if axis not in {*left_summed, *left_batch}]
    right_free = [axis for axis in range(len(right)) if axis not in {*right_summed, *right_batch}]
    kept = [left[axis] for axis in (*left_batch, *left_free)] + [right[axis] for axis in right_free]
    return [tuple(kept)]


def _convolution(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Join channels: with g groups, the image's are (g, in), the kernel's (g, out) and in; depthwise, in is one.

    Rows and columns are neighbours of each other and keep their order.
    """
    image, kernel = operands
    numbers = equation.params["dimension_numbers"]
    image_batch, image_channel, *image_space = numbers.lhs_spec
    kernel_out, kernel_in, *kernel_space = numbers.rhs_spec
    result_batch, result_channel, *result_space = numbers.out_spec
    for axes, space in ((image, image_space), (kernel, kernel_space)):
        for axis in space:
            labels.freeze(axes[axis], "conv_general_dilated")
    groups = equation.params["feature_group_count"]
    group, within = labels.fresh(groups), labels.fresh(shape_of(equation.invars[1])[kernel_out] // groups)
    labels.join(image[image_channel], (*group, *kernel[kernel_in]), "conv_general_dilated")
    labels.join(kernel[kernel_out], (*group, *within), "conv_general_dilated")
    shape = shape_of(equation.outvars[0])
    batch = image[image_batch]
    if equation.params["batch_group_count"] > 1:  # the transpose of a grouped convolution; no forward pass has it
        for atoms in (*image, *kernel):
            labels.freeze(atoms, "conv_general_dilated")
        batch = labels.fresh(shape[result_batch], "conv_general_dilated")
    result = {result_batch: batch, result_channel: kernel[kernel_out]}
    for axis in result_space:
        result[axis] = labels.fresh(shape[axis], "conv_general_dilated")
    return [tuple(result[axis] for axis in range(len(shape)))]


# ---- Primitives that heed the order of some axes


def _ordered(labels: Labels, equation: JaxprEqn, operands: list[Axes], ordered: Iterable[SupportsIndex]) -> list[Axes]:
    """Freeze the axes in `ordered` of all operands and results that are not scalars; join the others."""
    fixed = set(ordered)
    shape = shape_of(equation.outvars[0])
    result = tuple(labels.fresh(size, _name(equation) if axis in fixed else None) for axis, size in enumerate(shape))
    for axes in operands:
        for axis, atoms in enumerate(axes):
            if axis in fixed:
                labels.freeze(atoms, _name(equation))
            else:
                labels.join(result[axis], atoms, _name(equation))
    return [result] * len(equation.outvars)


def _all_ordered(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    for axes in operands:
        labels.freeze(_product(axes), _name(equation))
    return [labels.fresh_axes(shape_of(var), _name(equation)) for var in equation.outvars]


def _ordered_at(parameter: str) -> Rule:
    """Return the rule of primitives whose parameter names the one axis that they go along."""

    def rule(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
        return _ordered(labels, equation, operands, [equation.params[parameter]])

    return rule


def _reversal(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    return _ordered(labels, equation, operands, equation.params["dimensions"])


def _arg_reduction(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """An index along an axis means its order."""
    axes = equation.params["axes"]
    for axis in axes:
        labels.freeze(operands[0][axis], _name(equation))
    return _reduction(labels, equation, operands)


def _general_reduction(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Nothing says that the function which reduces is commutative."""
    reduced = set(equation.params["dimensions"])
    arrays = operands[: len(operands) // 2]  # the rest are initial values, scalars
    kept = labels.fresh_axes(shape_of(equation.outvars[0]))
    for axes in arrays:
        for axis in reduced:
            labels.freeze(axes[axis], _name(equation))
        left = [atoms for axis, atoms in enumerate(axes) if axis not in reduced]
        for ours, theirs in zip(kept, left, strict=True):
            labels.join(ours, theirs, _name(equation))
    return [kept] * len(equation.outvars)


def _window(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Pooling: an axis along which the window is one wide, and moves by one, is untouched."""
    params = equation.params
    rank = len(params["window_dimensions"])
    untouched = {"window_dimensions": 1, "window_strides": 1, "padding": (0, 0), "base_dilation": 1}
    pooled = [axis for axis in range(rank) if any(params[name][axis] != value for name, value in untouched.items())]
    return _ordered(labels, equation, operands, pooled)


def _padding(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    configuration = equation.params["padding_config"]
    return _ordered(labels, equation, operands, [axis for axis, pad in enumerate(configuration) if any(pad)])


def _slice(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    before, after = shape_of(equation.invars[0]), shape_of(equation.outvars[0])
    cut = [axis for axis, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    return _ordered(labels, equation, operands[:1], cut)  # the rest are indices, scalars


def _slice_update(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    whole, part = (shape_of(atom) for atom in equation.invars[:2])
    cut = [axis for axis, (old, new) in enumerate(zip(whole, part, strict=True)) if old != new]
    return _ordered(labels, equation, operands[:2], cut)


def _gather(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Axes that are taken whole keep their labels, as an embedding's features do; indices give theirs to the result.

    Where an index names the start of what is taken whole, it can only be zero, or else nothing at all is taken.
    """
    source, indices = operands
    numbers = equation.params["dimension_numbers"]
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    sizes = zip(shape_of(equation.invars[0]), equation.params["slice_sizes"], strict=True)
    window = []
    for axis, (atoms, (size, taken)) in enumerate(zip(source, sizes, strict=True)):
        whole = taken == size and axis not in dropped
        if not whole:
            labels.freeze(atoms, "gather")
        if axis not in dropped:
            window.append(atoms if whole else labels.fresh(taken, "gather"))
    for axis in (-1, *numbers.start_indices_batching_dims):
        labels.freeze(indices[axis], "gather")
    batch = list(indices[:-1])
    rank = len(shape_of(equation.outvars[0]))
    return [tuple((window if axis in numbers.offset_dims else batch).pop(0) for axis in range(rank))]


def _iota(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    return _ordered(labels, equation, operands, [equation.params["dimension"]])


def _bitcast(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Numbers of another width are several, or a part of one, along a last axis."""
    before, after = shape_of(equation.invars[0]), shape_of(equation.outvars[0])
    return _elementwise(labels, equation, operands) if before == after else _all_ordered(labels, equation, operands)


# ---- Primitives that cut an axis into equal pieces: a product with the ordered sequence of pieces


def _split(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """Gates computed by one matrix, cut apart: equal pieces are the units of one group in an ordered sequence."""
    axis, sizes = equation.params["axis"], equation.params["sizes"]
    (axes,) = operands
    if len(set(sizes)) > 1:
        labels.freeze(axes[axis], "split")
        pieces = [labels.fresh(size, "split") for size in sizes]
    else:
        piece = labels.fresh(sizes[0])
        labels.join(axes[axis], (*labels.fresh(len(sizes), "split"), *piece), "split")
        pieces = [piece] * len(sizes)
    return [(*axes[:axis], piece, *axes[axis + 1 :]) for piece in pieces]


def _tile(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    (axes,) = operands
    return [tuple((*labels.fresh(times), *atoms) for times, atoms in zip(equation.params["reps"], axes, strict=True))]


def _stack(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    axis = equation.params["axis"]
    joined = operands[0]
    for axes in operands[1:]:
        join_axes(labels, joined, axes, "stack")
    return [(*joined[:axis], labels.fresh(len(operands), "stack"), *joined[axis:])]


def _unstack(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    axis = equation.params["axis"]
    (axes,) = operands
    labels.freeze(axes[axis], "unstack")
    return [(*axes[:axis], *axes[axis + 1 :])] * len(equation.outvars)


# ---- Which primitive follows which rule

ELEMENTWISE = """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp clz complex conj
    convert_element_type copy cos cosh digamma div eq eq_to erf erf_inv erfc exp exp2 expm1 floor ge gt igamma
    igamma_grad_a igammac imag integer_pow is_finite le le_to lgamma log log1p logistic lt lt_to max min mul mulhi ne
    neg nextafter not or polygamma population_count pow real reduce_precision regularized_incomplete_beta rem round
    rsqrt select_n shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub tan
    tanh xor zeros_like zeta
"""

PASSED_ON = """
    device_put layout_constraint name nondifferentiable_backward nontraceable nonbatchable optimization_barrier
    pvary sharding_constraint
"""

SYMMETRIC_REDUCTIONS = "reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum reduce_xor"

POOLINGS = "reduce_window reduce_window_max reduce_window_min reduce_window_sum"

WHOLLY_ORDERED = """
    approx_top_k iota_2x32_shape random_bits random_clone random_fold_in random_gamma random_seed random_split
    random_unwrap random_wrap rng_bit_generator rng_uniform scatter scatter-add scatter-max scatter-min scatter-mul
    scatter-sub threefry2x32
"""

NUMERICAL: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE.split(), _elementwise),
    **dict.fromkeys(PASSED_ON.split(), _each),
    **dict.fromkeys(SYMMETRIC_REDUCTIONS.split(), _reduction),
    **dict.fromkeys(POOLINGS.split(), _window),
    **dict.fromkeys(WHOLLY_ORDERED.split(), _all_ordered),
    **dict.fromkeys(["cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum"], _ordered_at("axis")),
    **dict.fromkeys(["concatenate", "sort"], _ordered_at("dimension")),
    **dict.fromkeys(["argmax", "argmin"], _arg_reduction),
    **dict.fromkeys(["slice", "dynamic_slice"], _slice),
    "bitcast_convert_type": _bitcast,
    "broadcast_in_dim": _broadcast,
    "conv_general_dilated": _convolution,
    "dot_general": _contraction,
    "dynamic_update_slice": _slice_update,
    "gather": _gather,
    "iota": _iota,
    "pad": _padding,
    "reduce": _general_reduction,
    "reshape": _reshape,
    "rev": _reversal,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "tile": _tile,
    "top_k": _ordered_at("axis"),
    "transpose": _transpose,
    "unstack": _unstack,
}
"""The rule of each primitive that computes numbers and whose behaviour is known, by its name in a jaxpr."""
