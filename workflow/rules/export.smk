rule export:
    input:
        statistics="results/{dataset}/statistics.json",
        curated=dag.curated,
    output:
        directory("results/{dataset}/export/{generator}"),
    log:
        "logs/{dataset}/export/{generator}.log",
    benchmark:
        "logs/{dataset}/export/{generator}.tsv"
    threads: 1
    resources:
        mem_mb=dag.memory("export"),
        runtime=dag.minutes("export"),
    params:
        config=dag.section("export"),
        min_trust=dag.min_trust,
        curated=dag.lists.of("curated"),
        version=dag.version("export"),
    message:
        "Exporting the samples of {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom export --config {params.config:q} --dataset {wildcards.dataset} --min-trust {params.min_trust} "
        "--statistics {input.statistics:q} --curated {params.curated} --out {output:q} 2>&1 | tee {log:q}"
