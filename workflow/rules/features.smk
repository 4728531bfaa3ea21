rule features:
    input:
        statistics="results/{dataset}/statistics.json",
        tiles="results/{dataset}/tiles/{scene}.parquet",
    output:
        "results/{dataset}/features/{scene}.safetensors",
    log:
        "logs/{dataset}/features/{scene}.log",
    benchmark:
        "logs/{dataset}/features/{scene}.tsv"
    threads: dag.cpus("features")
    resources:
        mem_mb=dag.memory("features"),
        runtime=dag.minutes("features"),
        gpu=dag.gpus("features"),
    params:
        config=dag.section("features"),
        version=dag.version("features"),
    message:
        "Features of the tiles of {wildcards.scene} ({wildcards.dataset})"
    shell:
        "python -m landloom features --config {params.config:q} --statistics {input.statistics:q} "
        "--tiles {input.tiles:q} --out {output:q} 2>&1 | tee {log:q}"
