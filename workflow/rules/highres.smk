# Maskan, Zygalakis, Yurtsever, A Variational Perspective on High-Resolution ODEs, NeurIPS 2023.
# Each block reads: run, evaluate, plot. docs/highres.md has the maths.

from perspectives.highres.arms import LABELS

H = SETTINGS.highres
RUNS = f"{RESULTS}/highres/runs"
TABLES = f"{RESULTS}/highres/tables"


# --- Theorems 2.1 to 2.3: Lyapunov functions along the ODEs


rule solve_flows:
    output:
        trajectories=f"{RUNS}/flows.npz",
    log:
        f"{LOGS}/highres/solve_flows.log",
    benchmark:
        f"{BENCHMARKS}/highres/solve_flows.tsv"
    params:
        **stale("highres.solve_flows", settings=H.flow, seed=SETTINGS.seed),
    shell:
        command("highres.solve_flows")


rule evaluate_lyapunov:
    input:
        trajectories=f"{RUNS}/flows.npz",
    output:
        measures=f"{TABLES}/lyapunov_measures.csv",
        curves=f"{TABLES}/lyapunov_curves.csv",
    log:
        f"{LOGS}/highres/evaluate_lyapunov.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_lyapunov.tsv"
    params:
        **stale("highres.evaluate_lyapunov"),
    shell:
        command("highres.evaluate_lyapunov")


rule plot_lyapunov:
    input:
        curves=f"{TABLES}/lyapunov_curves.csv",
    output:
        **figure("highres", "lyapunov"),
    log:
        f"{LOGS}/highres/plot_lyapunov.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_lyapunov.tsv"
    params:
        **stale("highres.plot_lyapunov"),
    shell:
        command("highres.plot_lyapunov")


# --- Sections 3 and 4: which ODE each discrete method follows


rule run_discretisations:
    output:
        errors=f"{RUNS}/discretisations.csv",
    log:
        f"{LOGS}/highres/run_discretisations.log",
    benchmark:
        f"{BENCHMARKS}/highres/run_discretisations.tsv"
    params:
        **stale(
            "highres.run_discretisations",
            settings=H.discretisation,
            seed=SETTINGS.seed,
        ),
    shell:
        command("highres.run_discretisations")


rule evaluate_discretisations:
    input:
        errors=f"{RUNS}/discretisations.csv",
    output:
        measures=f"{TABLES}/discretisation_measures.csv",
    log:
        f"{LOGS}/highres/evaluate_discretisations.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_discretisations.tsv"
    params:
        **stale("highres.evaluate_discretisations"),
    shell:
        command("highres.evaluate_discretisations")


rule plot_discretisations:
    input:
        errors=f"{RUNS}/discretisations.csv",
    output:
        **figure("highres", "discretisation"),
    log:
        f"{LOGS}/highres/plot_discretisations.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_discretisations.tsv"
    params:
        **stale("highres.plot_discretisations"),
    shell:
        command("highres.plot_discretisations")


# --- Theorem 3.1: Nesterov's method against its constants


rule run_nag:
    input:
        breast_cancer=data("breast-cancer"),
    output:
        descents=f"{RUNS}/nag.csv",
    log:
        f"{LOGS}/highres/run_nag.log",
    benchmark:
        f"{BENCHMARKS}/highres/run_nag.tsv"
    params:
        **stale("highres.run_nag", settings=H.constants),
    shell:
        command("highres.run_nag")


rule evaluate_constants:
    input:
        descents=f"{RUNS}/nag.csv",
    output:
        measures=f"{TABLES}/constants_measures.csv",
        ratios=f"{TABLES}/constants_ratios.csv",
    log:
        f"{LOGS}/highres/evaluate_constants.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_constants.tsv"
    params:
        **stale("highres.evaluate_constants", settings=H.constants, seed=SETTINGS.seed),
    shell:
        command("highres.evaluate_constants")


