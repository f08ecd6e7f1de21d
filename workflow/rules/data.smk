# Raw data, uncompressed, below data/: from a mirror, the web, a wheel, a Debian package or an installed package.


rule fetch:
    # Stale when the digest that we want changes, and by nothing else: no edit of ours should load gigabytes again.
    input:
        manifest=ancient(local(MANIFEST)),
    output:
        file="data/{dataset}/{name}",
    log:
        f"{LOGS}/data/{{dataset}}/{{name}}.log",
    benchmark:
        f"{BENCHMARKS}/data/{{dataset}}/{{name}}.tsv"
    # On a cluster by the machine that started the run: nodes often have no network.
    localrule: True
    params:
        sha256=lambda wildcards: DATA[f"{wildcards.dataset}/{wildcards.name}"].sha256,
    shell:
        command(
            "workbench.fetch",
            dataset="{wildcards.dataset:q}",
            name="{wildcards.name:q}",
        )
