rule evaluate:
    input:
        card="results/{dataset}/statistics.json",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.scenes),
        plans=dag.plans(),
        pairs=dag.all_shards("curated"),
        runs=dag.runs(),
    output:
        segmentation="results/{dataset}/evaluation/segmentation.csv",
        image_quality="results/{dataset}/evaluation/image_quality.csv",
        label_ratios="results/{dataset}/evaluation/label_ratios.csv",
        summary="results/{dataset}/evaluation/summary.csv",
    log:
        "logs/{dataset}/evaluate.log",
    benchmark:
        "logs/{dataset}/evaluate.tsv"
    threads: 2
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=1,
    params:
        config=dag.section("evaluate"),
        version=dag.version("evaluate"),
    message:
        "Writing the tables of {wildcards.dataset}"
    shell:
        "python -m landloom evaluate --config {params.config:q} --card {input.card:q} "
        "--tiles {input.tiles:q} --plans {input.plans:q} --pairs {input.pairs:q} --runs {input.runs:q} "
        "--segmentation {output.segmentation:q} --image-quality {output.image_quality:q} "
        "--label-ratios {output.label_ratios:q} --summary {output.summary:q} 2>&1 | tee {log:q}"
