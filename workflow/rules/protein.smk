# Bogensperger et al., A Variational Perspective on Generative Protein Fitness Optimization, ICML 2025 (VLGPO).
# Top to bottom: landscapes and their base sets, oracles, what is released, what is trained here, designs by all methods,
# evaluation. Trainings, sampling and evaluation are separate rules. docs/protein.md has the maths; protein_models.smk the names.


# --- Landscapes and base sets


rule check_protein_identities:
    output:
        measures=f"{P_TABLES}/identities_measures.csv",
    log:
        f"{LOGS}/protein/check_identities.log",
    benchmark:
        f"{BENCHMARKS}/protein/check_identities.tsv"
    params:
        **stale("protein.check_protein_identities"),
    shell:
        command("protein.check_protein_identities")


rule measure_gb1:
    input:
        data="data/gb1/gb1_data.csv",
    output:
        landscape=f"{P_RUNS}/gb1/landscape.npz",
        measures=f"{P_TABLES}/gb1_measures.csv",
    log:
        f"{LOGS}/protein/measure_gb1.log",
    benchmark:
        f"{BENCHMARKS}/protein/measure_gb1.tsv"
    params:
        **stale("protein.measure_gb1"),
    shell:
        command("protein.measure_gb1")


rule draw_base:
    input:
        landscape=f"{P_RUNS}/gb1/landscape.npz",
    output:
        base=f"{P_OWN}/base.csv",
    log:
        f"{LOGS}/protein/draw_base_{{task}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/draw_base_{{task}}_{{member}}.tsv"
    params:
        **stale("protein.draw_base", seed=SETTINGS.seed),
        rows=lambda wildcards: P_TASKS[wildcards.task].rows or 0,
    shell:
        command(
            "protein.draw_base", task="{wildcards.task}", member="{wildcards.member}"
        )


rule rebuild_aav:
    input:
        ground_truth="data/protein/aav_ground_truth.csv",
        medium="data/protein/aav_medium.csv",
        hard="data/protein/aav_hard.csv",
    output:
        medium_base=f"{P_RUNS}/aav_medium/base.csv",
        hard_base=f"{P_RUNS}/aav_hard/base.csv",
        measures=f"{P_TABLES}/aav_tasks_measures.csv",
    log:
        f"{LOGS}/protein/rebuild_aav.log",
    benchmark:
        f"{BENCHMARKS}/protein/rebuild_aav.tsv"
    params:
        **stale("protein.rebuild_aav"),
    shell:
        command("protein.rebuild_aav")


rule plot_landscapes:
    input:
        **(
            {
                "aav": [
                    "data/protein/aav_ground_truth.csv",
                    f"{P_RUNS}/aav_medium/base.csv",
                    f"{P_RUNS}/aav_hard/base.csv",
                ]
            }
            if P_AAV
            else {}
        ),
        landscape=f"{P_RUNS}/gb1/landscape.npz",
        bases=[f"{P_RUNS}/{task}/own_0/base.csv" for task in P_GB1],
    output:
        **figure("protein", "landscapes"),
    log:
        f"{LOGS}/protein/plot_landscapes.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_landscapes.tsv"
    params:
        **stale("protein.plot_landscapes"),
    shell:
        command("protein.plot_landscapes", *(["aav"] if P_AAV else []))


# --- Oracles


rule train_gb1_oracles:
    input:
        landscape=f"{P_RUNS}/gb1/landscape.npz",
    output:
        oracles=f"{P_RUNS}/gb1/oracles.npz",
        predictions=f"{P_RUNS}/gb1/predictions.npz",
        measures=f"{P_TABLES}/oracles_measures.csv",
    log:
        f"{LOGS}/protein/train_gb1_oracles.log",
    benchmark:
        f"{BENCHMARKS}/protein/train_gb1_oracles.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("protein.train_gb1_oracles", settings=P.oracles, seed=SETTINGS.seed),
    shell:
        command("protein.train_gb1_oracles", device=SETTINGS.device)


