# From measures to verdicts. A broken law fails the run; a claim that fails is a result.

CLAIMS = [
    f"{RESULTS}/settings.json",
    f"{RESULTS}/claims.csv",
    f"{RESULTS}/findings.csv",
    f"{RESULTS}/laws_upheld.txt",
]


rule save_settings:
    output:
        file=f"{RESULTS}/settings.json",
    log:
        f"{LOGS}/workbench/save_settings.log",
    benchmark:
        f"{BENCHMARKS}/workbench/save_settings.tsv"
    params:
        **stale("workbench.save_settings", settings=RESULT_SETTINGS),
    shell:
        command("workbench.save_settings")


rule judge:
    input:
        measures=MEASURES,
    output:
        claims=f"{RESULTS}/claims.csv",
        laws=f"{RESULTS}/laws.csv",
        findings=f"{RESULTS}/findings.csv",
    log:
        f"{LOGS}/suite.judge.log",
    benchmark:
        f"{BENCHMARKS}/suite.judge.tsv"
    params:
        **stale("suite.judge", preset=SETTINGS.preset),
    shell:
        command("suite.judge")


rule uphold_laws:
    input:
        laws=f"{RESULTS}/laws.csv",
    output:
        upheld=f"{RESULTS}/laws_upheld.txt",
    log:
        f"{LOGS}/workbench/uphold_laws.log",
    benchmark:
        f"{BENCHMARKS}/workbench/uphold_laws.tsv"
    params:
        **stale("workbench.uphold_laws"),
    shell:
        command("workbench.uphold_laws")
