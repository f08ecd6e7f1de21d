"""Search for designs among sequences, by methods that see what guidance sees: base set and predictor."""

import numpy as np

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.autoencoders import commonest
from perspectives.protein.budget import Budget, Predicted, predictions
from perspectives.protein.cbas import conditioned_by_adaptive_sampling
from perspectives.protein.evolution import evolve, exhaustive_doubles, founders, random_mutants
from perspectives.protein.frontier import explore_frontier
from perspectives.protein.gibbs import gibbs_with_gradients
from perspectives.protein.landscapes import scale_of, scored
from perspectives.protein.models import architecture, restored_autoencoder, restored_predictor
from perspectives.protein.ridge import Ridge
from perspectives.protein.search_space import SearchSpace, numpy_generator
from perspectives.protein.selection import best_measured, design_rows, only_selected, select
from perspectives.protein.sequences import LETTERS
from perspectives.protein.settings import PredictorName, SourceName, TaskName, TaskSettings
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def search_designs(
    *,
    settings: TaskSettings,
    task: TaskName,
    source: SourceName,
    predictor: PredictorName,
    member: int,
    seed: int,
    base: Input,
    predictor_weights: Input,
    autoencoder: Input,
    designs: Output,
    progress: Progress,
) -> None:
    """Write the designs that each method hands over, and how many sequences it had predicted.

    All but two pay for every prediction from budgets of one size. The base set's best are known from their
    measurements; and that all doubles are predicted on GB1 shows what any search there could find.
    """
    search, keep, networks = settings.search, settings.sampling.keep, architecture(settings, source)
    known = read_as(scored, base)
    tokens, scores = known.tokens, known.scores
    length = tokens.shape[1]
    model = restored_predictor(networks.predictor, length, read_groups(predictor_weights))
    allowed = model.allowed if isinstance(model, Ridge) else np.ones((length, LETTERS), bool)
    space = SearchSpace(commonest(tokens), allowed, search.mutations)
    start = founders(tokens, scores, space, search.calls // search.rounds)
    inside = tokens[space.contains(tokens)]
    common = {"rounds": search.rounds}
    gibbs = {**common, "temperature": search.temperature, "clusters": search.clusters}

    searches = {
        "mutants": lambda budget, generator: random_mutants(
            budget, inside if len(inside) else start, space, generator=generator
        ),
        "evolution": lambda budget, generator: evolve(
            budget, start, space, threshold=search.threshold, recombination=search.recombination,
            scale=scale_of(task), generator=generator, **common,
        ),
        "frontier": lambda budget, generator: explore_frontier(budget, start, space, generator=generator, **common),
        "gibbs": lambda budget, generator: gibbs_with_gradients(budget, start, space, generator=generator, **gibbs),
    }  # fmt: skip
    if task.startswith("gb1"):
        searches["gibbs_inverted"] = lambda budget, generator: gibbs_with_gradients(
            budget, start, space, inverted=True, generator=generator, **gibbs
        )
    total = len(searches) + (search.refits > 0)

    best = best_measured(Predicted(tokens, predictions(model, tokens)), scores, keep=keep)
    rows = design_rows("base", only_selected(best))
    for number, (method, run) in enumerate(searches.items(), 1):
        # One stream for both kinds of Gibbs, which then differ in what they accept alone.
        name = method.removesuffix("_inverted")
        generator = numpy_generator(stream(seed, f"protein/searches/{task}/{name}/member {member}"))
        budget = Budget(model, calls=search.calls)
        found = run(budget, generator)
        rows += design_rows(method, only_selected(select(found, keep=keep, drawn=budget.used)))
        progress(number, total)
    if search.refits:
        budget = Budget(model, calls=search.calls)
        found = conditioned_by_adaptive_sampling(
            budget,
            restored_autoencoder(networks.autoencoder, length, read_groups(autoencoder)),
            networks.autoencoder,
            space,
            refits=search.refits,
            key=stream(seed, f"protein/searches/{task}/cbas/member {member}"),
        )
        rows += design_rows("cbas", only_selected(select(found, keep=keep, drawn=budget.used)))
        progress(total, total)
    if task.startswith("gb1"):
        rows += design_rows("exhaustive", only_selected(select(exhaustive_doubles(model, space), keep=keep)))
    write_rows(designs, rows, digits=9)