rule plot_oracles:
    input:
        predictions=f"{P_RUNS}/gb1/predictions.npz",
        measures=f"{P_TABLES}/oracles_measures.csv",
    output:
        **figure("protein", "oracles"),
    log:
        f"{LOGS}/protein/plot_oracles.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_oracles.tsv"
    params:
        **stale("protein.plot_oracles"),
    shell:
        command("protein.plot_oracles")


# --- What the authors released


rule convert_released:
    input:
        flow="data/protein/flow_{task}.pt",
        unsmoothed="data/protein/predictor_unsmoothed_{task}.ckpt",
        smoothed="data/protein/predictor_smoothed_{task}.ckpt",
        oracle=lambda wildcards: f"data/protein/oracle_{wildcards.task.split('_')[0]}.ckpt",
    output:
        autoencoder=f"{P_GIVEN}/autoencoder.npz",
        prior=f"{P_GIVEN}/prior.npz",
        unsmoothed_predictor=f"{P_GIVEN}/unsmoothed.npz",
        smoothed_predictor=f"{P_GIVEN}/smoothed.npz",
        oracles=f"{P_GIVEN}/oracles.npz",
    log:
        f"{LOGS}/protein/convert_released_{{task}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/convert_released_{{task}}.tsv"
    params:
        **stale("protein.convert_released"),
    shell:
        command("protein.convert_released", task="{wildcards.task}")


rule check_released:
    input:
        reference="src/perspectives/protein/reference_outputs.csv",
        bases=[f"data/protein/{task}.csv" for task in P_RELEASED],
        autoencoders=[
            f"{P_RUNS}/{task}/released/autoencoder.npz" for task in P_RELEASED
        ],
        priors=[f"{P_RUNS}/{task}/released/prior.npz" for task in P_RELEASED],
        unsmoothed=[f"{P_RUNS}/{task}/released/unsmoothed.npz" for task in P_RELEASED],
        smoothed=[f"{P_RUNS}/{task}/released/smoothed.npz" for task in P_RELEASED],
        oracles=[f"{P_RUNS}/{task}/released/oracles.npz" for task in P_RELEASED],
    output:
        measures=f"{P_TABLES}/released_measures.csv",
    log:
        f"{LOGS}/protein/check_released.log",
    benchmark:
        f"{BENCHMARKS}/protein/check_released.tsv"
    params:
        **stale("protein.check_released"),
        tasks=" ".join(P_RELEASED),
    shell:
        command("protein.check_released", tasks="{params.tasks}")


# An oracle of AAV from scratch, beside the one that is given.
rule train_aav_oracle:
    input:
        ground_truth="data/protein/aav_ground_truth.csv",
        released=f"{P_RUNS}/aav_medium/released/oracles.npz",
    output:
        weights=f"{P_RUNS}/aav_oracle.npz",
        measures=f"{P_TABLES}/aav_oracle_measures.csv",
    log:
        f"{LOGS}/protein/train_aav_oracle.log",
    benchmark:
        f"{BENCHMARKS}/protein/train_aav_oracle.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "protein.train_aav_oracle",
            settings=P.oracles,
            predictor_settings=P.aav_medium.predictor,
            seed=SETTINGS.seed,
        ),
    shell:
        command("protein.train_aav_oracle", device=SETTINGS.device)


# --- What is trained here: autoencoder, prior, predictor, and the smoothed predictor


rule train_autoencoder:
    input:
        base=protein_base,
    output:
        weights=f"{P_OWN}/autoencoder.npz",
        losses=f"{P_OWN}/autoencoder.csv",
        quality=f"{P_OWN}/autoencoder_quality.csv",
    log:
        f"{LOGS}/protein/train_autoencoder_{{task}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/train_autoencoder_{{task}}_{{member}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("protein.train_autoencoder", seed=SETTINGS.seed),
        settings=protein_setting("autoencoder"),
    shell:
        command(
            "protein.train_autoencoder",
            device=SETTINGS.device,
            task="{wildcards.task}",
            member="{wildcards.member}",
            checkpoints=".cache/checkpoints",
        )


