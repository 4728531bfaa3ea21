rule caption:
    input:
        card="results/{dataset}/statistics.json",
        tiles="results/{dataset}/tiles/{scene}.parquet",
    output:
        "results/{dataset}/captions/{scene}.parquet",
    log:
        "logs/{dataset}/caption/{scene}.log",
    benchmark:
        "logs/{dataset}/caption/{scene}.tsv"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        config=dag.section("caption"),
        version=dag.version("caption"),
    message:
        "Captioning the tiles of {wildcards.scene}"
    shell:
        "python -m landloom caption --config {params.config:q} --card {input.card:q} "
        "--tiles {input.tiles:q} --out {output:q} 2>&1 | tee {log:q}"
