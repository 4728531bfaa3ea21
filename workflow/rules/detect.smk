rule detect:
    input:
        statistics="results/{dataset}/statistics.json",
        mix="results/{dataset}/{generator}/mix/{ratio}.parquet",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        curated=dag.curated,
    output:
        run=directory("results/{dataset}/detect/{generator}/{ratio}/{network}/{seed}"),
        metrics="results/{dataset}/detect/{generator}/{ratio}/{network}/{seed}.metrics.jsonl",
    log:
        "logs/{dataset}/detect/{generator}/{ratio}/{network}/{seed}.log",
    benchmark:
        "logs/{dataset}/detect/{generator}/{ratio}/{network}/{seed}.tsv"
    threads: dag.cpus("detect")
    resources:
        mem_mb=dag.memory("detect"),
        runtime=dag.minutes("detect"),
        gpu=dag.gpus("detect"),
    params:
        config=dag.section("detect"),
        tiles=dag.lists.of("tiles"),
        curated=dag.lists.of("curated"),
        version=dag.version("detect"),
    message:
        "Training detector {wildcards.network} on {wildcards.generator} {wildcards.ratio}, seed {wildcards.seed} ({wildcards.dataset})"
    shell:
        "python -m landloom detect --config {params.config:q} --generator {wildcards.generator} "
        "--ratio {wildcards.ratio} --network {wildcards.network} --seed {wildcards.seed} "
        "--statistics {input.statistics:q} --mix {input.mix:q} "
        "--tiles {params.tiles} --curated {params.curated} "
        "--state results/{wildcards.dataset}/state --out {output.run:q} "
        "--metrics {output.metrics:q} 2>&1 | tee {log:q}"