rule train_prior:
    input:
        base=protein_base,
        autoencoder=f"{P_OWN}/autoencoder.npz",
    output:
        weights=f"{P_OWN}/prior.npz",
        losses=f"{P_OWN}/prior.csv",
    log:
        f"{LOGS}/protein/train_prior_{{task}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/train_prior_{{task}}_{{member}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("protein.train_prior", seed=SETTINGS.seed),
        settings=protein_setting("prior"),
        autoencoder_settings=protein_setting("autoencoder"),
    shell:
        command(
            "protein.train_prior",
            device=SETTINGS.device,
            task="{wildcards.task}",
            member="{wildcards.member}",
            checkpoints=".cache/checkpoints",
        )


# An ablation: codes are posterior means.
use rule train_prior as train_mean_prior with:
    output:
        weights=f"{P_OWN}/mean_prior.npz",
        losses=f"{P_OWN}/mean_prior.csv",
    log:
        f"{LOGS}/protein/train_mean_prior_{{task}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/train_mean_prior_{{task}}_{{member}}.tsv"
    params:
        **stale("protein.train_prior", seed=SETTINGS.seed),
        settings=protein_setting("prior", codes="mean"),
        autoencoder_settings=protein_setting("autoencoder"),


rule train_predictor:
    input:
        base=protein_fitted,
    output:
        weights=f"{P_OWN}/{{predictor}}.npz",
    log:
        f"{LOGS}/protein/train_predictor_{{task}}_{{member}}_{{predictor}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/train_predictor_{{task}}_{{member}}_{{predictor}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("protein.train_predictor", seed=SETTINGS.seed),
        settings=protein_setting("predictor"),
    shell:
        command(
            "protein.train_predictor",
            device=SETTINGS.device,
            task="{wildcards.task}",
            member="{wildcards.member}",
        )


rule evaluate_predictor:
    input:
        landscape=f"{P_RUNS}/gb1/landscape.npz",
        base=protein_base,
        predictor=f"{P_OWN}/unsmoothed.npz",
    output:
        quality=f"{P_OWN}/predictor_quality.csv",
    log:
        f"{LOGS}/protein/evaluate_predictor_{{task}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/evaluate_predictor_{{task}}_{{member}}.tsv"
    params:
        **stale("protein.evaluate_predictor"),
    shell:
        command(
            "protein.evaluate_predictor",
            task="{wildcards.task}",
            member="{wildcards.member}",
        )


rule smooth_fitness:
    input:
        base=protein_base,
        predictor=f"{P_OWN}/unsmoothed.npz",
    output:
        smoothed=f"{P_OWN}/smoothed.csv",
        quality=f"{P_OWN}/smoothing_quality.csv",
    log:
        f"{LOGS}/protein/smooth_fitness_{{task}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/smooth_fitness_{{task}}_{{member}}.tsv"
    params:
        **stale("protein.smooth_fitness", seed=SETTINGS.seed),
        settings=protein_setting("smoothing"),
        predictor_settings=protein_setting("predictor"),
    shell:
        command(
            "protein.smooth_fitness",
            task="{wildcards.task}",
            member="{wildcards.member}",
        )


# --- Designs: samples of the prior and of the guided posterior, and searches with the same predictor


rule sample_designs:
    input:
        base=protein_base,
        autoencoder=protein_model("autoencoder"),
        prior=protein_model("prior"),
        predictor_weights=protein_model("{predictor}"),
    output:
        designs=f"{P_ARM}/samples.csv",
    log:
        f"{LOGS}/protein/sample_designs_{P_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/protein/sample_designs_{P_NAME}.tsv"
    wildcard_constraints:
        task="(aav|gfp)_.*",
    resources:
        gpu=GPU,
    params:
        **stale("protein.sample_designs", seed=SETTINGS.seed),
        settings=protein_setting(),
    shell:
        command(
            "protein.sample_designs",
            device=SETTINGS.device,
            task="{wildcards.task}",
            source="{wildcards.source}",
            predictor="{wildcards.predictor}",
            member="{wildcards.member}",
        )


