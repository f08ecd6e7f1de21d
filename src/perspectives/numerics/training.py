"""The training loop: every optimiser's update of a model over batches happens here.

Training goes in *rounds*, one compiled scan each: an epoch, where data are finite. What a study brings is a loss
`loss(model, batch, key)`, batches, an optax optimiser, and where it wants one an estimate of the gradient other than
the batch's own. For several seeds at once, pass keys and models with a leading axis of seeds; the data are shared.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, Key, PyTree

from perspectives.numerics.batches import Batches
from perspectives.numerics.progress import Progress, silent

Loss = Callable[[Any, Any, Any], Float[Array, ""]]
Measure = Callable[[Any], PyTree]
Estimate = Callable[[PyTree, PyTree, PyTree], PyTree]


class State(NamedTuple):
    """What training carries from round to round: the model's arrays and the optimiser's state."""

    parameters: PyTree
    optimiser: PyTree


class Record(NamedTuple):
    """What a round leaves: the mean loss over its batches as they were met, and what `measure` says at its end."""

    loss: Float[Array, "..."]
    measured: PyTree


class Fitted(NamedTuple):
    """The trained model, the optimiser's last state and the record: arrays (seeds, rounds, ...), or (rounds, ...)."""

    model: PyTree
    record: Record
    optimiser: PyTree

    @property
    def averaged(self) -> PyTree:
        """Return the model with the running average of its arrays, after a fit by an `averaged` optimiser."""
        return eqx.combine(self.optimiser.average, self.model)


class Averaged(NamedTuple):
    """The state of an optimiser, the running average of the parameters that it has made, and how many it made."""

    inner: PyTree
    average: PyTree
    count: Int[Array, ""]


def averaged(optimiser: optax.GradientTransformation, decay: float) -> optax.GradientTransformation:
    """Return `optimiser`, whose state also has the exponential moving average of the parameters after each update.

    The parameters after update i of n weigh decay^(n - i), over the sum of these: those before the first are not in it,
    which short trainings would remember. The training itself does not see it; `Fitted.averaged` is the model with it.
    """

    def init(params: Any) -> Any:
        return Averaged(optimiser.init(params), params, jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        updates, inner = optimiser.update(updates, state.inner, params)
        count = state.count + 1
        weight = (1 - decay) / (1 - decay**count)
        average = jax.tree.map(
            lambda old, new: old + weight.astype(old.dtype) * (new - old),
            state.average,
            optax.apply_updates(params, updates),
        )
        return updates, Averaged(inner, average, count)

    return optax.GradientTransformation(init, update)


class Training(eqx.Module):
    """Everything about a training that does not change while it runs; calling it trains for one round.

    `estimate(gradient, there, full)` replaces the batch's gradient. `there` is the gradient of the same batch at the
    round's first model and `full` the mean of `there` over the round, so `highres.svrg.svrg_gradient` makes it SVRG.
    The gradients `there` are kept for the whole round: a round's number of batches times the model's size in memory,
    for a third less work than computing each again.
    """

    static: PyTree
    loss: Loss
    batches: Any
    optimiser: optax.GradientTransformation
    estimate: Estimate | None
    measure: Measure | None
    spread: NamedSharding | None

    def __call__(self, state: State, key: Key[Array, ""], number: Int[Array, ""]) -> tuple[State, Record]:
        """Return the state after round `number` and the round's record."""
        drawn = self.draw(key, number)
        there = full = None
        if self.estimate is not None:
            there = jax.lax.map(lambda one: self._loss_and_gradient(state.parameters, one)[1], drawn)
            full = jax.tree.map(lambda leaf: leaf.mean(0), there)

        state, losses = jax.lax.scan(lambda state, now: self.step(state, *now, full), state, (drawn, there))
        return state, self.record(state, losses)

    def draw(self, key: Key[Array, ""], number: Int[Array, ""]) -> PyTree:
        """Return what decides the batches and the losses' randomness of round `number`."""
        draw_key, loss_key = jax.random.split(jax.random.fold_in(key, number))
        return self.batches.draw(draw_key), jax.random.split(loss_key, self.batches.steps)

    def step(self, state: State, one: PyTree, there: PyTree, full: PyTree) -> tuple[State, Float[Array, ""]]:
        """Return the state after the batch of the draw `one`, and its loss."""
        loss, gradient = self._loss_and_gradient(state.parameters, one)
        if self.estimate is not None:
            gradient = self.estimate(gradient, there, full)
        updates, optimiser = self.optimiser.update(gradient, state.optimiser, state.parameters)
        return State(optax.apply_updates(state.parameters, updates), optimiser), loss

    def record(self, state: State, losses: Float[Array, "steps"]) -> Record:
        """Return the record of a round that ends in `state`."""
        model = eqx.combine(state.parameters, self.static)
        return Record(losses.mean(), self.measure(model) if self.measure else None)

    def _loss_and_gradient(self, parameters: PyTree, one: PyTree) -> tuple[Float[Array, ""], PyTree]:
        drawn, key = one
        batch = self.batches.take(drawn)
        if self.spread is not None:
            batch = jax.lax.with_sharding_constraint(batch, self.spread)
        return jax.value_and_grad(lambda leaves: self.loss(eqx.combine(leaves, self.static), batch, key))(parameters)


def train_round(
    training: Training, state: State, key: Key[Array, "..."], number: Int[Array, ""], together: bool
) -> tuple[State, Record]:
    """Return state and record after a round, for one key or for a leading axis of them.

    `together` makes the seeds one batched computation, as a GPU likes. Otherwise each takes its round in turn: on a CPU
    that is faster, since a batch of small matrix products is slower there than a sequence of them.
    """
    if key.ndim == 0:
        return training(state, key, number)
    if together:
        return jax.vmap(training, in_axes=(0, 0, None))(state, key, number)
    return jax.lax.map(lambda seed: training(seed[0], seed[1], number), (state, key))


class _Form:
    """All of a step's arguments but their arrays; told apart by hash, which is taken once."""

    def __init__(self, *parts: Any):
        self.parts, self._hash = parts, hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Form) and self.parts == other.parts)


