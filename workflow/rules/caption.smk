rule caption:
    input:
        statistics="results/{dataset}/statistics.json",
        tiles="results/{dataset}/tiles/{scene}.parquet",
    output:
        table="results/{dataset}/captions/{scene}.parquet",
        summary="results/{dataset}/captions/{scene}.json",
        record="results/{dataset}/captions/{scene}.parquet.prov.json",  # so that --cache shares it too
        summary_record="results/{dataset}/captions/{scene}.json.prov.json",
    log:
        "logs/{dataset}/caption/{scene}.log",
    threads: 1
    resources:
        mem_mb=dag.memory("caption"),
        runtime=dag.minutes("caption"),
        gpu=dag.gpus("caption"),
        endpoint=dag.captioner.endpoint,
    params:
        config=dag.section("caption"),
        tokenizer=dag.tokenizer,
        version=dag.version("caption"),
    message:
        "Captioning the tiles of {wildcards.scene} ({wildcards.dataset})"
    shell:
        "python -m landloom caption --config {params.config:q} --statistics {input.statistics:q} "
        "--tiles {input.tiles:q} {params.tokenizer} --state results/{wildcards.dataset}/state "
        "--out {output.table:q} --summary {output.summary:q} 2>&1 | tee {log:q}"
