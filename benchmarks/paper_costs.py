"""Write what the GPU steps of preset paper cost, as compiled for a CPU, into docs/costs.md; nothing is computed.

XLA's count takes the body of a loop once, however often it runs. So what is compiled is one step, one block of images
or one gradient of the programs that a rule's jobs run, and its cost is multiplied by how often each job comes to it.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from perspectives.alignment.architectures import network as alignment_network
from perspectives.alignment.arms import SHAPES, Arm, arms
from perspectives.alignment.marginal import BLOCK, _log_probabilities
from perspectives.alignment.posterior import initial
from perspectives.alignment.priors import prior
from perspectives.alignment.settings import AlignmentSettings, PosteriorSettings
from perspectives.alignment.steps.evaluate_members import MANY
from perspectives.alignment.variational import NegativeElbo, NegativeLogPosterior
from perspectives.diffusion.bounds import elbo
from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.generative_paths import ROUND as PATHS_ROUND
from perspectives.diffusion.generative_paths import network as path_network
from perspectives.diffusion.image_trainings import settings_of, trainings
from perspectives.diffusion.images import (
    LEVELS,
    NETWORK_BATCH,
    SDE,
    ReleasedEvaluation,
    bound_bits,
    drift_network,
    image_loss,
    score_of,
)
from perspectives.diffusion.mixtures import two_modes
from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.plug_in import RELEASED_MEMBERS, PlugIn, sample_paths
from perspectives.diffusion.proposals import PROPOSALS, Debiasing
from perspectives.diffusion.settings import DiffusionSettings
from perspectives.diffusion.steps.evaluate_swiss_roll import POINTS_AT_ONCE
from perspectives.diffusion.swiss_roll import ROUND, network, sample
from perspectives.highres.classification import METHODS, classifier, cross_entropy
from perspectives.highres.settings import DeepSettings
from perspectives.highres.svrg import svrg_gradient
from perspectives.numerics.batches import Epochs, Fresh, Passes, Weighted, WithReplacement
from perspectives.numerics.training import State, Training, averaged
from perspectives.protein.autoencoders import AutoencoderLoss, autoencoder_for
from perspectives.protein.budget import BATCH, _values, _values_and_gradients
from perspectives.protein.flow_matching import FlowMatchingLoss, Posterior
from perspectives.protein.guidance import FitnessMisfit, gradient_of_each
from perspectives.protein.landscapes import scale_of
from perspectives.protein.models import architecture
from perspectives.protein.oracles import GlobalEpistasis, Measured, PerceptronOracle, anchored_loss
from perspectives.protein.predictors import ConvolutionPredictor, Rows, squared_error
from perspectives.protein.ridge import unfitted_ridge
from perspectives.protein.samplers import guidance_of
from perspectives.protein.settings import ProteinSettings, TaskSettings
from perspectives.protein.velocities import velocity_for
from perspectives.suite.settings import resolve

ROOT = Path(__file__).parents[1]
STUDIES = ("highres", "alignment", "diffusion", "protein")
"""Those with rules that ask for a GPU."""
OPERATIONS_A_SECOND = 5e13
BYTES_A_SECOND = 2.5e12
GPUS = 8
LAUNCHES = 2e-4
"""Seconds that a step lasts at least in the last column but one: some hundred kernels of a few microseconds."""

TRAIN_IMAGES = {"digits": 1500, "fashion-mnist": 60_000, "mnist": 60_000, "cifar-10": 50_000}
TEST_IMAGES = {"digits": 297, "fashion-mnist": 10_000, "mnist": 10_000, "cifar-10": 10_000}
RELEASED_CHUNK = 250
"""Images of a batch of the released evaluation: 10,000 in equal chunks of at most 256."""
LENGTHS = {"gb1": 55, "aav": 28, "gfp": 237}
ROWS = {"aav_medium": 2145, "aav_hard": 3453, "gfp_medium": 2828, "gfp_hard": 2426}
"""Of the published base sets."""
AAV_ROWS = 44_128
"""Of AAV's ground truth, of which nine tenths train."""
GB1_ROWS = 530_737

QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Of the machine code, which nobody runs, nothing is optimised; what XLA fuses and counts comes before."""

Struct = jax.ShapeDtypeStruct
KEY: Any = jax.eval_shape(lambda: jax.random.key(0))


class Cost(NamedTuple):
    """Floating-point operations, bytes read and written, and bytes of arguments, results and temporary arrays."""

    operations: float
    traffic: float
    memory: float

    def seconds(self) -> float:
        """Return the time on the assumed GPU, bound by its arithmetic or by its memory."""
        return max(self.operations / OPERATIONS_A_SECOND, self.traffic / BYTES_A_SECOND)


def compiled_cost(function: Callable[..., Any], *arguments: Any) -> Cost:
    """Return the cost of `function` for arguments of these shapes, a loop's body counted once."""
    shapes, static = eqx.partition(arguments, lambda leaf: isinstance(leaf, Struct))

    def of_arrays(arrays: Any) -> Any:
        return eqx.filter(function(*eqx.combine(arrays, static)), eqx.is_array)

    compiled = jax.jit(of_arrays).lower(shapes).compile(QUICKLY)
    analysis: Any = compiled.cost_analysis()
    memory: Any = compiled.memory_analysis()
    held = memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    return Cost(float(analysis["flops"]), float(analysis["bytes accessed"]), float(held))


class Repeated(NamedTuple):
    """A program and how often a job runs it; `waits` when each run needs the one before."""

    cost: Cost
    times: float


@dataclass
class Rule:
    """What the jobs of a rule run: for each kind of job their number and programs; and what is left out."""

    name: str
    jobs: list[tuple[int, list[Repeated]]] = field(default_factory=list)
    left_out: str = ""

    def add(self, number: int, *programs: Repeated) -> None:
        """Add jobs that are alike."""
        self.jobs.append((number, list(programs)))


_known: dict[str, Cost] = {}


def once(name: str, make: Callable[[], Cost]) -> Cost:
    """Return the cost of what is called so, compiled the first time."""
    if name not in _known:
        since = time.perf_counter()
        _known[name] = make()
        print(f"{time.perf_counter() - since:6.1f} s  {name}: {_known[name].operations:.3g} operations", flush=True)
    return _known[name]


def step_cost(
    model: Any,
    loss: Callable[..., Any],
    batches: Any,
    optimiser: optax.GradientTransformation,
    *,
    estimate: Callable[..., Any] | None = None,
    seeds: int | None = None,
) -> Cost:
    """Return the cost of one step of a training as `fit` makes it, of all seeds together where there are several.

    With an `estimate` the gradient at the round's first model is in it, and its memory has all gradients of a round.
    """
    parameters, static = eqx.partition(model, lambda leaf: isinstance(leaf, Struct))
    training = Training(static, loss, batches, optimiser, estimate, None, None)
    init = jax.vmap(optimiser.init) if seeds else optimiser.init
    state = State(parameters, jax.eval_shape(init, parameters))
    keys = KEY if seeds is None else jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds))

    def step(training: Training, state: State, first: Any, key: Any) -> Any:
        """Return the state after a step. The draws of a round are made for this one step."""

        def of_one(state: State, first: Any, key: Any) -> Any:
            one = jax.tree.map(lambda leaf: leaf[0], training.draw(key, jnp.asarray(0)))
            there = None
            if estimate is not None:
                there = training._loss_and_gradient(first, one)[1]
            return training.step(state, one, there, there), there

        return jax.vmap(of_one)(state, first, key) if seeds else of_one(state, first, key)

    found = compiled_cost(step, training, state, parameters, keys)
    if estimate is not None:
        gradient = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(parameters))
        found = found._replace(memory=found.memory + gradient * (batches.steps - 1))
    return found