rule plot_constants:
    input:
        ratios=f"{TABLES}/constants_ratios.csv",
    output:
        **figure("highres", "constants"),
    log:
        f"{LOGS}/highres/plot_constants.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_constants.tsv"
    params:
        **stale("highres.plot_constants"),
    shell:
        command("highres.plot_constants")


# --- Theorems 5.1 and 5.2: NNAG under noise against its bounds


rule run_noise_bounds:
    output:
        runs=f"{RUNS}/noise_bounds.npz",
    log:
        f"{LOGS}/highres/run_noise_bounds.log",
    benchmark:
        f"{BENCHMARKS}/highres/run_noise_bounds.tsv"
    params:
        **stale("highres.run_noise_bounds", settings=H.noise_bounds, seed=SETTINGS.seed),
    shell:
        command("highres.run_noise_bounds")


rule evaluate_noise_bounds:
    input:
        runs=f"{RUNS}/noise_bounds.npz",
    output:
        measures=f"{TABLES}/noise_bounds_measures.csv",
        curves=f"{TABLES}/noise_bounds_curves.csv",
    log:
        f"{LOGS}/highres/evaluate_noise_bounds.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_noise_bounds.tsv"
    params:
        **stale("highres.evaluate_noise_bounds", settings=H.noise_bounds),
    shell:
        command("highres.evaluate_noise_bounds")


rule plot_noise_bounds:
    input:
        curves=f"{TABLES}/noise_bounds_curves.csv",
    output:
        **figure("highres", "noise_bounds"),
    log:
        f"{LOGS}/highres/plot_noise_bounds.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_noise_bounds.tsv"
    params:
        **stale("highres.plot_noise_bounds"),
    shell:
        command("highres.plot_noise_bounds")


# --- Fig. 1a: the bounds themselves


rule evaluate_bounds:
    output:
        measures=f"{TABLES}/bounds_measures.csv",
        curves=f"{TABLES}/bounds_curves.csv",
    log:
        f"{LOGS}/highres/evaluate_bounds.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_bounds.tsv"
    params:
        **stale("highres.evaluate_bounds", settings=H.bounds),
    shell:
        command("highres.evaluate_bounds")


rule plot_bounds:
    input:
        curves=f"{TABLES}/bounds_curves.csv",
    output:
        **figure("highres", "fig1a_bounds"),
    log:
        f"{LOGS}/highres/plot_bounds.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_bounds.tsv"
    params:
        **stale("highres.plot_bounds"),
    shell:
        command("highres.plot_bounds")


# --- Fig. 1b: seven methods on one logistic regression, with the steps of the released code and of the text


rule run_race:
    output:
        losses=f"{RUNS}/race_{{mode}}.npz",
    log:
        f"{LOGS}/highres/run_race_{{mode}}.log",
    benchmark:
        f"{BENCHMARKS}/highres/run_race_{{mode}}.tsv"
    threads: 2
    params:
        **stale("highres.run_race", settings=H.race, seed=SETTINGS.seed),
    shell:
        command("highres.run_race", mode="{wildcards.mode}")


rule evaluate_race:
    input:
        code=f"{RUNS}/race_code.npz",
        text=f"{RUNS}/race_text.npz",
    output:
        measures=f"{TABLES}/race_measures.csv",
        epochs=f"{TABLES}/race_epochs.csv",
        curves=f"{TABLES}/race_curves.csv",
    log:
        f"{LOGS}/highres/evaluate_race.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_race.tsv"
    params:
        **stale("highres.evaluate_race"),
    shell:
        command("highres.evaluate_race")


rule plot_race:
    input:
        curves=f"{TABLES}/race_curves.csv",
    output:
        **figure("highres", "fig1b_race"),
    log:
        f"{LOGS}/highres/plot_race.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_race.tsv"
    params:
        **stale("highres.plot_race"),
    shell:
        command("highres.plot_race")


# --- Fig. 2: four optimisers and two ablations on images


rule prepare_images:
    input:
        files=data(H.deep.dataset),
    output:
        images=f"{RUNS}/images.npz",
    log:
        f"{LOGS}/highres/prepare_images.log",
    benchmark:
        f"{BENCHMARKS}/highres/prepare_images.tsv"
    params:
        **stale("highres.prepare_images", settings=H.deep, seed=SETTINGS.seed),
    shell:
        command("highres.prepare_images")