def _step(
    form: _Form, kept: list[Array], number: Int[Array, ""], state: list[Array]
) -> tuple[list[Array], Float[Array, ""]]:
    kind, others, rest, state_kind = form.parts
    arrays = jax.tree.unflatten(kind, kept)
    training, drawn = eqx.combine(arrays, jax.tree.unflatten(rest, others))
    one = jax.tree.map(lambda leaf: leaf[number], drawn)
    after, loss = training.step(jax.tree.unflatten(state_kind, state), one, None, None)
    return jax.tree.leaves(after), loss


_compiled_round = eqx.filter_jit(train_round)
_compiled_draw = eqx.filter_jit(Training.draw)
_compiled_step = jax.jit(_step, static_argnums=0, donate_argnums=3)
_compiled_record = eqx.filter_jit(Training.record)


def train_steps(
    training: Training, drawn: PyTree, numbers: Iterable[int], state: State
) -> tuple[State, Float[Array, "steps"]]:
    """Return the state after the steps `numbers` of a round's draws, a compiled program each, and their losses.

    The memory of `state` is given away. Arrays are passed flat: taking a model apart and together again, for each step,
    would be a twentieth of a U-Net's on a CPU.
    """
    arrays, static = eqx.partition((training, drawn), eqx.is_array)
    (kept, kind), (others, rest), (leaves, state_kind) = map(jax.tree.flatten, (arrays, static, state))
    form, losses = _Form(kind, tuple(others), rest, state_kind), []
    for number in numbers:
        leaves, loss = _compiled_step(form, kept, np.int32(number), leaves)
        losses.append(loss)
    return jax.tree.unflatten(state_kind, leaves), jnp.stack(losses)


def _stepwise_round(
    training: Training, state: State, key: Key[Array, ""], number: Int[Array, ""]
) -> tuple[State, Record]:
    """Return what `train_round` does, step by compiled step."""
    drawn = _compiled_draw(training, key, number)
    state, losses = train_steps(training, drawn, range(training.batches.steps), state)
    return state, _compiled_record(training, state, losses)