# On GB1 with the ablation of codes beside.
rule sample_gb1_designs:
    input:
        base=protein_base,
        autoencoder=protein_model("autoencoder"),
        prior=protein_model("prior"),
        mean_prior=protein_model("mean_prior"),
        predictor_weights=protein_model("{predictor}"),
    output:
        designs=f"{P_ARM}/samples.csv",
    log:
        f"{LOGS}/protein/sample_gb1_designs_{P_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/protein/sample_gb1_designs_{P_NAME}.tsv"
    wildcard_constraints:
        task="gb1_.*",
    resources:
        gpu=GPU,
    params:
        **stale("protein.sample_designs", seed=SETTINGS.seed),
        settings=protein_setting(),
    shell:
        command(
            "protein.sample_designs",
            "mean_prior",
            device=SETTINGS.device,
            task="{wildcards.task}",
            source="{wildcards.source}",
            predictor="{wildcards.predictor}",
            member="{wildcards.member}",
        )


rule search_designs:
    input:
        base=protein_base,
        predictor_weights=protein_model("{predictor}"),
        autoencoder=protein_model("autoencoder"),
    output:
        designs=f"{P_ARM}/searches.csv",
    log:
        f"{LOGS}/protein/search_designs_{P_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/protein/search_designs_{P_NAME}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("protein.search_designs", seed=SETTINGS.seed),
        settings=protein_setting(),
    shell:
        command(
            "protein.search_designs",
            device=SETTINGS.device,
            task="{wildcards.task}",
            source="{wildcards.source}",
            predictor="{wildcards.predictor}",
            member="{wildcards.member}",
        )


rule map_guidance:
    input:
        base=protein_base,
        autoencoder=protein_model("autoencoder"),
        prior=protein_model("prior"),
        predictor_weights=protein_model("{predictor}"),
        oracles=protein_oracles,
    output:
        strengths=f"{P_ARM}/strengths.csv",
        steps=f"{P_ARM}/steps.csv",
    log:
        f"{LOGS}/protein/map_guidance_{P_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/protein/map_guidance_{P_NAME}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("protein.map_guidance", seed=SETTINGS.seed),
        settings=protein_setting(),
    shell:
        command(
            "protein.map_guidance",
            device=SETTINGS.device,
            task="{wildcards.task}",
            source="{wildcards.source}",
            predictor="{wildcards.predictor}",
            member="{wildcards.member}",
        )


# --- Evaluation: the oracles, and on GB1 the measurements, judge every design


rule evaluate_designs:
    input:
        base=protein_base,
        oracles=protein_oracles,
        designs=[f"{P_ARM}/samples.csv", f"{P_ARM}/searches.csv"],
    output:
        table=f"{P_ARM}/evaluation.csv",
        scores=f"{P_ARM}/scores.csv",
    log:
        f"{LOGS}/protein/evaluate_designs_{P_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/protein/evaluate_designs_{P_NAME}.tsv"
    wildcard_constraints:
        task="(aav|gfp)_.*",
    params:
        **stale("protein.evaluate_designs"),
    shell:
        command(
            "protein.evaluate_designs",
            task="{wildcards.task}",
            source="{wildcards.source}",
            predictor="{wildcards.predictor}",
            member="{wildcards.member}",
        )


rule evaluate_gb1_designs:
    input:
        base=protein_base,
        oracles=protein_oracles,
        landscape=f"{P_RUNS}/gb1/landscape.npz",
        designs=[f"{P_ARM}/samples.csv", f"{P_ARM}/searches.csv"],
    output:
        table=f"{P_ARM}/evaluation.csv",
        scores=f"{P_ARM}/scores.csv",
    log:
        f"{LOGS}/protein/evaluate_gb1_designs_{P_NAME}.log",
    benchmark:
        f"{BENCHMARKS}/protein/evaluate_gb1_designs_{P_NAME}.tsv"
    wildcard_constraints:
        task="gb1_.*",
    params:
        **stale("protein.evaluate_designs"),
    shell:
        command(
            "protein.evaluate_designs",
            "landscape",
            task="{wildcards.task}",
            source="{wildcards.source}",
            predictor="{wildcards.predictor}",
            member="{wildcards.member}",
        )


