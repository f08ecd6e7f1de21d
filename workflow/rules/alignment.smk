# Rossi, Singh, Hannagan, On permutation symmetries in Bayesian neural network posteriors, NeurIPS 2023.
# Top to bottom: infer symmetries, train posteriors, align pairs, evaluate paths, compare arms. docs/alignment.md has the
# maths. An arm is one way of training on one data set; its members differ by their random streams alone.
# alignment_arms.smk names the arms.


# --- Which units may be permuted


rule infer_symmetries:
    output:
        symmetries=f"{A_RUNS}/symmetries/{{network}}.json",
    log:
        f"{LOGS}/alignment/infer_symmetries_{{network}}.log",
    benchmark:
        f"{BENCHMARKS}/alignment/infer_symmetries_{{network}}.tsv"
    params:
        **stale("alignment.infer_symmetries"),
        settings=lambda wildcards: NETWORKS[wildcards.network].canonical(),
    shell:
        command("alignment.infer_symmetries")


# --- Posteriors and point estimates, one job each


rule train_posterior:
    input:
        files=images_of,
    output:
        posterior=f"{A_RUNS}/posteriors/{{arm}}/{{member}}.npz",
        losses=f"{A_RUNS}/posteriors/{{arm}}/{{member}}.csv",
    log:
        f"{LOGS}/alignment/train_posterior_{{arm}}_{{member}}.log",
    benchmark:
        f"{BENCHMARKS}/alignment/train_posterior_{{arm}}_{{member}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("alignment.train_posterior", seed=SETTINGS.seed),
        settings=training_of,
    shell:
        command(
            "alignment.train_posterior",
            device=SETTINGS.device,
            member="{wildcards.member}",
            checkpoints=".cache/checkpoints",
        )


# --- Align the second posterior of a pair to the first, by each divergence of its arm


rule align_pair:
    input:
        symmetries=of_arm(f"{A_RUNS}/symmetries/{{network}}.json"),
        first=f"{A_RUNS}/posteriors/{{arm}}/{{first}}.npz",
        second=f"{A_RUNS}/posteriors/{{arm}}/{{second}}.npz",
    output:
        permutations=f"{A_RUNS}/permutations/{{arm}}/{{first}}-{{second}}.npz",
        objectives=f"{A_RUNS}/objectives/{{arm}}/{{first}}-{{second}}.csv",
    log:
        f"{LOGS}/alignment/align_pair_{{arm}}_{{first}}-{{second}}.log",
    benchmark:
        f"{BENCHMARKS}/alignment/align_pair_{{arm}}_{{first}}-{{second}}.tsv"
    params:
        **stale(
            "alignment.align_pair",
            restarts=A.evaluation.restarts,
            seed=SETTINGS.seed,
        ),
        divergences=lambda wildcards: " ".join(ARMS[wildcards.arm].divergences),
    shell:
        command("alignment.align_pair")


# --- Marginalized losses along the geodesics and the mixture


rule evaluate_pair:
    input:
        files=images_of,
        symmetries=of_arm(f"{A_RUNS}/symmetries/{{network}}.json"),
        first=f"{A_RUNS}/posteriors/{{arm}}/{{first}}.npz",
        second=f"{A_RUNS}/posteriors/{{arm}}/{{second}}.npz",
        permutations=f"{A_RUNS}/permutations/{{arm}}/{{first}}-{{second}}.npz",
    output:
        losses=f"{A_RUNS}/losses/{{arm}}/{{first}}-{{second}}.csv",
    log:
        f"{LOGS}/alignment/evaluate_pair_{{arm}}_{{first}}-{{second}}.log",
    benchmark:
        f"{BENCHMARKS}/alignment/evaluate_pair_{{arm}}_{{first}}-{{second}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("alignment.evaluate_pair", evaluation=A.evaluation, seed=SETTINGS.seed),
        training=training_of,
    shell:
        command("alignment.evaluate_pair", device=SETTINGS.device)


rule evaluate_members:
    input:
        files=images_of,
        symmetries=of_arm(f"{A_RUNS}/symmetries/{{network}}.json"),
        posteriors=lambda wildcards: expand(
            f"{A_RUNS}/posteriors/{wildcards.arm}/{{member}}.npz",
            member=range(ARMS[wildcards.arm].members),
        ),
    output:
        table=f"{A_RUNS}/members/{{arm}}.csv",
    log:
        f"{LOGS}/alignment/evaluate_members_{{arm}}.log",
    benchmark:
        f"{BENCHMARKS}/alignment/evaluate_members_{{arm}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "alignment.evaluate_members", evaluation=A.evaluation, seed=SETTINGS.seed
        ),
        training=training_of,
        draws=draws_of,
    shell:
        command("alignment.evaluate_members", device=SETTINGS.device)


