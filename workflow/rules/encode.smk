rule encode:
    input:
        statistics="results/{dataset}/statistics.json",
        base="results/{dataset}/base",
        tiles="results/{dataset}/tiles/{scene}.parquet",
        captions="results/{dataset}/captions/{scene}.parquet",
    output:
        "results/{dataset}/latents/{scene}.safetensors",
    log:
        "logs/{dataset}/encode/{scene}.log",
    benchmark:
        "logs/{dataset}/encode/{scene}.tsv"
    priority: 1  # the longest way to the end leads through it
    threads: dag.cpus("encode")
    resources:
        mem_mb=dag.memory("encode"),
        runtime=dag.minutes("encode"),
        gpu=dag.gpus("encode"),
    params:
        config=dag.section("encode"),
        learned=dag.learned,
        version=dag.version("encode"),
    message:
        "Encoding the tiles of {wildcards.scene} ({wildcards.dataset})"
    shell:
        "python -m landloom encode --config {params.config:q} --statistics {input.statistics:q} "
        "--base {input.base:q} --tiles {input.tiles:q} --captions {input.captions:q} --out {output:q} "
        "{params.learned} 2>&1 | tee {log:q}"
