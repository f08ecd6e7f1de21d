# Huang, Lim and Courville, A Variational Perspective on Diffusion-Based Generative Models and Score Matching, NeurIPS 2021.
# Top to bottom: identities and bounds where the score is known, then where it is learnt: on the line, in the plane, on images.
# Train, evaluate and sample are separate rules. docs/diffusion.md has the maths; diffusion_trainings.smk names the trainings.


# --- Laws: identities of the theory, without sampling


rule check_diffusion_identities:
    output:
        measures=f"{D_TABLES}/identities_measures.csv",
    log:
        f"{LOGS}/diffusion/check_identities.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/check_identities.tsv"
    params:
        **stale("diffusion.check_identities"),
    shell:
        command("diffusion.check_identities")


# --- Densities as expectations over paths


rule measure_path_weights:
    output:
        estimates=f"{D_TABLES}/path_weights.csv",
        curves=f"{D_TABLES}/path_weights.npz",
        measures=f"{D_TABLES}/paths_measures.csv",
    log:
        f"{LOGS}/diffusion/measure_path_weights.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/measure_path_weights.tsv"
    params:
        **stale(
            "diffusion.measure_path_weights", settings=D.laboratory, seed=SETTINGS.seed
        ),
    shell:
        command("diffusion.measure_path_weights")


rule plot_path_weights:
    input:
        estimates=f"{D_TABLES}/path_weights.csv",
        curves=f"{D_TABLES}/path_weights.npz",
    output:
        **figure("diffusion", "path_weights"),
    log:
        f"{LOGS}/diffusion/plot_path_weights.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_path_weights.tsv"
    params:
        **stale("diffusion.plot_path_weights"),
    shell:
        command("diffusion.plot_path_weights")


# --- Bounds: in depth, by the score's error, along the family


rule measure_bounds:
    output:
        layers=f"{D_TABLES}/bound_layers.csv",
        drops=f"{D_TABLES}/bound_drops.csv",
        family=f"{D_TABLES}/bound_family.csv",
        shifts=f"{D_TABLES}/bound_shifts.csv",
        flow=f"{D_TABLES}/bound_flow.csv",
        measures=f"{D_TABLES}/bounds_measures.csv",
    log:
        f"{LOGS}/diffusion/measure_bounds.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/measure_bounds.tsv"
    params:
        **stale("diffusion.measure_bounds", settings=D.laboratory, seed=SETTINGS.seed),
    shell:
        command("diffusion.measure_bounds")


rule plot_diffusion_bounds:
    input:
        layers=f"{D_TABLES}/bound_layers.csv",
        drops=f"{D_TABLES}/bound_drops.csv",
        family=f"{D_TABLES}/bound_family.csv",
        shifts=f"{D_TABLES}/bound_shifts.csv",
        flow=f"{D_TABLES}/bound_flow.csv",
    output:
        **figure("diffusion", "bounds"),
    log:
        f"{LOGS}/diffusion/plot_bounds.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_bounds.tsv"
    params:
        **stale("diffusion.plot_bounds"),
    shell:
        command("diffusion.plot_bounds")


# --- Score matching losses and proposals of times


rule measure_losses:
    output:
        losses=f"{D_TABLES}/losses.csv",
        gradients=f"{D_TABLES}/loss_gradients.csv",
        variances=f"{D_TABLES}/loss_variances.csv",
        curves=f"{D_TABLES}/proposals.npz",
        measures=f"{D_TABLES}/losses_measures.csv",
    log:
        f"{LOGS}/diffusion/measure_losses.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/measure_losses.tsv"
    params:
        **stale("diffusion.measure_losses", settings=D.laboratory, seed=SETTINGS.seed),
    shell:
        command("diffusion.measure_losses")


rule plot_score_matching:
    input:
        losses=f"{D_TABLES}/losses.csv",
        gradients=f"{D_TABLES}/loss_gradients.csv",
        variances=f"{D_TABLES}/loss_variances.csv",
        curves=f"{D_TABLES}/proposals.npz",
    output:
        **figure("diffusion", "score_matching"),
    log:
        f"{LOGS}/diffusion/plot_score_matching.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_score_matching.tsv"
    params:
        **stale("diffusion.plot_score_matching"),
    shell:
        command("diffusion.plot_score_matching")


# --- The family of reverse equations with the true score