rule evaluate_barriers:
    input:
        losses=of_pairs(f"{A_RUNS}/losses/{{arm}}/{{first}}-{{second}}.csv"),
        objectives=of_pairs(f"{A_RUNS}/objectives/{{arm}}/{{first}}-{{second}}.csv"),
    output:
        barriers=f"{A_TABLES}/barriers.csv",
        curves=f"{A_TABLES}/paths.csv",
        measures=f"{A_TABLES}/barriers_measures.csv",
    log:
        f"{LOGS}/alignment/evaluate_barriers.log",
    benchmark:
        f"{BENCHMARKS}/alignment/evaluate_barriers.tsv"
    params:
        **stale("alignment.evaluate_barriers", settings=LABORATORIES),
    shell:
        command("alignment.evaluate_barriers")


rule compare_members:
    input:
        members=expand(f"{A_RUNS}/members/{{arm}}.csv", arm=ARMS),
        barriers=f"{A_TABLES}/barriers.csv",
    output:
        table=f"{A_TABLES}/arms.csv",
        measures=f"{A_TABLES}/members_measures.csv",
    log:
        f"{LOGS}/alignment/compare_members.log",
    benchmark:
        f"{BENCHMARKS}/alignment/compare_members.tsv"
    params:
        **stale("alignment.compare_members", settings=LABORATORIES),
    shell:
        command("alignment.compare_members")


rule plot_paths:
    input:
        curves=f"{A_TABLES}/paths.csv",
    output:
        **figure("alignment", "paths"),
    log:
        f"{LOGS}/alignment/plot_paths.log",
    benchmark:
        f"{BENCHMARKS}/alignment/plot_paths.tsv"
    params:
        **stale("alignment.plot_paths", settings=LABORATORIES),
    shell:
        command("alignment.plot_paths")


rule plot_width:
    input:
        barriers=f"{A_TABLES}/barriers.csv",
        members=f"{A_TABLES}/arms.csv",
    output:
        **figure("alignment", "width"),
    log:
        f"{LOGS}/alignment/plot_width.log",
    benchmark:
        f"{BENCHMARKS}/alignment/plot_width.tsv"
    params:
        **stale("alignment.plot_width", settings=LABORATORIES),
    shell:
        command("alignment.plot_width")


# A rule each, since a caption's path in figure() knows no wildcards.
for variation in VARIATIONS:

    rule:
        name:
            f"plot_{variation}"
        input:
            barriers=f"{A_TABLES}/barriers.csv",
            members=f"{A_TABLES}/arms.csv",
        output:
            **figure("alignment", variation),
        log:
            f"{LOGS}/alignment/plot_{variation}.log",
        benchmark:
            f"{BENCHMARKS}/alignment/plot_{variation}.tsv"
        params:
            **stale(
                "alignment.plot_variations", settings=LABORATORIES, variation=variation
            ),
        shell:
            command("alignment.plot_variations")


# --- The plane through two posteriors and the second one aligned


rule evaluate_plane:
    input:
        files=data(ARMS[REFERENCE].training.dataset),
        symmetries=f"{A_RUNS}/symmetries/{network_name(ARMS[REFERENCE].training)}.json",
        first=f"{A_RUNS}/posteriors/{REFERENCE}/0.npz",
        second=f"{A_RUNS}/posteriors/{REFERENCE}/1.npz",
        permutations=f"{A_RUNS}/permutations/{REFERENCE}/0-1.npz",
    output:
        grid=f"{A_TABLES}/plane.csv",
        corners=f"{A_TABLES}/plane_corners.csv",
    log:
        f"{LOGS}/alignment/evaluate_plane.log",
    benchmark:
        f"{BENCHMARKS}/alignment/evaluate_plane.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "alignment.evaluate_plane",
            training=ARMS[REFERENCE].training,
            settings=A.slice,
            seed=SETTINGS.seed,
        ),
    shell:
        command("alignment.evaluate_plane", device=SETTINGS.device)


rule plot_plane:
    input:
        grid=f"{A_TABLES}/plane.csv",
        corners=f"{A_TABLES}/plane_corners.csv",
    output:
        **figure("alignment", "plane"),
    log:
        f"{LOGS}/alignment/plot_plane.log",
    benchmark:
        f"{BENCHMARKS}/alignment/plot_plane.tsv"
    params:
        **stale("alignment.plot_plane"),
    shell:
        command("alignment.plot_plane")


# --- All members of the reference arm at once, and entropic transport in place of the assignment


