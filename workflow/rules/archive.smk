# One file for a reviewer: source, locks, settings, results, report, logs, benchmarks, data manifest. Not part of `all`:
# ask for it (`make archive`), after the report has been made if it should be inside.


rule archive:
    input:
        settings=f"{RESULTS}/settings.json",
        data=local(MANIFEST),
        verifier=local("workflow/verify.sh"),
        results=[*FIGURES, *CLAIMS, *REPORT],
        report=[
            local(page) for page in [f"{RESULTS}/report.html"] if os.path.exists(page)
        ],
    output:
        packed=f"{RESULTS}/archive/perspectives-{SETTINGS.preset}.tar.gz",
        digest=f"{RESULTS}/archive/perspectives-{SETTINGS.preset}.sha256",
    log:
        f"{LOGS}/workbench/archive.log",
    benchmark:
        f"{BENCHMARKS}/workbench/archive.tsv"
    params:
        **stale("workbench.archive", preset=SETTINGS.preset),
    shell:
        command("workbench.archive")
