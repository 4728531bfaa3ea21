rule segment:
    input:
        statistics="results/{dataset}/statistics.json",
        mix="results/{dataset}/{generator}/mix/{ratio}.parquet",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        curated=dag.curated,
    output:
        run=directory("results/{dataset}/segment/{generator}/{ratio}/{network}/{seed}"),
        metrics="results/{dataset}/segment/{generator}/{ratio}/{network}/{seed}.metrics.jsonl",
    log:
        "logs/{dataset}/segment/{generator}/{ratio}/{network}/{seed}.log",
    benchmark:
        "logs/{dataset}/segment/{generator}/{ratio}/{network}/{seed}.tsv"
    threads: dag.cpus("segment")
    resources:
        mem_mb=dag.memory("segment"),
        runtime=dag.minutes("segment"),
        gpu=dag.gpus("segment"),
    params:
        config=dag.section("segment"),
        min_trust=dag.min_trust,
        tiles=dag.lists.of("tiles"),
        curated=dag.lists.of("curated"),
        version=dag.version("segment"),
    message:
        "Training {wildcards.network} on {wildcards.generator} {wildcards.ratio}, seed {wildcards.seed} ({wildcards.dataset})"
    shell:
        "python -m landloom segment --config {params.config:q} --generator {wildcards.generator} "
        "--ratio {wildcards.ratio} --network {wildcards.network} --seed {wildcards.seed} "
        "--min-trust {params.min_trust} --statistics {input.statistics:q} --mix {input.mix:q} "
        "--tiles {params.tiles} --curated {params.curated} "
        "--state results/{wildcards.dataset}/state --out {output.run:q} "
        "--metrics {output.metrics:q} 2>&1 | tee {log:q}"
