# Blondel and Roulet, The Elements of Differentiable Programming. One block a topic, in the book's order: measure, or train
# and evaluate, then plot. Nothing needs data. docs/elements.md has the maths.

E = SETTINGS.elements
E_RUNS = f"{RESULTS}/elements/runs"
E_TABLES = f"{RESULTS}/elements/tables"


# --- Differentiation: finite differences and kinks


rule measure_differentiation:
    output:
        functions=f"{E_TABLES}/kinked_functions.csv",
        errors=f"{E_TABLES}/differentiation_errors.csv",
        best_steps=f"{E_TABLES}/best_steps.csv",
        kinked=f"{E_TABLES}/kinks.csv",
        measures=f"{E_TABLES}/differentiation_measures.csv",
    log:
        f"{LOGS}/elements/measure_differentiation.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_differentiation.tsv"
    params:
        **stale("elements.measure_differentiation", settings=E.differentiation),
    shell:
        command("elements.measure_differentiation")


rule plot_differentiation:
    input:
        functions=f"{E_TABLES}/kinked_functions.csv",
        errors=f"{E_TABLES}/differentiation_errors.csv",
        best_steps=f"{E_TABLES}/best_steps.csv",
        kinked=f"{E_TABLES}/kinks.csv",
    output:
        **figure("elements", "differentiation"),
    log:
        f"{LOGS}/elements/plot_differentiation.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_differentiation.tsv"
    params:
        **stale("elements.plot_differentiation"),
    shell:
        command("elements.plot_differentiation")


# --- Differentiation: what derivatives cost, and checkpoints


rule measure_costs:
    output:
        derivatives=f"{E_TABLES}/derivative_costs.csv",
        jacobians=f"{E_TABLES}/jacobian_costs.csv",
        memory=f"{E_TABLES}/checkpoint_memory.csv",
        schedules=f"{E_TABLES}/checkpoint_schedules.csv",
        adjoints=f"{E_TABLES}/reversible_adjoints.csv",
        measures=f"{E_TABLES}/costs_measures.csv",
    log:
        f"{LOGS}/elements/measure_costs.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_costs.tsv"
    params:
        **stale("elements.measure_costs", settings=E.costs, seed=SETTINGS.seed),
    shell:
        command("elements.measure_costs")


rule plot_costs:
    input:
        derivatives=f"{E_TABLES}/derivative_costs.csv",
        jacobians=f"{E_TABLES}/jacobian_costs.csv",
        memory=f"{E_TABLES}/checkpoint_memory.csv",
        schedules=f"{E_TABLES}/checkpoint_schedules.csv",
        adjoints=f"{E_TABLES}/reversible_adjoints.csv",
    output:
        **figure("elements", "costs"),
    log:
        f"{LOGS}/elements/plot_costs.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_costs.tsv"
    params:
        **stale("elements.plot_costs"),
    shell:
        command("elements.plot_costs")


# --- Probabilistic learning: exponential families and generalised linear models


rule measure_families:
    output:
        curves=f"{E_TABLES}/families.csv",
        fits=f"{E_TABLES}/family_fits.csv",
        measures=f"{E_TABLES}/families_measures.csv",
    log:
        f"{LOGS}/elements/measure_families.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_families.tsv"
    params:
        **stale("elements.measure_families", seed=SETTINGS.seed),
    shell:
        command("elements.measure_families")


rule plot_families:
    input:
        curves=f"{E_TABLES}/families.csv",
        fits=f"{E_TABLES}/family_fits.csv",
    output:
        **figure("elements", "families"),
    log:
        f"{LOGS}/elements/plot_families.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_families.tsv"
    params:
        **stale("elements.plot_families"),
    shell:
        command("elements.plot_families")


# --- Optimization basics: rates of convergence


rule measure_optimization:
    output:
        trajectories=f"{E_TABLES}/descents.csv",
        sweep=f"{E_TABLES}/rate_sweep.csv",
        errors=f"{E_TABLES}/descent_errors.csv",
        progress_ratios=f"{E_TABLES}/progress_ratios.csv",
        pinsker=f"{E_TABLES}/pinsker.csv",
        measures=f"{E_TABLES}/optimization_measures.csv",
    log:
        f"{LOGS}/elements/measure_optimization.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_optimization.tsv"
    params:
        **stale("elements.measure_optimization"),
    shell:
        command("elements.measure_optimization")


