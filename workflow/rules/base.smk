rule base:
    input:
        statistics="results/{dataset}/statistics.json",
        tiles=dag.scratch(
            expand(
                "results/{{dataset}}/tiles/{scene}.parquet", scene=dag.levels.shards
            )
        ),
        captions=dag.scratch(
            expand(
                "results/{{dataset}}/captions/{scene}.parquet", scene=dag.levels.shards
            )
        ),
    output:
        model=directory("results/{dataset}/base"),
        vae="results/{dataset}/base.vae.metrics.jsonl",
        unet="results/{dataset}/base.unet.metrics.jsonl",
    log:
        "logs/{dataset}/base.log",
    benchmark:
        "logs/{dataset}/base.tsv"
    priority: 1  # the longest way to the end leads through it
    threads: dag.cpus("base")
    resources:
        mem_mb=dag.memory("base"),
        runtime=dag.minutes("base"),
        gpu=dag.gpus("base"),
    params:
        config=dag.section("base"),
        seed=dag.seed,
        tiles=dag.lists.of("tiles"),
        captions=dag.lists.of("captions"),
        version=dag.version("base"),
    message:
        "Making the base model of {wildcards.dataset}"
    shell:
        "python -m landloom base --config {params.config:q} --seed {params.seed} "
        "--statistics {input.statistics:q} --tiles {params.tiles} --captions {params.captions} "
        "--state results/{wildcards.dataset}/state --out {output.model:q} "
        "--vae-metrics {output.vae:q} --unet-metrics {output.unet:q} 2>&1 | tee {log:q}"
