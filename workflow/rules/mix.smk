rule mix:
    input:
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        curated=dag.curated,
    output:
        "results/{dataset}/{generator}/mix/{ratio}.parquet",
    log:
        "logs/{dataset}/{generator}/mix/{ratio}.log",
    benchmark:
        "logs/{dataset}/{generator}/mix/{ratio}.tsv"
    threads: 1
    resources:
        mem_mb=dag.memory("mix"),
        runtime=dag.minutes("mix"),
    params:
        config=dag.section("mix"),
        seed=dag.seed,
        tiles=dag.lists.of("tiles"),
        curated=dag.lists.of("curated"),
        version=dag.version("mix"),
    message:
        "Mixing real tiles with {wildcards.ratio} of {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom mix --config {params.config:q} --ratio {wildcards.ratio} "
        "--seed {params.seed} --tiles {params.tiles} --curated {params.curated} --out {output:q} "
        "2>&1 | tee {log:q}"