rule plot_optimization:
    input:
        trajectories=f"{E_TABLES}/descents.csv",
        sweep=f"{E_TABLES}/rate_sweep.csv",
        errors=f"{E_TABLES}/descent_errors.csv",
        progress_ratios=f"{E_TABLES}/progress_ratios.csv",
        pinsker=f"{E_TABLES}/pinsker.csv",
    output:
        **figure("elements", "optimization"),
    log:
        f"{LOGS}/elements/plot_optimization.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_optimization.tsv"
    params:
        **stale("elements.plot_optimization"),
    shell:
        command("elements.plot_optimization")


# --- Optimization basics: forward gradients


rule measure_forward_gradients:
    output:
        moments=f"{E_TABLES}/forward_moments.csv",
        paths=f"{E_TABLES}/forward_paths.csv",
        race=f"{E_TABLES}/forward_race.csv",
        measures=f"{E_TABLES}/forward_measures.csv",
    log:
        f"{LOGS}/elements/measure_forward_gradients.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_forward_gradients.tsv"
    params:
        **stale(
            "elements.measure_forward_gradients",
            settings=E.forward,
            seed=SETTINGS.seed,
        ),
    shell:
        command("elements.measure_forward_gradients")


rule plot_forward_gradients:
    input:
        moments=f"{E_TABLES}/forward_moments.csv",
        paths=f"{E_TABLES}/forward_paths.csv",
        race=f"{E_TABLES}/forward_race.csv",
    output:
        **figure("elements", "forward_gradients"),
    log:
        f"{LOGS}/elements/plot_forward_gradients.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_forward_gradients.tsv"
    params:
        **stale("elements.plot_forward_gradients"),
    shell:
        command("elements.plot_forward_gradients")


# --- Control flows: comparisons, logic, branches


rule measure_control:
    output:
        curves=f"{E_TABLES}/control_curves.csv",
        surfaces=f"{E_TABLES}/control_surfaces.csv",
        measures=f"{E_TABLES}/control_measures.csv",
    log:
        f"{LOGS}/elements/measure_control.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_control.tsv"
    params:
        **stale("elements.measure_control", seed=SETTINGS.seed),
    shell:
        command("elements.measure_control")


rule plot_logic:
    input:
        curves=f"{E_TABLES}/control_curves.csv",
        surfaces=f"{E_TABLES}/control_surfaces.csv",
    output:
        **figure("elements", "logic"),
    log:
        f"{LOGS}/elements/plot_logic.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_logic.tsv"
    params:
        **stale("elements.plot_logic"),
    shell:
        command("elements.plot_logic")


rule plot_branches:
    input:
        curves=f"{E_TABLES}/control_curves.csv",
    output:
        **figure("elements", "branches"),
    log:
        f"{LOGS}/elements/plot_branches.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_branches.tsv"
    params:
        **stale("elements.plot_branches"),
    shell:
        command("elements.plot_branches")


# --- Control flows: soft sorting, and entropic transport against assignment


rule measure_sorting:
    output:
        sorted_values=f"{E_TABLES}/sorted_values.csv",
        gaps=f"{E_TABLES}/entropic_gaps.csv",
        plans=f"{E_TABLES}/entropic_plans.csv",
        measures=f"{E_TABLES}/sorting_measures.csv",
    log:
        f"{LOGS}/elements/measure_sorting.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_sorting.tsv"
    params:
        **stale("elements.measure_sorting", settings=E.sorting, seed=SETTINGS.seed),
    shell:
        command("elements.measure_sorting")


rule plot_sorting:
    input:
        sorted_values=f"{E_TABLES}/sorted_values.csv",
        gaps=f"{E_TABLES}/entropic_gaps.csv",
        plans=f"{E_TABLES}/entropic_plans.csv",
    output:
        **figure("elements", "sorting"),
    log:
        f"{LOGS}/elements/plot_sorting.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_sorting.tsv"
    params:
        **stale("elements.plot_sorting"),
    shell:
        command("elements.plot_sorting")


