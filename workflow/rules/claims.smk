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
    params:
        **stale("workbench.save_settings", settings=RESULT_SETTINGS),
    log:
        f"{LOGS}/workbench/save_settings.log",
    benchmark:
        f"{BENCHMARKS}/workbench/save_settings.tsv"
    shell:
        command("workbench.save_settings")


rule judge:
    input:
        measures=MEASURES,
    output:
        claims=f"{RESULTS}/claims.csv",
        laws=f"{RESULTS}/laws.csv",
        findings=f"{RESULTS}/findings.csv",
    params:
        **stale("suite.judge", preset=SETTINGS.preset),
    log:
        f"{LOGS}/suite.judge.log",
    benchmark:
        f"{BENCHMARKS}/suite.judge.tsv"
    shell:
        command("suite.judge")


rule uphold_laws:
    input:
        laws=f"{RESULTS}/laws.csv",
    output:
        upheld=f"{RESULTS}/laws_upheld.txt",
    params:
        **stale("workbench.uphold_laws"),
    log:
        f"{LOGS}/workbench/uphold_laws.log",
    benchmark:
        f"{BENCHMARKS}/workbench/uphold_laws.tsv"
    shell:
        command("workbench.uphold_laws")
