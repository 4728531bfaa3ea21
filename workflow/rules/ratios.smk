rule ratios:
    input:
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
    output:
        table="results/{dataset}/ratios.parquet",
        statistics="results/{dataset}/statistics.json",
    log:
        "logs/{dataset}/ratios.log",
    benchmark:
        "logs/{dataset}/ratios.tsv"
    threads: 1
    resources:
        mem_mb=dag.memory("ratios"),
        runtime=dag.minutes("ratios"),
    params:
        config=dag.section("ratios"),
        data=dag.section("data"),
        tiles=dag.lists.of("tiles"),
        version=dag.version("ratios"),
    message:
        "Counting classes of {wildcards.dataset}"
    shell:
        "python -m landloom ratios --config {params.config:q} --data {params.data:q} "
        "--dataset {wildcards.dataset} --tiles {params.tiles} --out {output.table:q} "
        "--statistics {output.statistics:q} 2>&1 | tee {log:q}"