rule measure_exact_family:
    output:
        distances=f"{D_TABLES}/exact_family_distances.csv",
        snapshots=f"{D_TABLES}/exact_family_snapshots.npz",
        measures=f"{D_TABLES}/family_measures.csv",
    log:
        f"{LOGS}/diffusion/measure_exact_family.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/measure_exact_family.tsv"
    params:
        **stale(
            "diffusion.measure_exact_family", settings=D.laboratory, seed=SETTINGS.seed
        ),
    shell:
        command("diffusion.measure_exact_family")


rule plot_exact_family:
    input:
        distances=f"{D_TABLES}/exact_family_distances.csv",
        snapshots=f"{D_TABLES}/exact_family_snapshots.npz",
    output:
        **figure("diffusion", "exact_family"),
    log:
        f"{LOGS}/diffusion/plot_exact_family.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_exact_family.tsv"
    params:
        **stale("diffusion.plot_exact_family"),
    shell:
        command("diffusion.plot_exact_family")


# --- Three ways to generate one dimension: no noise, fixed noise, fixed inference


rule train_generative_paths:
    output:
        weights=f"{D_RUNS}/generative_paths/{{variant}}.npz",
        losses=f"{D_RUNS}/generative_paths/{{variant}}.csv",
    log:
        f"{LOGS}/diffusion/train_generative_paths_{{variant}}.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/train_generative_paths_{{variant}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "diffusion.train_generative_paths",
            settings=D.generative_paths,
            seed=SETTINGS.seed,
        ),
    shell:
        command(
            "diffusion.train_generative_paths",
            device=SETTINGS.device,
            variant="{wildcards.variant}",
        )


rule evaluate_generative_paths:
    input:
        weights=expand(f"{D_RUNS}/generative_paths/{{variant}}.npz", variant=D_VARIANTS),
    output:
        table=f"{D_TABLES}/generative_paths.csv",
        measures=f"{D_TABLES}/generative_paths_measures.csv",
    log:
        f"{LOGS}/diffusion/evaluate_generative_paths.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/evaluate_generative_paths.tsv"
    params:
        **stale(
            "diffusion.evaluate_generative_paths",
            settings=D.generative_paths,
            seed=SETTINGS.seed,
        ),
    shell:
        command("diffusion.evaluate_generative_paths")


rule sample_generative_paths:
    input:
        weights=expand(f"{D_RUNS}/generative_paths/{{variant}}.npz", variant=D_VARIANTS),
    output:
        paths=f"{D_RUNS}/generative_paths/paths.npz",
    log:
        f"{LOGS}/diffusion/sample_generative_paths.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/sample_generative_paths.tsv"
    params:
        **stale(
            "diffusion.sample_generative_paths",
            settings=D.generative_paths,
            seed=SETTINGS.seed,
        ),
    shell:
        command("diffusion.sample_generative_paths")


rule plot_generative_paths:
    input:
        paths=f"{D_RUNS}/generative_paths/paths.npz",
        table=f"{D_TABLES}/generative_paths.csv",
    output:
        **figure("diffusion", "generative_paths"),
    log:
        f"{LOGS}/diffusion/plot_generative_paths.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_generative_paths.tsv"
    params:
        **stale("diffusion.plot_generative_paths"),
    shell:
        command("diffusion.plot_generative_paths")


# --- Swiss roll: train with both proposals of times, bounds and likelihoods against the exact density


rule train_swiss_roll:
    output:
        weights=f"{D_RUNS}/swiss_roll/weights_{{proposal}}.npz",
        losses=f"{D_RUNS}/swiss_roll/losses_{{proposal}}.csv",
    log:
        f"{LOGS}/diffusion/train_swiss_roll_{{proposal}}.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/train_swiss_roll_{{proposal}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("diffusion.train_swiss_roll", settings=D.swiss_roll, seed=SETTINGS.seed),
    shell:
        command(
            "diffusion.train_swiss_roll",
            device=SETTINGS.device,
            proposal="{wildcards.proposal}",
            checkpoints=".cache/checkpoints",
        )


rule evaluate_swiss_roll:
    input:
        weights=f"{D_RUNS}/swiss_roll/weights_{{proposal}}.npz",
    output:
        evaluation=f"{D_RUNS}/swiss_roll/evaluation_{{proposal}}.npz",
    log:
        f"{LOGS}/diffusion/evaluate_swiss_roll_{{proposal}}.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/evaluate_swiss_roll_{{proposal}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "diffusion.evaluate_swiss_roll",
            settings=D.swiss_roll,
            seed=SETTINGS.seed,
        ),
    shell:
        command("diffusion.evaluate_swiss_roll", device=SETTINGS.device)