rule train_classifier:
    input:
        images=f"{RUNS}/images.npz",
    output:
        curves=f"{RUNS}/classifier_{{method}}.npz",
    log:
        f"{LOGS}/highres/train_classifier_{{method}}.log",
    benchmark:
        f"{BENCHMARKS}/highres/train_classifier_{{method}}.tsv"
    resources:
        gpu=GPU,
    params:
        **stale("highres.train_classifier", settings=H.deep, seed=SETTINGS.seed),
    shell:
        command(
            "highres.train_classifier",
            device=SETTINGS.device,
            method="{wildcards.method}",
            checkpoints=".cache/checkpoints",
        )


rule evaluate_deep:
    input:
        runs=expand(f"{RUNS}/classifier_{{method}}.npz", method=LABELS),
    output:
        curves=f"{TABLES}/deep_curves.csv",
        measures=f"{TABLES}/deep_measures.csv",
    log:
        f"{LOGS}/highres/evaluate_deep.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_deep.tsv"
    params:
        **stale("highres.evaluate_deep"),
    shell:
        command("highres.evaluate_deep")


rule plot_deep:
    input:
        **(
            {"published": f"{TABLES}/bands_curves.csv"}
            if H.deep.published_curves
            else {}
        ),
        curves=f"{TABLES}/deep_curves.csv",
    output:
        **figure("highres", "fig2_training"),
    log:
        f"{LOGS}/highres/plot_deep.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_deep.tsv"
    params:
        **stale("highres.plot_deep", settings=H.deep),
    shell:
        command(
            "highres.plot_deep", *(["published"] if H.deep.published_curves else [])
        )


# --- Fig. 2: what the published bands measure


rule evaluate_bands:
    input:
        train_loss="data/highres-published/save_with_bounds_train_loss.txt",
        validation_accuracy="data/highres-published/save_with_bounds_val_acc.txt",
    output:
        curves=f"{TABLES}/bands_curves.csv",
        measures=f"{TABLES}/bands_measures.csv",
    log:
        f"{LOGS}/highres/evaluate_bands.log",
    benchmark:
        f"{BENCHMARKS}/highres/evaluate_bands.tsv"
    params:
        **stale("highres.evaluate_bands"),
    shell:
        command("highres.evaluate_bands")


rule plot_bands:
    input:
        curves=f"{TABLES}/bands_curves.csv",
    output:
        **figure("highres", "fig2_bands"),
    log:
        f"{LOGS}/highres/plot_bands.log",
    benchmark:
        f"{BENCHMARKS}/highres/plot_bands.tsv"
    params:
        **stale("highres.plot_bands"),
    shell:
        command("highres.plot_bands")


# --- Laws: identities that this code must satisfy


rule check_identities:
    output:
        measures=f"{TABLES}/identities_measures.csv",
    log:
        f"{LOGS}/highres/check_identities.log",
    benchmark:
        f"{BENCHMARKS}/highres/check_identities.tsv"
    params:
        **stale("highres.check_identities", seed=SETTINGS.seed),
    shell:
        command("highres.check_identities")


HIGHRES_TABLES = [
    "lyapunov",
    "discretisation",
    "constants",
    "noise_bounds",
    "bounds",
    "race",
    "deep",
    "identities",
]
HIGHRES_FIGURES = [
    "lyapunov",
    "discretisation",
    "constants",
    "noise_bounds",
    "fig1a_bounds",
    "fig1b_race",
    "fig2_training",
]
if H.deep.published_curves:
    HIGHRES_TABLES.append("bands")
    HIGHRES_FIGURES.append("fig2_bands")

MEASURES += [f"{TABLES}/{name}_measures.csv" for name in HIGHRES_TABLES]
FIGURES += [f"{RESULTS}/highres/figures/{name}.png" for name in HIGHRES_FIGURES]