def fit(
    model: PyTree,
    loss: Loss,
    batches: Batches,
    optimiser: optax.GradientTransformation,
    *,
    steps: int,
    estimate: Estimate | None = None,
    measure: Measure | None = None,
    together: bool | None = None,
    stepwise: bool = False,
    checkpoints: Path | None = None,
    checkpoint_every: int = 10,
    progress: Progress = silent,
    key: Key[Array, "*seeds"],
) -> Fitted:
    """Return `model` after `steps` steps of `optimiser`, with the record of its rounds.

    With one key a model, with keys (seeds,) models whose arrays have that leading axis. `together` as in `train_round`,
    by default just when there is an accelerator. On several devices seeds are spread over them, or a single model's
    batches. `measure(model)` is evaluated after each round. `stepwise` compiles a step and not a round: for networks
    with library convolutions, several times slower on a CPU inside a scan; for one key, without `estimate`.

    `checkpoints` is a folder: every `checkpoint_every` rounds all that is needed is saved there, and a fit that finds
    something there goes on from it, to the same bytes in the end. The folder belongs to one fit; that it is the same
    fit is the caller's to see to.

    **Raises**: ValueError when `steps` is no whole number of rounds, or `stepwise` is asked for several keys or with an
    `estimate`.
    """
    if stepwise and (key.ndim or estimate is not None):
        raise ValueError("a stepwise fit takes one key, and no estimate of the gradient but the batch's own")
    rounds, rest = divmod(steps, batches.steps)
    if rest or not rounds:
        raise ValueError(f"steps = {steps} is no positive multiple of the {batches.steps} steps of a round")
    together = jax.default_backend() != "cpu" if together is None else together
    training, state = prepared(model, loss, batches, optimiser, estimate, measure, seeds=key.ndim > 0)
    training, state, key = _placed(training, state, key)
    if stepwise:
        state = jax.tree.map(jnp.copy, state)  # a step gives its state's memory away, and the first is the caller's

    manager = _manager(checkpoints) if checkpoints and rounds > checkpoint_every else None
    done, records = 0, []
    if manager and (latest := manager.latest_step()) is not None:
        done = latest
        state, records = _restored(manager, done, training, state, key, together)
    while done < rounds:
        if stepwise:
            state, record = _stepwise_round(training, state, key, jnp.asarray(done))
        else:
            state, record = _compiled_round(training, state, key, jnp.asarray(done), together)
        records.append(jax.tree.map(np.asarray, record))
        done += 1
        if manager and done % checkpoint_every == 0 and done < rounds:
            _save(manager, done, state, records)
        progress(done, rounds, loss=float(np.mean(records[-1].loss)))
    if manager:
        manager.close()
    model = eqx.combine(state.parameters, training.static)
    return Fitted(model, _stacked(records, key.ndim), state.optimiser)


def prepared(
    model: PyTree,
    loss: Loss,
    batches: Batches,
    optimiser: optax.GradientTransformation,
    estimate: Estimate | None,
    measure: Measure | None,
    *,
    seeds: bool,
) -> tuple[Training, State]:
    """Return the training and the state before its first round."""
    parameters, static = eqx.partition(model, eqx.is_inexact_array)
    # NNAG's second sequence starts at the model, so its state has a model's leading axis of seeds.
    init = jax.vmap(optimiser.init) if seeds else optimiser.init
    training = Training(static, loss, batches, optimiser, estimate, measure, None)
    return training, State(parameters, init(parameters))


def _placed(training: Training, state: State, key: Key[Array, "..."]) -> tuple[Training, State, Key[Array, "..."]]:
    """Return all three placed on the local devices: seeds divided among them, or else the batches of the one model."""
    count = jax.local_device_count()
    if key.ndim:
        count = max(n for n in range(1, count + 1) if len(key) % n == 0)
    if count == 1:
        return training, state, key
    mesh = Mesh(np.array(jax.local_devices()[:count]), ("devices",))
    divided, whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("devices",), ()))
    training = eqx.filter_shard(training, whole)
    if key.ndim:
        return training, eqx.filter_shard(state, divided), jax.device_put(key, divided)
    training = eqx.tree_at(lambda t: t.spread, training, divided, is_leaf=lambda leaf: leaf is None)
    return training, eqx.filter_shard(state, whole), jax.device_put(key, whole)


def _stacked(records: list[Record], axis: int) -> Record:
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis), *records)


def _manager(folder: Path) -> Any:
    # Imported here, since it takes as long as JAX and only trainings that are saved need it.
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(max_to_keep=1, enable_async_checkpointing=False)
    return ocp.CheckpointManager(folder.absolute(), options=options)


def _save(manager: Any, done: int, state: State, records: list[Record]) -> None:
    import orbax.checkpoint as ocp

    manager.save(done, args=ocp.args.StandardSave((state, _stacked(records, 0))))


def _restored(
    manager: Any, done: int, training: Training, state: State, key: Key[Array, "..."], together: bool
) -> tuple[Any, list[Record]]:
    """Return the saved state and the records of the `done` rounds before it."""
    import orbax.checkpoint as ocp

    _, record = eqx.filter_eval_shape(train_round, training, state, key, jnp.asarray(done), together)
    records = jax.tree.map(lambda leaf: np.empty((done, *leaf.shape), leaf.dtype), record)
    target = jax.tree.map(ocp.utils.to_shape_dtype_struct, (state, records))
    saved, records = manager.restore(done, args=ocp.args.StandardRestore(target))
    return saved, [jax.tree.map(lambda leaf, i=i: leaf[i], records) for i in range(done)]
