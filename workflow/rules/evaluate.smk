rule evaluate:
    input:
        statistics="results/{dataset}/statistics.json",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        plans=dag.plans(),
        pairs=dag.all_shards("curated"),
        resamples=dag.all_shards("resamples"),
        runs=dag.runs(),
    output:
        segmentation=report(
            "results/{dataset}/evaluation/segmentation.csv",
            caption="../report/segmentation.rst",
            category="Does it help?",
        ),
        image_quality=report(
            "results/{dataset}/evaluation/image_quality.csv",
            caption="../report/image_quality.rst",
            category="Images",
        ),
        label_ratios=report(
            "results/{dataset}/evaluation/label_ratios.csv",
            caption="../report/label_ratios.rst",
            category="Class mixes",
        ),
        label_shapes=report(
            "results/{dataset}/evaluation/label_shapes.csv",
            caption="../report/label_shapes.rst",
            category="Class mixes",
        ),
        summary=report(
            "results/{dataset}/evaluation/summary.csv",
            caption="../report/summary.rst",
            category="Does it help?",
        ),
        gain=report(
            "results/{dataset}/evaluation/gain.csv",
            caption="../report/gain.rst",
            category="Does it help?",
        ),
    log:
        "logs/{dataset}/evaluate.log",
    benchmark:
        "logs/{dataset}/evaluate.tsv"
    threads: dag.cpus("evaluate")
    resources:
        mem_mb=dag.memory("evaluate"),
        runtime=dag.minutes("evaluate"),
        gpu=dag.gpus("evaluate"),
    params:
        config=dag.section("evaluate"),
        features=dag.section("features"),
        tiles=dag.lists.of("tiles"),
        plans=dag.lists.of("plans"),
        pairs=dag.lists.of("pairs"),
        resamples=dag.lists.of("resamples"),
        runs=dag.lists.of("runs"),
        version=dag.version("evaluate"),
    message:
        "Writing the tables of {wildcards.dataset}"
    shell:
        "python -m landloom evaluate --config {params.config:q} --features {params.features:q} --statistics {input.statistics:q} "
        "--tiles {params.tiles} --plans {params.plans} --pairs {params.pairs} --resamples {params.resamples} "
        "--runs {params.runs} "
        "--segmentation {output.segmentation:q} --image-quality {output.image_quality:q} "
        "--label-ratios {output.label_ratios:q} --label-shapes {output.label_shapes:q} "
        "--summary {output.summary:q} --gain {output.gain:q} 2>&1 | tee {log:q}"
