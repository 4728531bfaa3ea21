rule report:
    input:
        statistics="results/{dataset}/statistics.json",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        captions=expand("results/{{dataset}}/captions/{scene}.parquet", scene=dag.parts),
        summaries=expand("results/{{dataset}}/captions/{scene}.json", scene=dag.parts),
        curated=dag.all_shards("curated"),
        metrics=dag.training_metrics(),
        runs=dag.runs(),
        tables=dag.tables,
        evidence=shares.shown(dag),
        scenes=dag.whole.shown,
        scene_masks=dag.whole.shown_masks,
    output:
        page=directory("results/{dataset}/report"),
        sheet=report(
            "results/{dataset}/report.png",
            caption="../report/sheet.rst",
            category="Samples",
        ),
    log:
        "logs/{dataset}/report.log",
    benchmark:
        "logs/{dataset}/report.tsv"
    threads: 1
    resources:
        mem_mb=dag.memory("report"),
        runtime=dag.minutes("report"),
    params:
        config=dag.section("report"),
        command=dag.command,
        tiles=dag.lists.of("tiles"),
        captions=dag.lists.of("captions"),
        summaries=dag.lists.of("summaries"),
        curated=dag.lists.of("curated"),
        metrics=dag.lists.of("metrics"),
        runs=dag.lists.of("runs"),
        tables=dag.lists.of("tables"),
        evidence=dag.lists.of("evidence"),
        source=class_sources.words(dag),
        scenes=dag.lists.of("scenes"),
        scene_masks=dag.lists.of("scene_masks"),
        version=dag.version("report"),
    message:
        "Writing the report of {wildcards.dataset}"
    shell:
        "python -m landloom report --config {params.config:q} --dataset {wildcards.dataset} "
        "--command {params.command:q} --statistics {input.statistics:q} --tiles {params.tiles} "
        "--captions {params.captions} --summaries {params.summaries} "
        "--curated {params.curated} --metrics {params.metrics} "
        "--runs {params.runs} --tables {params.tables} --evidence {params.evidence} "
        "--source {params.source} --scenes {params.scenes} --scene-masks {params.scene_masks} "
        "--out {output.page:q} --sheet {output.sheet:q} 2>&1 | tee {log:q}"