rule compare_swiss_roll:
    input:
        uniform=f"{D_RUNS}/swiss_roll/evaluation_uniform.npz",
        debiasing=f"{D_RUNS}/swiss_roll/evaluation_debiasing.npz",
    output:
        table=f"{D_TABLES}/swiss_roll.csv",
        measures=f"{D_TABLES}/swiss_roll_measures.csv",
    log:
        f"{LOGS}/diffusion/compare_swiss_roll.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/compare_swiss_roll.tsv"
    params:
        **stale("diffusion.compare_swiss_roll"),
    shell:
        command("diffusion.compare_swiss_roll")


rule plot_swiss_roll:
    input:
        uniform=f"{D_RUNS}/swiss_roll/evaluation_uniform.npz",
        debiasing=f"{D_RUNS}/swiss_roll/evaluation_debiasing.npz",
        table=f"{D_TABLES}/swiss_roll.csv",
    output:
        **figure("diffusion", "swiss_roll"),
    log:
        f"{LOGS}/diffusion/plot_swiss_roll.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_swiss_roll.tsv"
    params:
        **stale("diffusion.plot_swiss_roll"),
    shell:
        command("diffusion.plot_swiss_roll")


# --- Swiss roll along the family of reverse equations


rule sample_family:
    input:
        weights=f"{D_RUNS}/swiss_roll/weights_debiasing.npz",
    output:
        samples=f"{D_RUNS}/swiss_roll/family.npz",
        paths=f"{D_RUNS}/swiss_roll/trajectories.npz",
    log:
        f"{LOGS}/diffusion/sample_family.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/sample_family.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "diffusion.sample_family",
            settings=D.family,
            training=D.swiss_roll,
            seed=SETTINGS.seed,
        ),
    shell:
        command("diffusion.sample_family", device=SETTINGS.device)


rule measure_family:
    input:
        samples=f"{D_RUNS}/swiss_roll/family.npz",
    output:
        table=f"{D_TABLES}/lambda.csv",
        measures=f"{D_TABLES}/lambda_measures.csv",
    log:
        f"{LOGS}/diffusion/measure_family.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/measure_family.tsv"
    params:
        **stale("diffusion.measure_family", seed=SETTINGS.seed),
    shell:
        command("diffusion.measure_family")


rule plot_lambda_family:
    input:
        samples=f"{D_RUNS}/swiss_roll/family.npz",
        table=f"{D_TABLES}/lambda.csv",
    output:
        **figure("diffusion", "lambda_family"),
    log:
        f"{LOGS}/diffusion/plot_lambda_family.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_lambda_family.tsv"
    params:
        **stale("diffusion.plot_lambda_family"),
    shell:
        command("diffusion.plot_lambda_family")


rule plot_swiss_roll_trajectories:
    input:
        paths=f"{D_RUNS}/swiss_roll/trajectories.npz",
    output:
        **figure("diffusion", "swiss_roll_trajectories"),
    log:
        f"{LOGS}/diffusion/plot_swiss_roll_trajectories.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_swiss_roll_trajectories.tsv"
    params:
        **stale("diffusion.plot_swiss_roll_trajectories"),
    shell:
        command("diffusion.plot_swiss_roll_trajectories")


# --- Solvers and adjoints of the likelihood by the ODE


rule measure_solvers:
    input:
        weights=f"{D_RUNS}/swiss_roll/weights_debiasing.npz",
    output:
        solvers=f"{D_TABLES}/solvers.csv",
        adjoints=f"{D_TABLES}/adjoints.csv",
        measures=f"{D_TABLES}/solvers_measures.csv",
    log:
        f"{LOGS}/diffusion/measure_solvers.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/measure_solvers.tsv"
    params:
        **stale(
            "diffusion.measure_solvers",
            settings=D.solvers,
            training=D.swiss_roll,
            seed=SETTINGS.seed,
        ),
    shell:
        command("diffusion.measure_solvers")


rule plot_solvers:
    input:
        solvers=f"{D_TABLES}/solvers.csv",
        adjoints=f"{D_TABLES}/adjoints.csv",
    output:
        **figure("diffusion", "solvers"),
    log:
        f"{LOGS}/diffusion/plot_solvers.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_solvers.tsv"
    params:
        **stale("diffusion.plot_solvers"),
    shell:
        command("diffusion.plot_solvers")