# --- Data structures and transformers: positions, dictionaries, a decoder that copies


rule train_decoder:
    output:
        decoder=f"{E_RUNS}/decoder.eqx",
        losses=f"{E_RUNS}/decoder_losses.csv",
    log:
        f"{LOGS}/elements/train_decoder.log",
    benchmark:
        f"{BENCHMARKS}/elements/train_decoder.tsv"
    params:
        **stale("elements.train_decoder", settings=E.decoder, seed=SETTINGS.seed),
    shell:
        command("elements.train_decoder")


rule evaluate_attention:
    input:
        decoder=f"{E_RUNS}/decoder.eqx",
    output:
        curves=f"{E_TABLES}/attention_curves.csv",
        matrices=f"{E_TABLES}/attention_matrices.csv",
        measures=f"{E_TABLES}/attention_measures.csv",
    log:
        f"{LOGS}/elements/evaluate_attention.log",
    benchmark:
        f"{BENCHMARKS}/elements/evaluate_attention.tsv"
    params:
        **stale("elements.evaluate_attention", settings=E.decoder, seed=SETTINGS.seed),
    shell:
        command("elements.evaluate_attention")


rule plot_attention:
    input:
        curves=f"{E_TABLES}/attention_curves.csv",
        matrices=f"{E_TABLES}/attention_matrices.csv",
        losses=f"{E_RUNS}/decoder_losses.csv",
    output:
        **figure("elements", "attention"),
    log:
        f"{LOGS}/elements/plot_attention.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_attention.tsv"
    params:
        **stale("elements.plot_attention"),
    shell:
        command("elements.plot_attention")


# --- Differentiating through optimization: a kernel width by hypergradients


rule measure_hypergradients:
    output:
        hypergradients=f"{E_RUNS}/hypergradients.csv",
        truncations=f"{E_RUNS}/truncations.csv",
    log:
        f"{LOGS}/elements/measure_hypergradients.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_hypergradients.tsv"
    params:
        **stale(
            "elements.measure_hypergradients", settings=E.bilevel, seed=SETTINGS.seed
        ),
    shell:
        command("elements.measure_hypergradients")


rule fit_kernel_width:
    output:
        losses=f"{E_RUNS}/kernel_width_losses.csv",
        descents=f"{E_RUNS}/kernel_width_descents.csv",
        fits=f"{E_RUNS}/kernel_fits.csv",
    log:
        f"{LOGS}/elements/fit_kernel_width.log",
    benchmark:
        f"{BENCHMARKS}/elements/fit_kernel_width.tsv"
    params:
        **stale("elements.fit_kernel_width", settings=E.bilevel, seed=SETTINGS.seed),
    shell:
        command("elements.fit_kernel_width")


rule evaluate_bilevel:
    input:
        hypergradients=f"{E_RUNS}/hypergradients.csv",
        truncations=f"{E_RUNS}/truncations.csv",
        losses=f"{E_RUNS}/kernel_width_losses.csv",
        descents=f"{E_RUNS}/kernel_width_descents.csv",
    output:
        measures=f"{E_TABLES}/bilevel_measures.csv",
    log:
        f"{LOGS}/elements/evaluate_bilevel.log",
    benchmark:
        f"{BENCHMARKS}/elements/evaluate_bilevel.tsv"
    params:
        **stale("elements.evaluate_bilevel", settings=E.bilevel),
    shell:
        command("elements.evaluate_bilevel")


rule plot_bilevel:
    input:
        hypergradients=f"{E_RUNS}/hypergradients.csv",
        truncations=f"{E_RUNS}/truncations.csv",
        losses=f"{E_RUNS}/kernel_width_losses.csv",
        descents=f"{E_RUNS}/kernel_width_descents.csv",
        fits=f"{E_RUNS}/kernel_fits.csv",
    output:
        **figure("elements", "bilevel"),
    log:
        f"{LOGS}/elements/plot_bilevel.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_bilevel.tsv"
    params:
        **stale("elements.plot_bilevel"),
    shell:
        command("elements.plot_bilevel")


# --- Differentiating through integration: Lotka-Volterra trajectories


