rule scene_mask:
    input:
        statistics="results/{dataset}/statistics.json",
        tiles=expand("results/{{dataset}}/tiles/{scene}.parquet", scene=dag.parts),
        ratios=dag.whole.ratios,
    output:
        mask="results/{dataset}/scene_masks/{drawn}.mask.tif",
        image="results/{dataset}/scene_masks/{drawn}.image.tif",
    log:
        "logs/{dataset}/scene_mask/{drawn}.log",
    benchmark:
        "logs/{dataset}/scene_mask/{drawn}.tsv"
    threads: dag.cpus("scene_mask")
    resources:
        mem_mb=dag.memory("scene_mask"),
        runtime=dag.minutes("scene_mask"),
    params:
        config=dag.section("scene_mask"),
        seed=dag.seed,
        tiles=dag.lists.of("tiles"),
        ratios=dag.whole.ratios_words,
        version=dag.version("scene_mask"),
    message:
        "Quilting the mask of scene {wildcards.drawn} ({wildcards.dataset})"
    shell:
        "python -m landloom scene_mask --config {params.config:q} --name {wildcards.drawn:q} "
        "--seed {params.seed} --statistics {input.statistics:q} --tiles {params.tiles} {params.ratios} "
        "--out {output.mask:q} --image {output.image:q} 2>&1 | tee {log:q}"