rule align_many:
    input:
        symmetries=f"{A_RUNS}/symmetries/{network_name(ARMS[REFERENCE].training)}.json",
        posteriors=expand(
            f"{A_RUNS}/posteriors/{REFERENCE}/{{member}}.npz",
            member=range(ARMS[REFERENCE].members),
        ),
    output:
        barycentres=f"{A_RUNS}/barycentres.npz",
        history=f"{A_TABLES}/barycentre_history.csv",
    log:
        f"{LOGS}/alignment/align_many.log",
    benchmark:
        f"{BENCHMARKS}/alignment/align_many.tsv"
    params:
        **stale("alignment.align_many", seed=SETTINGS.seed),
    shell:
        command("alignment.align_many")


rule evaluate_barycentre:
    input:
        files=data(ARMS[REFERENCE].training.dataset),
        barycentres=f"{A_RUNS}/barycentres.npz",
        members=f"{A_RUNS}/members/{REFERENCE}.csv",
    output:
        measures=f"{A_TABLES}/barycentre_measures.csv",
    log:
        f"{LOGS}/alignment/evaluate_barycentre.log",
    benchmark:
        f"{BENCHMARKS}/alignment/evaluate_barycentre.tsv"
    resources:
        gpu=GPU,
    params:
        **stale(
            "alignment.evaluate_barycentre",
            training=ARMS[REFERENCE].training,
            evaluation=A.evaluation,
            seed=SETTINGS.seed,
        ),
    shell:
        command("alignment.evaluate_barycentre", device=SETTINGS.device)


rule compare_sinkhorn:
    input:
        symmetries=f"{A_RUNS}/symmetries/{network_name(ARMS[REFERENCE].training)}.json",
        first=f"{A_RUNS}/posteriors/{REFERENCE}/0.npz",
        second=f"{A_RUNS}/posteriors/{REFERENCE}/1.npz",
    output:
        table=f"{A_TABLES}/sinkhorn.csv",
        measures=f"{A_TABLES}/sinkhorn_measures.csv",
    log:
        f"{LOGS}/alignment/compare_sinkhorn.log",
    benchmark:
        f"{BENCHMARKS}/alignment/compare_sinkhorn.tsv"
    params:
        **stale("alignment.compare_sinkhorn"),
    shell:
        command("alignment.compare_sinkhorn")


# --- A Langevin reference for what mean-field inference misses


rule run_langevin:
    input:
        digits=data("digits"),
    output:
        runs=f"{A_RUNS}/langevin.npz",
    log:
        f"{LOGS}/alignment/run_langevin.log",
    benchmark:
        f"{BENCHMARKS}/alignment/run_langevin.tsv"
    params:
        **stale("alignment.run_langevin", settings=A.langevin, seed=SETTINGS.seed),
    shell:
        command("alignment.run_langevin")


rule evaluate_langevin:
    input:
        runs=f"{A_RUNS}/langevin.npz",
    output:
        measures=f"{A_TABLES}/langevin_measures.csv",
        predictions=f"{A_TABLES}/langevin_predictions.csv",
        traces=f"{A_TABLES}/langevin_traces.csv",
    log:
        f"{LOGS}/alignment/evaluate_langevin.log",
    benchmark:
        f"{BENCHMARKS}/alignment/evaluate_langevin.tsv"
    params:
        **stale("alignment.evaluate_langevin", settings=A.langevin),
    shell:
        command("alignment.evaluate_langevin")


rule plot_langevin:
    input:
        measures=f"{A_TABLES}/langevin_measures.csv",
        predictions=f"{A_TABLES}/langevin_predictions.csv",
        traces=f"{A_TABLES}/langevin_traces.csv",
    output:
        **figure("alignment", "langevin"),
    log:
        f"{LOGS}/alignment/plot_langevin.log",
    benchmark:
        f"{BENCHMARKS}/alignment/plot_langevin.tsv"
    params:
        **stale("alignment.plot_langevin"),
    shell:
        command("alignment.plot_langevin")


# --- Laws: exact statements that this code must satisfy


rule check_alignment_identities:
    output:
        measures=f"{A_TABLES}/identities_measures.csv",
    log:
        f"{LOGS}/alignment/check_identities.log",
    benchmark:
        f"{BENCHMARKS}/alignment/check_identities.tsv"
    params:
        **stale("alignment.check_identities", seed=SETTINGS.seed),
    shell:
        command("alignment.check_identities")


MEASURES += [
    f"{A_TABLES}/{name}_measures.csv"
    for name in (
        "barriers",
        "members",
        "barycentre",
        "sinkhorn",
        "langevin",
        "identities",
    )
]
FIGURES += [
    f"{RESULTS}/alignment/figures/{name}.png"
    for name in ("paths", "width", *VARIATIONS, "plane", "langevin")
]