def abstract(make: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `make` would, with shapes in place of arrays."""
    return eqx.filter_eval_shape(make, *arguments)


def images_of(count: int, shape: Sequence[int]) -> tuple[Struct, Struct]:
    """Return images and labels."""
    return Struct((count, *shape), jnp.float32), Struct((count,), jnp.int32)


# --- highres


def highres_rules(settings: DeepSettings) -> list[Rule]:
    """Return the training of Fig. 2."""
    rule, shape = Rule("train_classifier"), (32, 32, 3)
    keys = abstract(lambda: jax.random.split(jax.random.key(0), settings.seeds))
    models = abstract(eqx.filter_vmap(lambda key: classifier(shape, key=key)), keys)
    batches = Epochs(images_of(TRAIN_IMAGES["cifar-10"], shape), settings.batch)
    block = 1000
    classes = once(
        "Fig. 2, accuracy",
        lambda: compiled_cost(
            eqx.filter_vmap(lambda model, images: model(images).argmax(-1), in_axes=(eqx.if_array(0), None)),
            models,
            images_of(block, shape)[0],
        ),
    )
    for name, method in METHODS.items():
        estimate = svrg_gradient if method.variance_reduced else None
        step = once(
            f"Fig. 2, {name}",
            lambda method=method, estimate=estimate: step_cost(
                models, cross_entropy, batches, method.optimiser(batches.steps),
                estimate=estimate, seeds=settings.seeds,
            ),
        )  # fmt: skip
        evaluated = settings.epochs * TEST_IMAGES["cifar-10"] / block
        rule.add(1, Repeated(step, settings.epochs * batches.steps), Repeated(classes, evaluated))
    return [rule]


# --- alignment


def posterior_step(settings: PosteriorSettings) -> Cost:
    """Return the cost of a step of the training of an arm."""
    count = TRAIN_IMAGES[settings.dataset]

    def begin(key: Any) -> Any:
        model = alignment_network(settings, key=key)
        belief = prior(model, settings.prior, settings.prior_variance)
        return (initial(model, belief, settings.initial_deviation) if settings.inference == "vi" else model), belief

    start, belief = abstract(begin, KEY)
    objective = NegativeElbo if settings.inference == "vi" else NegativeLogPosterior
    batches = Epochs(images_of(count, SHAPES[settings.dataset]), settings.batch)
    loss = objective(belief, Struct((), jnp.float32), settings.augmentation)
    schedule = optax.cosine_decay_schedule(settings.learning_rate, settings.epochs * batches.steps)
    return step_cost(start, loss, batches, optax.adam(schedule))


def block_of_draw(settings: PosteriorSettings) -> Cost:
    """Return the cost of the log-probabilities of a block of images by one draw from a posterior."""
    model = abstract(lambda key: alignment_network(settings, key=key), KEY)
    keys = abstract(lambda: jax.random.split(jax.random.key(0), 1))
    deviation = eqx.filter(model, lambda leaf: isinstance(leaf, Struct))
    return compiled_cost(_log_probabilities, model, deviation, images_of(BLOCK, SHAPES[settings.dataset])[0], keys)


def alignment_rules(settings: AlignmentSettings) -> list[Rule]:
    """Return the rules that train and evaluate posteriors."""
    names = ("train_posterior", "evaluate_pair", "evaluate_members", "evaluate_plane", "evaluate_barycentre")
    train, pair, members, plane, barycentre = (Rule(name) for name in names)

    def blocks(arm: Arm, most: int, *counts: dict[str, int]) -> float:
        return sum(min(most, count[arm.training.dataset]) for count in counts) / BLOCK

    every = arms(settings)
    reference = next(arm for arm in every.values() if arm.role == "reference")
    for arm in every.values():
        chosen = arm.training
        shape = "x".join(map(str, SHAPES[chosen.dataset]))
        kind = f"{chosen.network} {chosen.width}, {shape}, batch of {chosen.batch}"
        exact = f"{kind}, {chosen.inference}, {chosen.prior}, augmented {chosen.augmentation}"
        step = once(exact, lambda chosen=chosen: posterior_step(chosen))
        steps = chosen.epochs * (TRAIN_IMAGES[chosen.dataset] // chosen.batch)
        train.add(arm.members, Repeated(step, steps))

        block = once(f"{kind}: a draw", lambda chosen=chosen: block_of_draw(chosen))
        sure, evaluation = chosen.inference == "map", settings.evaluation
        draws = 1 if sure else evaluation.draws
        points = 1 + (1 + len(arm.divergences)) * (evaluation.times - 1)
        both = blocks(arm, evaluation.images, TRAIN_IMAGES, TEST_IMAGES)
        pair.add(len(arm.pairs), Repeated(block, points * draws * both))
        most = 1 if sure else max(draws, MANY if arm.role == "reference" else 1)
        members.add(1, Repeated(block, arm.members * most * both))
        if arm is reference:
            some = settings.slice
            grid = some.points**2 * some.draws * blocks(arm, some.images, TEST_IMAGES)
            plane.add(1, Repeated(block, grid))
            barycentre.add(1, Repeated(block, 2 * draws * blocks(arm, evaluation.images, TEST_IMAGES)))
    return [train, pair, members, plane, barycentre]


# --- diffusion


def diffusion_rules(settings: DiffusionSettings) -> list[Rule]:
    """Return the rules that train, evaluate and sample drifts."""
    return [*_roll_rules(settings), *_image_rules(settings)]


def _roll_rules(settings: DiffusionSettings) -> list[Rule]:
    names = ("train_generative_paths", "train_swiss_roll", "evaluate_swiss_roll", "sample_family")
    paths, train, evaluate, family = (Rule(name) for name in names)
    small, roll = settings.generative_paths, settings.swiss_roll
    mixture = jax.tree.map(lambda array: array.astype(jnp.float32), two_modes())
    make = lambda key: path_network("fixed_inference", width=small.width, depth=small.depth, key=key)  # noqa: E731
    step = once(
        "paths, fixed inference",
        lambda: step_cost(
            abstract(make, KEY), DenoisingLoss(SDE, Debiasing(SDE)), Fresh(mixture.sample, small.batch, PATHS_ROUND),
            optax.adam(small.learning_rate),
        ),
    )  # fmt: skip
    paths.add(1, Repeated(step, small.iterations))
    paths.left_out = "two of its three jobs, whose step solves an equation in a loop of the solver's own"

    keys = abstract(lambda: jax.random.split(jax.random.key(0), roll.seeds))
    models = abstract(eqx.filter_vmap(lambda key: network(roll, key=key)), keys)
    one = abstract(lambda key: network(roll, key=key), KEY)
    step = once(
        "swiss roll",
        lambda: step_cost(
            models, DenoisingLoss(SDE, PROPOSALS["debiasing"]), Fresh(sample, roll.batch, ROUND),
            averaged(optax.adam(roll.learning_rate), roll.average), seeds=roll.seeds,
        ),
    )  # fmt: skip
    train.add(2, Repeated(step, roll.iterations))

    def bounds(drift: Any, x: Any, keys: Any) -> Any:
        at = DriftScore(drift, SDE)
        return jax.vmap(lambda x, key: elbo(SDE, at, x, times=roll.times, key=key))(x, keys)

    points = abstract(lambda: jax.random.split(jax.random.key(0), POINTS_AT_ONCE))
    bound = once(
        "swiss roll, bounds", lambda: compiled_cost(bounds, one, Struct((POINTS_AT_ONCE, 2), jnp.float32), points)
    )
    evaluate.add(2, Repeated(bound, 2 * roll.seeds * roll.points / POINTS_AT_ONCE))
    evaluate.left_out = "likelihoods by the ODE, whose steps are adaptive"

    chosen = settings.family
    start, snapshots = Struct((chosen.samples, 2), jnp.float32), Struct((10,), jnp.float32)
    sampling = once("swiss roll, samples", lambda: _sampling(one, Struct((), jnp.float32), start, snapshots))
    family.add(1, Repeated(sampling, len(RELEASED_MEMBERS) * chosen.steps))
    return [paths, train, evaluate, family]


def _sampling(drift: Any, lmbda: Any, start: Struct, times: Struct) -> Cost:
    """Return the cost of one step of sampling; the loop's body is counted once, the start with it."""

    def paths(drift: Any, lmbda: Any, start: Any, times: Any, key: Any) -> Any:
        return sample_paths(PlugIn(SDE, score_of(drift), lmbda), start, times, steps=10, key=key)

    return compiled_cost(paths, drift, lmbda, start, times, KEY)


def _image_rules(settings: DiffusionSettings) -> list[Rule]:
    train, evaluate, sampled = (Rule(name) for name in ("train_images", "evaluate_images", "sample_images"))
    every = trainings(settings.images)
    for dataset in settings.images.datasets:
        chosen, shape = settings_of(settings.images, dataset), SHAPES[dataset]
        of_test = chosen.test_images or TEST_IMAGES[dataset]
        kind = f"{chosen.network}, {'x'.join(map(str, shape))}, {LEVELS[dataset]} levels"
        model = abstract(lambda key, chosen=chosen, shape=shape: drift_network(chosen, shape, key=key), KEY)
        number = sum(training.dataset == dataset for training in every)

        def step(chosen: Any = chosen, dataset: Any = dataset, model: Any = model, shape: Any = shape) -> Cost:
            images = Struct((chosen.train_images or TRAIN_IMAGES[dataset], *shape), jnp.float32)
            return step_cost(
                model, image_loss(chosen, dataset, "uniform"), Passes(images, chosen.batch, chosen.evaluate_every),
                averaged(optax.adam(chosen.learning_rate), chosen.average),
            )  # fmt: skip

        def measured(dataset: Any = dataset, model: Any = model, shape: Any = shape) -> Cost:
            def of(model: Any, images: Any, key: Any) -> Any:
                return ReleasedEvaluation(images, key, LEVELS[dataset])(model)

            return compiled_cost(of, model, Struct((RELEASED_CHUNK, *shape), jnp.float32), KEY)

        together = max(1, NETWORK_BATCH // (2 * chosen.times))

        def bounds(chosen: Any = chosen, dataset: Any = dataset, model: Any = model, shape: Any = shape,
                   together: int = together) -> Cost:  # fmt: skip
            def of(model: Any, images: Any, keys: Any) -> Any:
                bits = lambda x, key: bound_bits(model, x, LEVELS[dataset], times=chosen.times, key=key)  # noqa: E731
                return jax.vmap(bits)(images, keys)

            keys = abstract(lambda: jax.random.split(jax.random.key(0), together))
            return compiled_cost(of, model, Struct((together, *shape), jnp.float32), keys)

        training = once(f"{kind}: training", step)
        evaluation = once(f"{kind}: released evaluation", measured)
        rounds = chosen.iterations / chosen.evaluate_every
        train.add(
            number, Repeated(training, chosen.iterations), Repeated(evaluation, rounds * of_test / RELEASED_CHUNK)
        )
        bound = once(f"{kind}: bounds", bounds)
        evaluate.add(number, Repeated(bound, 2 * of_test / together))
        start = Struct((chosen.samples, *shape), jnp.float32)
        one = once(
            f"{kind}: samples",
            lambda model=model, start=start: _sampling(model, 0.0, start, Struct((1,), jnp.float32)),
        )
        sampled.add(1, Repeated(one, 2 * chosen.sampling_steps))
    return [train, evaluate, sampled]


# --- protein


class Models(NamedTuple):
    """The networks of a task, with shapes in place of arrays."""

    autoencoder: Any
    velocity: Any
    predictor: Any


def models_of(task: TaskSettings, length: int) -> Models:
    """Return the networks of a task whose sequences have `length` residues."""
    latent = task.autoencoder.latent
    ridge = task.predictor.kind == "ridge"
    return Models(
        abstract(lambda key: autoencoder_for(task.autoencoder, length, latent=latent, key=key), KEY),
        abstract(lambda key: velocity_for(task.prior, latent=latent, key=key), KEY),
        abstract(lambda key: unfitted_ridge(length) if ridge else ConvolutionPredictor(key=key), KEY),
    )


def predictor_step(settings: Any, rows: int, length: int) -> Cost:
    """Return the cost of a step of the convolutional predictor's training."""
    data = Rows(Struct((rows, length), jnp.uint8), Struct((rows,), jnp.float32))  # type: ignore[arg-type]
    likely: Any = Struct((rows,), jnp.float32)
    return step_cost(
        abstract(lambda key: ConvolutionPredictor(key=key), KEY), squared_error,
        Weighted(data, likely, settings.batch, 1),
        optax.chain(optax.add_decayed_weights(settings.weight_decay), optax.adam(settings.learning_rate)),
    )  # fmt: skip


def protein_rules(settings: ProteinSettings) -> list[Rule]:
    """Return the rules that train models of sequences and sample or search with them."""
    names = ("train_autoencoder", "train_prior", "train_mean_prior", "train_predictor", "sample_designs",
             "sample_gb1_designs", "search_designs", "map_guidance")  # fmt: skip
    rules = {name: Rule(name) for name in names}
    rules["train_predictor"].left_out = "GB1's ridge regressions, a linear solve each"
    rules["sample_gb1_designs"].left_out = "the guided ODE, whose steps are adaptive"
    rules["search_designs"].left_out = "what the searches themselves do, on the CPU"
    mapped = {"gb1_default", "aav_medium"}
    for name in settings.tasks:
        task: TaskSettings = getattr(settings, name)
        gb1, length = name.startswith("gb1"), LENGTHS[name.split("_")[0]]
        rows = ROWS.get(name) or task.rows or 0
        _trainings_of_task(rules, name, task, rows, length, gb1)
        jobs = len(task.sources) * len(task.predictors) * task.seeds
        for source in task.sources:
            _sampling_of_task(rules, name, architecture(task, source), length, gb1, jobs // len(task.sources))
        if name in mapped:
            _map_of_task(rules["map_guidance"], name, architecture(task, task.sources[0]), length)
    return [*_oracle_rules(settings), *rules.values()]


def _oracle_rules(settings: ProteinSettings) -> list[Rule]:
    gb1, aav, chosen = Rule("train_gb1_oracles"), Rule("train_aav_oracle"), settings.oracles
    measured: Any = Measured(
        *(Struct(shape, kind) for shape, kind in (((GB1_ROWS, 2), jnp.int32), *[((GB1_ROWS,), jnp.float32)] * 2))  # type: ignore[arg-type]
    )
    length = LENGTHS["gb1"]
    oracles = {
        "epistasis": (abstract(lambda: GlobalEpistasis(length)), chosen.epistasis_batch, chosen.epistasis_steps),
        "perceptron": (
            abstract(lambda key: PerceptronOracle(np.zeros(length, np.uint8), key=key), KEY),
            chosen.batch,
            chosen.steps,
        ),
    }
    gb1.add(1, *(
        Repeated(once(f"GB1 oracle, {name}", lambda model=model, batch=batch: step_cost(
            model, anchored_loss, WithReplacement(measured, batch, 100), optax.adam(optax.cosine_decay_schedule(1, 9)),
        )), steps)
        for name, (model, batch, steps) in oracles.items()
    ))  # fmt: skip
    rows = AAV_ROWS * 9 // 10
    some = settings.aav_medium.predictor
    step = once("AAV oracle", lambda: predictor_step(some, rows, LENGTHS["aav"]))
    aav.add(1, Repeated(step, chosen.epochs * -(-rows // some.batch)))
    return [gb1, aav] if chosen.from_scratch else [gb1]


def _trainings_of_task(
    rules: dict[str, Rule], name: str, task: TaskSettings, rows: int, length: int, gb1: bool
) -> None:
    models, encoder, flow, guide = models_of(task, length), task.autoencoder, task.prior, task.predictor
    step = once(
        f"{length} residues, autoencoder: {encoder.network} {encoder.latent}, batch of {encoder.batch}",
        lambda: step_cost(
            models.autoencoder, AutoencoderLoss(encoder.divergence_weight),
            Passes(Struct((rows, length), jnp.uint8), encoder.batch, 1),
            optax.adamw(encoder.learning_rate, weight_decay=encoder.weight_decay),
        ),
    )  # fmt: skip
    rules["train_autoencoder"].add(task.seeds, Repeated(step, encoder.steps))
    codes: Any = Struct((rows, encoder.latent), jnp.float32)
    step = once(
        f"codes of {encoder.latent}, prior: {flow.network}, batch of {flow.batch}",
        lambda: step_cost(
            models.velocity, FlowMatchingLoss(True), Passes(Posterior(codes, codes), flow.batch, 1),
            optax.adamw(flow.learning_rate, weight_decay=flow.weight_decay),
        ),
    )  # fmt: skip
    rules["train_prior"].add(task.seeds, Repeated(step, flow.steps))
    if gb1:
        rules["train_mean_prior"].add(task.seeds, Repeated(step, flow.steps))
    if guide.kind == "convolutions":
        for predictor in task.predictors:
            fitted = rows if predictor == "unsmoothed" else task.smoothing.nodes
            step = once(f"{length} residues, predictor of {fitted}", lambda n=fitted: predictor_step(guide, n, length))
            rules["train_predictor"].add(task.seeds, Repeated(step, guide.epochs * -(-fitted // guide.batch)))


class Guiding(NamedTuple):
    """The parts of guided sampling: the velocity of all codes, and gradients of the misfit at the end and at a code."""

    velocity: Cost
    at_end: Cost
    at_code: Cost


def _guiding(name: str, task: TaskSettings, length: int) -> Guiding:
    models = models_of(task, length)
    codes, now = Struct((task.sampling.samples, task.autoencoder.latent), jnp.float32), Struct((), jnp.float32)
    misfit = FitnessMisfit(models.autoencoder, models.predictor, scale_of(name))
    latent = task.autoencoder.latent
    kind = f"{length} residues, {task.autoencoder.network} {latent}, {task.prior.network}, {task.predictor.kind}"
    kind = f"{kind}, {task.sampling.samples} samples"

    def at_end(velocity: Any, misfit: Any, z: Any, t: Any) -> Any:
        return gradient_of_each(lambda z: misfit(z + t * velocity(z, t)), z)

    return Guiding(
        once(f"{kind}: velocity", lambda: compiled_cost(lambda v, z, t: v(z, t), models.velocity, codes, now)),
        once(f"{kind}: guidance", lambda: compiled_cost(at_end, models.velocity, misfit, codes, now)),
        once(f"{kind}: gradient", lambda: compiled_cost(lambda m, z: gradient_of_each(m, z), misfit, codes)),
    )


def _sampling_of_task(rules: dict[str, Rule], name: str, task: TaskSettings, length: int, gb1: bool, jobs: int) -> None:
    parts, steps = _guiding(name, task, length), task.sampling.steps
    each = jobs // len(task.predictors)
    for predictor in task.predictors:
        inner = guidance_of(task, predictor).inner
        # Arms: the prior, guided with either time, gradients at the code with and without the prior; GB1's other prior.
        usual = 3 if gb1 else 2
        programs = (
            Repeated(parts.velocity, (5 + gb1) * steps),
            Repeated(parts.at_end, usual * steps * inner),
            Repeated(parts.at_code, 2 * steps * inner),
        )
        rules["sample_gb1_designs" if gb1 else "sample_designs"].add(each, *programs)

    search, encoder = task.search, task.autoencoder
    tokens, predictor = Struct((BATCH, length), jnp.uint8), models_of(task, length).predictor
    kind = f"{length} residues, {task.predictor.kind}"
    value = once(f"{kind}: predictions", lambda: compiled_cost(_values, predictor, tokens))
    both = once(f"{kind}: and gradients", lambda: compiled_cost(_values_and_gradients, predictor, tokens))
    blocks = search.calls / BATCH
    programs = [Repeated(value, (3 + bool(search.refits)) * blocks), Repeated(both, (1 + gb1) * blocks)]
    if search.refits:
        refit = once(
            f"{length} residues, {encoder.network} {encoder.latent}, batch of {encoder.batch}: refit",
            lambda: step_cost(
                models_of(task, length).autoencoder, AutoencoderLoss(encoder.divergence_weight),
                Weighted(Struct((search.calls // search.refits, length), jnp.uint8),
                         Struct((search.calls // search.refits,), jnp.float32), encoder.batch, 1),  # type: ignore[arg-type]
                optax.adamw(encoder.learning_rate, weight_decay=encoder.weight_decay),
            ),
        )  # fmt: skip
        programs.append(Repeated(refit, encoder.steps))
    rules["search_designs"].add(jobs, *programs)


def _map_of_task(rule: Rule, name: str, task: TaskSettings, length: int) -> None:
    parts, sampling = _guiding(name, task, length), task.sampling
    usual = guidance_of(task, task.predictors[0])
    inners = sampling.inners or (usual.inner,)
    strengths, counts = len(sampling.strengths) or 1, sampling.step_counts or (sampling.steps,)
    outer = sampling.steps * strengths * len(inners) + sum(counts)
    gradients = sampling.steps * strengths * sum(inners) + sum(counts) * usual.inner
    rule.add(1, Repeated(parts.velocity, outer), Repeated(parts.at_end, gradients))


# --- The page


class Total(NamedTuple):
    """A rule's row: its jobs together, the largest memory, the longest job, and the hours of one and of eight GPUs."""

    jobs: int
    operations: float
    traffic: float
    memory: float
    runs: float
    longest: float
    one: float
    eight: float


def total(jobs: Sequence[tuple[int, list[Repeated]]], seconds: Callable[[Repeated], float]) -> Total:
    """Return the sums; on eight GPUs each takes the longest job that is left."""
    lasting = sorted((sum(map(seconds, programs)) for number, programs in jobs for _ in range(number)), reverse=True)
    busy = [0.0] * GPUS
    for job in lasting:
        busy[busy.index(min(busy))] += job
    every = [(number * one.times, one.cost) for number, programs in jobs for one in programs]
    return Total(
        len(lasting),
        sum(times * cost.operations for times, cost in every),
        sum(times * cost.traffic for times, cost in every),
        max(cost.memory for _, cost in every),
        sum(times for times, _ in every),
        *(value / 3600 for value in (lasting[0], sum(lasting), max(busy))),
    )


def bound_by_work(one: Repeated) -> float:
    """Return the seconds of all runs of a program by its operations and bytes."""
    return one.times * one.cost.seconds()


def with_launches(one: Repeated) -> float:
    """Return the same where no run is shorter than what it takes to launch it."""
    return one.times * max(one.cost.seconds(), LAUNCHES)


HEAD = f"""# What preset `paper` costs on a GPU

Written by `.venv/bin/python benchmarks/paper_costs.py`, which compiles and computes nothing. No run of `paper` stands
behind it.

- **Counted**: what XLA says of one step, one block of images or one gradient of the programs that the rules run, times
  how often each job runs it. A test checks that this is what a training of several steps has, since XLA counts a
  loop's body once.
- **Bytes and memory are those of the CPU's program**, whose fusions are others than a GPU's; memory is arguments,
  results and temporary arrays of the largest of these programs. Data in it are those of the step, not of the job.
- **Hours** take {OPERATIONS_A_SECOND:.0e} operations a second, float32 products by TensorFloat-32 at a tenth of the
  H100's dense peak, or {BYTES_A_SECOND:.1e} bytes a second, whichever is longer, program by program.
- **With launches** no program takes less than {1000 * LAUNCHES:.1f} ms, the time to start some hundred small kernels:
  an assumption too, and for most of these small networks what decides.
- **Eight GPUs** take whole jobs, the longest first, one rule after another. What limits is the longest job. Within a
  job, seeds or batches can be divided as well (`numerics/training.py`); that is not counted here.
- **Left out**: compilation (seconds to a minute a job), Snakemake's start of a job, reading data, what a step does on
  the CPU. **Too many**: the draws of a whole round are counted with every step, and the first layer of a perceptron
  at every point of a path, which meets it at the path's ends alone.
"""


def page(rules: Sequence[Rule], minutes: float, absent: Sequence[str] = ()) -> str:
    """Return the text of the page; studies that are `absent` are named as such."""
    head = ("rule", "jobs", "operations", "bytes", "memory (GB)", "runs", "longest job (h)", "one GPU (h)",
            "eight (h)", "one, with launches (h)", "eight, with launches (h)")  # fmt: skip
    lines = [HEAD, f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    work, launched = [], []
    for rule in rules:
        one, slow = total(rule.jobs, bound_by_work), total(rule.jobs, with_launches)
        work.append(one)
        launched.append(slow)
        name = f"`{rule.name}`{' *' if rule.left_out else ''}"
        hours = (slow.longest, one.one, one.eight, slow.one, slow.eight)
        cells = (name, one.jobs, f"{one.operations:.1e}", f"{one.traffic:.1e}", f"{one.memory / 1e9:.2g}",
                 f"{one.runs:.1e}", *(f"{value:.2g}" for value in hours))  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    sums = (sum(t.one for t in work), sum(t.eight for t in work), sum(t.one for t in launched),
            sum(t.eight for t in launched))  # fmt: skip
    cells = ("all", sum(t.jobs for t in work), f"{sum(t.operations for t in work):.1e}",
             f"{sum(t.traffic for t in work):.1e}", "", f"{sum(t.runs for t in work):.1e}", "",
             *(f"{value:.2g}" for value in sums))  # fmt: skip
    lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "The longest job is with launches. Not estimated, where there is a star:", ""]
    lines += [f"- `{rule.name}`: {rule.left_out}." for rule in rules if rule.left_out]
    if absent:
        lines += ["", f"**Not compiled yet, and in no sum: the GPU rules of {', '.join(absent)}.**"]
    lines += ["", f"Compiling all of it took {minutes:.0f} minutes on two cores."]
    return "\n".join(lines) + "\n"


def rules_of(study: str) -> list[Rule]:
    """Return the rules of a study in preset paper that ask for a GPU."""
    settings = resolve({"preset": "paper"}, ROOT / "workflow" / "presets")
    return {
        "highres": lambda: highres_rules(settings.highres.deep),
        "alignment": lambda: alignment_rules(settings.alignment),
        "diffusion": lambda: diffusion_rules(settings.diffusion),
        "protein": lambda: protein_rules(settings.protein),
    }[study]()


def main() -> None:
    """Compile, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "costs.md")
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=list(STUDIES))
    options = parser.parse_args()
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)  # as the steps have it
    # What a program does part by part on a CPU, in a loop whose body would be counted once, it does at once on a GPU.
    jax.default_backend = lambda: "gpu"
    since = time.perf_counter()
    rules = [rule for study in STUDIES if study in options.studies for rule in rules_of(study)]
    absent = [study for study in STUDIES if study not in options.studies]
    options.page.write_text(page(rules, (time.perf_counter() - since) / 60, absent))


if __name__ == "__main__":
    main()
