rule image_sample:
    input:
        statistics="results/{dataset}/statistics.json",
        masks="results/{dataset}/{generator}/masks/{shard}.parquet",
        model=trained_models.files(dag.trained.image_models),
    output:
        pairs="results/{dataset}/{generator}/pairs/{shard}.parquet",
        resamples="results/{dataset}/{generator}/resamples/{shard}.parquet",
    log:
        "logs/{dataset}/{generator}/image_sample/{shard}.log",
    benchmark:
        "logs/{dataset}/{generator}/image_sample/{shard}.tsv"
    threads: dag.cpus("image_sample")
    resources:
        mem_mb=dag.memory("image_sample"),
        runtime=dag.minutes("image_sample"),
        gpu=dag.gpus("image_sample"),
    params:
        config=dag.section("image_sample"),
        model=trained_models.words(dag.trained.image_models, dag.lists),
        version=dag.version("image_sample"),
    message:
        "Sampling images of {wildcards.generator}, shard {wildcards.shard} ({wildcards.dataset})"
    shell:
        "python -m landloom image_sample --config {params.config:q} --statistics {input.statistics:q} "
        "--masks {input.masks:q} {params.model} --out {output.pairs:q} "
        "--resamples {output.resamples:q} 2>&1 | tee {log:q}"
