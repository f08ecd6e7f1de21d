"""How the labels of axes pass through a traced function: equation by equation, and into the functions that it calls.

Every value moves with the units: when the arrays are permuted by their labels, a value is permuted by its own.
"""

from collections.abc import Sequence
from functools import partial

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from perspectives.alignment.labels import Axes, Labels
from perspectives.alignment.primitives import NUMERICAL, Rule, join_axes, shape_of, unknown


def propagate(labels: Labels, closed: ClosedJaxpr, operands: Sequence[Axes]) -> list[Axes]:
    """Return the axes of a function's results, given those of its operands; constants are of fixed order.

    **Raises**: when the function uses, on axes that are not all frozen, a primitive for which there is no rule.
    """
    constants = [labels.fresh_axes(shape_of(var), "a constant") for var in closed.jaxpr.constvars]
    return _run(labels, closed.jaxpr, [*constants, *operands])


def _run(labels: Labels, jaxpr: Jaxpr, inputs: Sequence[Axes]) -> list[Axes]:
    known: dict[Var, Axes] = dict(zip((*jaxpr.constvars, *jaxpr.invars), inputs, strict=True))

    def axes_of(atom: Var | Literal) -> Axes:
        return labels.fresh_axes(shape_of(atom), "a constant") if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        operands = [axes_of(atom) for atom in equation.invars]
        rule = RULES.get(equation.primitive.name, unknown)
        known.update(zip(equation.outvars, rule(labels, equation, operands), strict=True))
    return [axes_of(atom) for atom in jaxpr.outvars]


def _call(parameter: str, labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    return _called(labels, equation.params[parameter], operands)


def _called(labels: Labels, function: ClosedJaxpr | Jaxpr, operands: Sequence[Axes]) -> list[Axes]:
    if isinstance(function, ClosedJaxpr):
        return propagate(labels, function, operands)
    return _run(labels, function, operands)


def _scan(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    """What is carried has the same labels at each step; steps are in order."""
    constants, carried = equation.params["num_consts"], equation.params["num_consts"] + equation.params["num_carry"]
    before, sequences = operands[constants:carried], operands[carried:]
    for axes in sequences:
        labels.freeze(axes[0], "scan")
    results = _called(labels, equation.params["jaxpr"], [*operands[:carried], *(axes[1:] for axes in sequences)])
    after, stacked = results[: len(before)], results[len(before) :]
    for ours, theirs in zip(before, after, strict=True):
        join_axes(labels, ours, theirs, "scan")
    return after + [(labels.fresh(equation.params["length"], "scan"), *axes) for axes in stacked]


def _while(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    params = equation.params
    test_constants = operands[: params["cond_nconsts"]]
    body_constants = operands[params["cond_nconsts"] : params["cond_nconsts"] + params["body_nconsts"]]
    before = operands[params["cond_nconsts"] + params["body_nconsts"] :]
    _called(labels, params["cond_jaxpr"], [*test_constants, *before])
    after = _called(labels, params["body_jaxpr"], [*body_constants, *before])
    for ours, theirs in zip(before, after, strict=True):
        join_axes(labels, ours, theirs, "while")
    return after


def _cond(labels: Labels, equation: JaxprEqn, operands: list[Axes]) -> list[Axes]:
    first, *others = [_called(labels, branch, operands[1:]) for branch in equation.params["branches"]]
    for other in others:
        for ours, theirs in zip(first, other, strict=True):
            join_axes(labels, ours, theirs, "cond")
    return first


RULES: dict[str, Rule] = NUMERICAL | {
    **dict.fromkeys(["composite", "jit", "remat2"], partial(_call, "jaxpr")),
    **dict.fromkeys(["call", "closed_call", "custom_jvp_call", "custom_vjp_call"], partial(_call, "call_jaxpr")),
    "cond": _cond,
    "custom_vmap_call": partial(_call, "call"),
    "scan": _scan,
    "while": _while,
}
"""The rule of each primitive whose behaviour is known, by name as it stands in a jaxpr."""
