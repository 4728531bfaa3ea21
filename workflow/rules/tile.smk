# The target `tile` is all tiles; this is one job of it. Every graph has it, so that it has the records asked.
rule tile_scenes:
    input:
        image=freshness.first(dag.images),
        mask=dag.masks,
        objects=dag.objects.files,
        reference=dag.told.references,
        maps=dag.maps.files,
    output:
        tiles="results/{dataset}/tiles/{scene}.parquet",
        record="results/{dataset}/tiles/{scene}.parquet.prov.json",  # so that --cache shares it too
    log:
        "logs/{dataset}/tile/{scene}.log",
    threads: tiling_threads
    resources:
        mem_mb=dag.memory("tile_scenes"),
        runtime=dag.minutes("tile_scenes"),
    params:
        config=dag.section("tile"),
        data=dag.section("data"),
        scenes=dag.levels.words,
        split=dag.split,
        acquisition=dag.told.options,
        maps=dag.maps.options,
        image=dag.lists.of("image"),
        mask=dag.lists.of("mask"),
        objects=dag.objects.options,
        version=dag.version("tile"),
    message:
        "Cutting {wildcards.scene} into tiles ({wildcards.dataset})"
    shell:
        "python -m landloom tile --config {params.config:q} --data {params.data:q} "
        "--scene {params.scenes} --split {params.split} --image {params.image} "
        "--mask {params.mask} {params.acquisition} {params.maps} {params.objects} --out {output.tiles:q} "
        "2>&1 | tee {log:q}"
