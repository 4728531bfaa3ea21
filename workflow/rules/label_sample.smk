rule label_sample:
    input:
        statistics="results/{dataset}/statistics.json",
        plan="results/{dataset}/{generator}/plan.parquet",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        model=trained_models.files(dag.trained.label_models),
    output:
        "results/{dataset}/{generator}/masks/{shard}.parquet",
    log:
        "logs/{dataset}/{generator}/label_sample/{shard}.log",
    benchmark:
        "logs/{dataset}/{generator}/label_sample/{shard}.tsv"
    threads: dag.cpus("label_sample")
    resources:
        mem_mb=dag.memory("label_sample"),
        runtime=dag.minutes("label_sample"),
        gpu=dag.gpus("label_sample"),
    params:
        config=dag.section("label_sample"),
        model=trained_models.words(dag.trained.label_models, dag.lists),
        tiles=dag.lists.of("tiles"),
        version=dag.version("label_sample"),
    message:
        "Sampling masks of {wildcards.generator}, shard {wildcards.shard} ({wildcards.dataset})"
    shell:
        "python -m landloom label_sample --config {params.config:q} --generator {wildcards.generator} "
        "--shard {wildcards.shard} --statistics {input.statistics:q} --plan {input.plan:q} "
        "--tiles {params.tiles} {params.model} --out {output:q} 2>&1 | tee {log:q}"
