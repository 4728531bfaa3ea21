rule scene_part:
    input:
        statistics="results/{dataset}/statistics.json",
        given=trained_models.files(dag.trained.scene_inputs),
    output:
        image="results/{dataset}/{generator}/scene_parts/{canvas}/{shard}.image.tif",
        labels="results/{dataset}/{generator}/scene_parts/{canvas}/{shard}.mask.tif",
    log:
        "logs/{dataset}/{generator}/scene_part/{canvas}/{shard}.log",
    benchmark:
        "logs/{dataset}/{generator}/scene_part/{canvas}/{shard}.tsv"
    threads: dag.cpus("scene_sample")
    resources:
        mem_mb=dag.memory("scene_sample"),
        runtime=dag.minutes("scene_sample"),
        gpu=dag.gpus("scene_sample"),
    params:
        config=dag.section("scene_sample"),
        images=dag.section("image_sample"),
        words=dag.words,
        seed=dag.seed,
        given=trained_models.words(dag.trained.scene_inputs, dag.lists),
        version=dag.version("scene_sample"),
    message:
        "Sampling shard {wildcards.shard} of scene {wildcards.canvas}, {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom scene_sample --config {params.config:q} --images {params.images:q} "
        "--words {params.words:q} --name {wildcards.canvas:q} --part {wildcards.shard} "
        "--seed {params.seed} --statistics {input.statistics:q} {params.given} "
        "--state results/{wildcards.dataset}/state --out {output.image:q} --labels {output.labels:q} 2>&1 | tee {log:q}"


rule scene_sample:
    input:
        statistics="results/{dataset}/statistics.json",
        given=trained_models.files(dag.whole.joined),
    output:
        image="results/{dataset}/{generator}/scenes/{canvas}.image.tif",
        labels="results/{dataset}/{generator}/scenes/{canvas}.mask.tif",
    log:
        "logs/{dataset}/{generator}/scene_sample/{canvas}.log",
    benchmark:
        "logs/{dataset}/{generator}/scene_sample/{canvas}.tsv"
    threads: dag.cpus("scene_sample")
    resources:
        mem_mb=dag.memory("scene_sample"),
        runtime=dag.minutes("scene_sample"),
        gpu=dag.gpus("scene_sample"),
    params:
        config=dag.section("scene_sample"),
        images=dag.section("image_sample"),
        words=dag.words,
        seed=dag.seed,
        given=trained_models.words(dag.whole.joined, dag.lists),
        version=dag.version("scene_sample"),
    message:
        "Sampling scene {wildcards.canvas} of {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom scene_sample --config {params.config:q} --images {params.images:q} "
        "--words {params.words:q} --name {wildcards.canvas:q} --seed {params.seed} "
        "--statistics {input.statistics:q} {params.given} --state results/{wildcards.dataset}/state "
        "--out {output.image:q} --labels {output.labels:q} 2>&1 | tee {log:q}"
