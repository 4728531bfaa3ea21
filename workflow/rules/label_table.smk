rule label_table:
    input:
        statistics=f"results/{dag.config.dataset}/statistics.json",
        tiles=expand(
            "results/{dataset}/tiles/{scene}.parquet",
            dataset=dag.config.dataset,
            scene=dag.parts,
        ),
        masks=dag.table_masks(),
    output:
        ratios=report(
            f"results/{dag.config.dataset}/evaluation/label_ablation.csv",
            caption="../report/label_ablation.rst",
            category="Class mixes",
        ),
        shapes=f"results/{dag.config.dataset}/evaluation/label_ablation_shapes.csv",
        picture=f"results/{dag.config.dataset}/evaluation/label_ablation.png",
    log:
        f"logs/{dag.config.dataset}/label_table.log",
    benchmark:
        f"logs/{dag.config.dataset}/label_table.tsv"
    threads: dag.cpus("label_table")
    resources:
        mem_mb=dag.memory("label_table"),
        runtime=dag.minutes("label_table"),
        gpu=dag.gpus("label_table"),
    params:
        config=dag.section("label_table"),
        features=dag.section("features"),
        tiles=dag.lists.of("tiles"),
        masks=dag.lists.of("masks"),
        version=dag.version("label_table"),
    message:
        "Writing the table of mask generation"
    shell:
        "python -m landloom label_table --config {params.config:q} "
        "--features {params.features:q} --statistics {input.statistics:q} --tiles {params.tiles} --masks {params.masks} "
        "--ratios {output.ratios:q} --shapes {output.shapes:q} --picture {output.picture:q} "
        "2>&1 | tee {log:q}"
