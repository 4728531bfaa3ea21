rule curate:
    input:
        statistics="results/{dataset}/statistics.json",
        pairs="results/{dataset}/{generator}/pairs/{shard}.parquet",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        judge=dag.judge,
        known=dag.known,
        detector=dag.detector,
    output:
        "results/{dataset}/{generator}/curated/{shard}.parquet",
    log:
        "logs/{dataset}/{generator}/curate/{shard}.log",
    benchmark:
        "logs/{dataset}/{generator}/curate/{shard}.tsv"
    threads: dag.cpus("curate")
    resources:
        mem_mb=dag.memory("curate"),
        runtime=dag.minutes("curate"),
        gpu=dag.gpus("curate"),
    params:
        config=dag.section("curate"),
        features=dag.section("features"),
        tiles=dag.lists.of("tiles"),
        known=dag.lists.of("known"),
        detector=lambda wildcards, input: judging.option(input.detector),
        version=dag.version("curate"),
    message:
        "Judging the pairs of {wildcards.generator}, shard {wildcards.shard} ({wildcards.dataset})"
    shell:
        "python -m landloom curate --config {params.config:q} --statistics {input.statistics:q} "
        "--pairs {input.pairs:q} --tiles {params.tiles} --judge {input.judge:q} {params.detector} "
        "--known {params.known} --features {params.features:q} --out {output:q} "
        "2>&1 | tee {log:q}"
