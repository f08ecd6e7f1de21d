# What a reader opens first: captions with their verdicts, the summary page, and the page on which Snakemake's report
# opens. `snakemake --report` reads captions and landing page when it runs, so they are made like any other result.

CAPTIONS = [
    str(Path(figure).parents[1] / "captions" / f"{Path(figure).stem}.rst")
    for figure in FIGURES
]
REPORT = [f"{RESULTS}/summary.html", f"{RESULTS}/overview.rst", *CAPTIONS]


# Absolute, because Snakemake takes a relative path as beside this file.
report: os.path.abspath(f"{RESULTS}/overview.rst")


rule caption:
    input:
        prose=[
            local(f"workflow/captions/{Path(figure).stem}.rst") for figure in FIGURES
        ],
        claims=f"{RESULTS}/claims.csv",
    output:
        texts=CAPTIONS,
    log:
        f"{LOGS}/suite/caption.log",
    benchmark:
        f"{BENCHMARKS}/suite/caption.tsv"
    params:
        **stale("suite.caption"),
    shell:
        command("suite.caption")


rule overview:
    input:
        claims=f"{RESULTS}/claims.csv",
        laws=f"{RESULTS}/laws.csv",
    output:
        page=f"{RESULTS}/overview.rst",
    log:
        f"{LOGS}/workbench/overview.log",
    benchmark:
        f"{BENCHMARKS}/workbench/overview.tsv"
    params:
        **stale("workbench.overview", preset=SETTINGS.preset),
    shell:
        command("workbench.overview")


rule summarise:
    input:
        claims=f"{RESULTS}/claims.csv",
        laws=f"{RESULTS}/laws.csv",
        findings=f"{RESULTS}/findings.csv",
        resolved=f"{RESULTS}/settings.json",
        template=local("workflow/report/summary.html.j2"),
        figures=FIGURES,
        captions=CAPTIONS,
    output:
        page=report(
            f"{RESULTS}/summary.html",
            category="Summary",
            labels={"page": "Claims, figures, findings, cost"},
        ),
    log:
        f"{LOGS}/workbench/summarise.log",
    benchmark:
        f"{BENCHMARKS}/workbench/summarise.tsv"
    params:
        **stale("workbench.summarise", preset=SETTINGS.preset),
    shell:
        command("workbench.summarise", benchmarks=BENCHMARKS, logs=LOGS)
