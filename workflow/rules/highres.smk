# Maskan, Zygalakis, Yurtsever, A Variational Perspective on High-Resolution ODEs, NeurIPS 2023.
# Each block reads: run, evaluate, plot. docs/highres.md has the maths.

H = SETTINGS.highres
RUNS = f"{RESULTS}/highres/runs"
TABLES = f"{RESULTS}/highres/tables"
METHODS = ("sgd", "svrg", "nnag", "nnag_svrg", "nnag_a15", "nnag_svrg_epoch_reset")


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
        descents=f"{RUNS}/nag.npz",
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
        descents=f"{RUNS}/nag.npz",
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


MEASURES = [
    f"{TABLES}/{table}_measures.csv"
    for table in (
        "lyapunov",
        "discretisation",
        "constants",
        "noise_bounds",
        "bounds",
        "race",
    )
]
HIGHRES = [
    f"{RESULTS}/highres/figures/{name}.png"
    for name in (
        "lyapunov",
        "discretisation",
        "constants",
        "noise_bounds",
        "fig1a_bounds",
        "fig1b_race",
    )
]