# --- Images: one training a data set, proposal of times and seed


rule train_images:
    input:
        files=lambda wildcards: data(wildcards.dataset),
    output:
        weights=f"{D_IMAGES}.npz",
        curve=f"{D_IMAGES}_curve.csv",
    log:
        f"{LOGS}/diffusion/train_images_{{dataset}}_{{proposal}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/train_images_{{dataset}}_{{proposal}}_{{member}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("diffusion.train_images", seed=SETTINGS.seed),
        settings=images_settings,
    shell:
        command(
            "diffusion.train_images",
            device=SETTINGS.device,
            dataset="{wildcards.dataset}",
            proposal="{wildcards.proposal}",
            member="{wildcards.member}",
            checkpoints=".cache/checkpoints",
        )


rule evaluate_images:
    input:
        files=lambda wildcards: data(wildcards.dataset),
        weights=f"{D_IMAGES}.npz",
    output:
        table=f"{D_IMAGES}_bits.csv",
    log:
        f"{LOGS}/diffusion/evaluate_images_{{dataset}}_{{proposal}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/evaluate_images_{{dataset}}_{{proposal}}_{{member}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("diffusion.evaluate_images", seed=SETTINGS.seed),
        settings=images_settings,
    shell:
        command(
            "diffusion.evaluate_images",
            device=SETTINGS.device,
            dataset="{wildcards.dataset}",
        )


rule compare_images:
    input:
        curves=[f"{D_IMAGES}_curve.csv".format(**training) for training in D_TRAININGS],
        tables=[f"{D_IMAGES}_bits.csv".format(**training) for training in D_TRAININGS],
    output:
        curve=f"{D_TABLES}/image_curves.csv",
        finals=f"{D_TABLES}/image_bits.csv",
        measures=f"{D_TABLES}/images_measures.csv",
    log:
        f"{LOGS}/diffusion/compare_images.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/compare_images.tsv"
    params:
        **stale("diffusion.compare_images", settings=D.images),
    shell:
        command("diffusion.compare_images")


rule plot_image_bits:
    input:
        curves=f"{D_TABLES}/image_curves.csv",
        finals=f"{D_TABLES}/image_bits.csv",
    output:
        **figure("diffusion", "image_bits"),
    log:
        f"{LOGS}/diffusion/plot_image_bits.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_image_bits.tsv"
    params:
        **stale("diffusion.plot_image_bits"),
    shell:
        command("diffusion.plot_image_bits")


rule sample_images:
    input:
        files=lambda wildcards: data(wildcards.dataset),
        uniform=f"{D_RUNS}/images/{{dataset}}/uniform_0.npz",
        debiasing=f"{D_RUNS}/images/{{dataset}}/debiasing_0.npz",
    output:
        samples=f"{D_RUNS}/image_samples/{{dataset}}.npz",
    log:
        f"{LOGS}/diffusion/sample_images_{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/sample_images_{{dataset}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("diffusion.sample_images", seed=SETTINGS.seed),
        settings=images_settings,
    shell:
        command(
            "diffusion.sample_images",
            device=SETTINGS.device,
            dataset="{wildcards.dataset}",
        )


rule plot_image_samples:
    input:
        samples=expand(
            f"{D_RUNS}/image_samples/{{dataset}}.npz", dataset=D.images.datasets
        ),
    output:
        **figure("diffusion", "image_samples"),
    log:
        f"{LOGS}/diffusion/plot_image_samples.log",
    benchmark:
        f"{BENCHMARKS}/diffusion/plot_image_samples.tsv"
    params:
        **stale("diffusion.plot_image_samples"),
    shell:
        command("diffusion.plot_image_samples")


MEASURES += [
    f"{D_TABLES}/{name}_measures.csv"
    for name in (
        "identities",
        "paths",
        "bounds",
        "losses",
        "family",
        "generative_paths",
        "swiss_roll",
        "lambda",
        "solvers",
        "images",
    )
]
FIGURES += [
    f"{RESULTS}/diffusion/figures/{name}.png"
    for name in (
        "path_weights",
        "bounds",
        "score_matching",
        "exact_family",
        "generative_paths",
        "swiss_roll",
        "lambda_family",
        "swiss_roll_trajectories",
        "solvers",
        "image_bits",
        "image_samples",
    )
]