rule differentiate_trajectories:
    output:
        gradients=f"{E_RUNS}/trajectory_gradients.csv",
        errors=f"{E_RUNS}/trajectory_errors.csv",
    log:
        f"{LOGS}/elements/differentiate_trajectories.log",
    benchmark:
        f"{BENCHMARKS}/elements/differentiate_trajectories.tsv"
    params:
        **stale(
            "elements.differentiate_trajectories",
            settings=E.integration,
            seed=SETTINGS.seed,
        ),
    shell:
        command("elements.differentiate_trajectories")


rule fit_trajectories:
    output:
        fits=f"{E_RUNS}/trajectory_fits.csv",
        trajectories=f"{E_RUNS}/trajectories.csv",
        landscapes=f"{E_RUNS}/trajectory_landscapes.csv",
    log:
        f"{LOGS}/elements/fit_trajectories.log",
    benchmark:
        f"{BENCHMARKS}/elements/fit_trajectories.tsv"
    params:
        **stale("elements.fit_trajectories", settings=E.integration, seed=SETTINGS.seed),
    shell:
        command("elements.fit_trajectories")


rule evaluate_integration:
    input:
        gradients=f"{E_RUNS}/trajectory_gradients.csv",
        errors=f"{E_RUNS}/trajectory_errors.csv",
        fits=f"{E_RUNS}/trajectory_fits.csv",
    output:
        gaps=f"{E_TABLES}/adjoint_gaps.csv",
        estimates=f"{E_TABLES}/trajectory_estimates.csv",
        measures=f"{E_TABLES}/integration_measures.csv",
    log:
        f"{LOGS}/elements/evaluate_integration.log",
    benchmark:
        f"{BENCHMARKS}/elements/evaluate_integration.tsv"
    params:
        **stale("elements.evaluate_integration"),
    shell:
        command("elements.evaluate_integration")


rule plot_integration:
    input:
        trajectories=f"{E_RUNS}/trajectories.csv",
        gaps=f"{E_TABLES}/adjoint_gaps.csv",
        errors=f"{E_RUNS}/trajectory_errors.csv",
        landscapes=f"{E_RUNS}/trajectory_landscapes.csv",
        estimates=f"{E_TABLES}/trajectory_estimates.csv",
    output:
        **figure("elements", "integration"),
    log:
        f"{LOGS}/elements/plot_integration.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_integration.tsv"
    params:
        **stale("elements.plot_integration"),
    shell:
        command("elements.plot_integration")


# --- Graphical models: inference on a chain


rule measure_chains:
    output:
        transitions=f"{E_TABLES}/chain_transitions.csv",
        temperatures=f"{E_TABLES}/chain_temperatures.csv",
        measures=f"{E_TABLES}/chains_measures.csv",
    log:
        f"{LOGS}/elements/measure_chains.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_chains.tsv"
    params:
        **stale("elements.measure_chains", settings=E.chains, seed=SETTINGS.seed),
    shell:
        command("elements.measure_chains")


rule plot_chains:
    input:
        transitions=f"{E_TABLES}/chain_transitions.csv",
        temperatures=f"{E_TABLES}/chain_temperatures.csv",
    output:
        **figure("elements", "chains"),
    log:
        f"{LOGS}/elements/plot_chains.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_chains.tsv"
    params:
        **stale("elements.plot_chains"),
    shell:
        command("elements.plot_chains")


# --- Smoothing by optimization: conjugates, envelopes, entropies, relaxed maxima; and the smoothed biconjugate


rule measure_relaxation:
    output:
        conjugate_curves=f"{E_TABLES}/conjugates.csv",
        envelope_curves=f"{E_TABLES}/envelopes.csv",
        entropy_lattice=f"{E_TABLES}/entropies.csv",
        relaxed_maxima=f"{E_TABLES}/relaxed_maxima.csv",
        excess=f"{E_TABLES}/relaxation_excess.csv",
        biconjugate=f"{E_TABLES}/biconjugate.csv",
        measures=f"{E_TABLES}/relaxation_measures.csv",
    log:
        f"{LOGS}/elements/measure_relaxation.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_relaxation.tsv"
    params:
        **stale("elements.measure_relaxation", seed=SETTINGS.seed),
    shell:
        command("elements.measure_relaxation")


