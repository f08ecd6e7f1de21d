# Maskan, Zygalakis, Yurtsever, A Variational Perspective on High-Resolution ODEs. Each block: run, evaluate, plot.

MEASURES = [f"{RESULTS}/highres/tables/lyapunov_measures.csv"]
HIGHRES = [f"{RESULTS}/highres/figures/lyapunov.png"]
H = SETTINGS.highres
RUNS = f"{RESULTS}/highres/runs"
TABLES = f"{RESULTS}/highres/tables"
HIGHRES_LOGS = f"{LOGS}/highres"
HIGHRES_BENCHMARKS = f"{BENCHMARKS}/highres"


# --- Theorems 2.1 to 2.3: Lyapunov functions along the ODEs


rule solve_flows:
    output:
        trajectories=f"{RUNS}/flows.npz",
    params:
        **stale("highres.solve_flows", settings=H.flow, seed=SETTINGS.seed),
    log:
        f"{HIGHRES_LOGS}/solve_flows.log",
    benchmark:
        f"{HIGHRES_BENCHMARKS}/solve_flows.tsv"
    shell:
        command("highres.solve_flows")


rule evaluate_lyapunov:
    input:
        trajectories=f"{RUNS}/flows.npz",
    output:
        measures=f"{TABLES}/lyapunov_measures.csv",
        curves=f"{TABLES}/lyapunov_curves.csv",
    params:
        **stale("highres.evaluate_lyapunov"),
    log:
        f"{HIGHRES_LOGS}/evaluate_lyapunov.log",
    benchmark:
        f"{HIGHRES_BENCHMARKS}/evaluate_lyapunov.tsv"
    shell:
        command("highres.evaluate_lyapunov")


rule plot_lyapunov:
    input:
        curves=f"{TABLES}/lyapunov_curves.csv",
    output:
        **figure("highres", "lyapunov"),
    params:
        **stale("highres.plot_lyapunov"),
    log:
        f"{HIGHRES_LOGS}/plot_lyapunov.log",
    benchmark:
        f"{HIGHRES_BENCHMARKS}/plot_lyapunov.tsv"
    shell:
        command("highres.plot_lyapunov")