rule compare_methods:
    input:
        evaluations=lambda wildcards: protein_arms(
            f"{P_ARM}/evaluation.csv", [wildcards.task]
        ),
        qualities=lambda wildcards: protein_qualities(wildcards.task),
    output:
        table=f"{P_TABLES}/{{task}}.csv",
        measures=f"{P_TABLES}/{{task}}_measures.csv",
    log:
        f"{LOGS}/protein/compare_methods_{{task}}.log",
    benchmark:
        f"{BENCHMARKS}/protein/compare_methods_{{task}}.tsv"
    params:
        **stale("protein.compare_methods"),
    shell:
        command("protein.compare_methods", task="{wildcards.task}")


rule plot_fitness:
    input:
        scores=protein_first(f"{P_ARM}/scores.csv"),
    output:
        **figure("protein", "fitness"),
    log:
        f"{LOGS}/protein/plot_fitness.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_fitness.tsv"
    params:
        **stale("protein.plot_fitness"),
    shell:
        command("protein.plot_fitness")


rule plot_methods:
    input:
        tables=expand(f"{P_TABLES}/{{task}}.csv", task=P_TASKS),
    output:
        **figure("protein", "methods"),
    log:
        f"{LOGS}/protein/plot_methods.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_methods.tsv"
    params:
        **stale("protein.plot_methods"),
    shell:
        command("protein.plot_methods")


rule plot_guidance_map:
    input:
        strengths=protein_first(f"{P_ARM}/strengths.csv", P_MAPPED),
    output:
        **figure("protein", "guidance_map"),
    log:
        f"{LOGS}/protein/plot_guidance_map.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_guidance_map.tsv"
    params:
        **stale("protein.plot_guidance_map"),
    shell:
        command("protein.plot_guidance_map")


rule plot_step_counts:
    input:
        steps=protein_first(f"{P_ARM}/steps.csv", P_MAPPED),
    output:
        **figure("protein", "step_counts"),
    log:
        f"{LOGS}/protein/plot_step_counts.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_step_counts.tsv"
    params:
        **stale("protein.plot_step_counts"),
    shell:
        command("protein.plot_step_counts")


rule plot_logos:
    input:
        scores=protein_first(f"{P_ARM}/scores.csv"),
        bases=[protein_base_of(task) for task in P_TASKS],
    output:
        **figure("protein", "logos"),
    log:
        f"{LOGS}/protein/plot_logos.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_logos.tsv"
    params:
        **stale("protein.plot_logos"),
    shell:
        command("protein.plot_logos")


rule plot_models:
    input:
        **({"released": f"{P_TABLES}/released_measures.csv"} if P_RELEASED else {}),
        qualities=[path for task in P_TASKS for path in protein_qualities(task)],
    output:
        **figure("protein", "models"),
    log:
        f"{LOGS}/protein/plot_models.log",
    benchmark:
        f"{BENCHMARKS}/protein/plot_models.tsv"
    params:
        **stale("protein.plot_models"),
    shell:
        command("protein.plot_models", *(["released"] if P_RELEASED else []))


MEASURES += [
    f"{P_TABLES}/{name}_measures.csv"
    for name in (
        "identities",
        *(["gb1", "oracles"] if P_GB1 else []),
        *(["aav_tasks"] if P_AAV else []),
        *(["released"] if P_RELEASED else []),
        *(
            ["aav_oracle"]
            if "aav_medium" in P_RELEASED and P.oracles.from_scratch
            else []
        ),
        *P_TASKS,
    )
]
FIGURES += [
    f"{RESULTS}/protein/figures/{name}.png"
    for name in (
        "landscapes",
        "oracles",
        "models",
        "fitness",
        "methods",
        "guidance_map",
        "step_counts",
        "logos",
    )
]