rule plot_conjugates:
    input:
        curves=f"{E_TABLES}/conjugates.csv",
    output:
        **figure("elements", "conjugates"),
    log:
        f"{LOGS}/elements/plot_conjugates.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_conjugates.tsv"
    params:
        **stale("elements.plot_conjugates"),
    shell:
        command("elements.plot_conjugates")


rule plot_envelopes:
    input:
        curves=f"{E_TABLES}/envelopes.csv",
    output:
        **figure("elements", "envelopes"),
    log:
        f"{LOGS}/elements/plot_envelopes.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_envelopes.tsv"
    params:
        **stale("elements.plot_envelopes"),
    shell:
        command("elements.plot_envelopes")


rule plot_entropies:
    input:
        lattice=f"{E_TABLES}/entropies.csv",
    output:
        **figure("elements", "entropies"),
    log:
        f"{LOGS}/elements/plot_entropies.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_entropies.tsv"
    params:
        **stale("elements.plot_entropies"),
    shell:
        command("elements.plot_entropies")


rule plot_relaxed_maximum:
    input:
        surfaces=f"{E_TABLES}/relaxed_maxima.csv",
        excess=f"{E_TABLES}/relaxation_excess.csv",
    output:
        **figure("elements", "relaxed_maximum"),
    log:
        f"{LOGS}/elements/plot_relaxed_maximum.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_relaxed_maximum.tsv"
    params:
        **stale("elements.plot_relaxed_maximum"),
    shell:
        command("elements.plot_relaxed_maximum")


# --- Smoothing by integration: estimators of gradients, Gumbel noise, filters


rule measure_estimators:
    output:
        errors=f"{E_TABLES}/estimators_errors.csv",
        moments=f"{E_TABLES}/estimators_moments.csv",
        gumbel=f"{E_TABLES}/estimators_gumbel.csv",
        curves=f"{E_TABLES}/smoothing.csv",
        measures=f"{E_TABLES}/estimators_measures.csv",
    log:
        f"{LOGS}/elements/measure_estimators.log",
    benchmark:
        f"{BENCHMARKS}/elements/measure_estimators.tsv"
    params:
        **stale(
            "elements.measure_estimators", settings=E.estimators, seed=SETTINGS.seed
        ),
    shell:
        command("elements.measure_estimators")


rule plot_estimators:
    input:
        errors=f"{E_TABLES}/estimators_errors.csv",
        moments=f"{E_TABLES}/estimators_moments.csv",
        gumbel=f"{E_TABLES}/estimators_gumbel.csv",
        curves=f"{E_TABLES}/smoothing.csv",
    output:
        **figure("elements", "estimators"),
    log:
        f"{LOGS}/elements/plot_estimators.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_estimators.tsv"
    params:
        **stale("elements.plot_estimators"),
    shell:
        command("elements.plot_estimators")


rule plot_smoothing:
    input:
        curves=f"{E_TABLES}/smoothing.csv",
        biconjugate=f"{E_TABLES}/biconjugate.csv",
    output:
        **figure("elements", "smoothing"),
    log:
        f"{LOGS}/elements/plot_smoothing.log",
    benchmark:
        f"{BENCHMARKS}/elements/plot_smoothing.tsv"
    params:
        **stale("elements.plot_smoothing"),
    shell:
        command("elements.plot_smoothing")


MEASURES += [
    f"{E_TABLES}/{name}_measures.csv"
    for name in (
        "differentiation",
        "costs",
        "families",
        "optimization",
        "forward",
        "control",
        "sorting",
        "attention",
        "bilevel",
        "integration",
        "chains",
        "relaxation",
        "estimators",
    )
]
FIGURES += [
    f"{RESULTS}/elements/figures/{name}.png"
    for name in (
        "differentiation",
        "costs",
        "families",
        "optimization",
        "forward_gradients",
        "logic",
        "branches",
        "sorting",
        "attention",
        "bilevel",
        "integration",
        "chains",
        "conjugates",
        "envelopes",
        "entropies",
        "relaxed_maximum",
        "estimators",
        "smoothing",
    )
]
