rule image_train:
    input:
        statistics="results/{dataset}/statistics.json",
        data=trained_models.files(dag.image_data),
    output:
        model=directory("results/{dataset}/{generator}/image"),
        metrics="results/{dataset}/{generator}/image.metrics.jsonl",
    log:
        "logs/{dataset}/{generator}/image_train.log",
    benchmark:
        "logs/{dataset}/{generator}/image_train.tsv"
    priority: 1  # the longest way to the end leads through it
    threads: dag.cpus("image_train")
    resources:
        mem_mb=dag.memory("image_train"),
        runtime=dag.minutes("image_train"),
        gpu=dag.gpus("image_train"),
    params:
        config=dag.section("image_train"),
        data=trained_models.words(dag.image_data, dag.lists),
        seed=dag.seed,
        version=dag.version("image_train"),
    message:
        "Training the image generator of {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom image_train --config {params.config:q} --seed {params.seed} "
        "--statistics {input.statistics:q} {params.data} "
        "--state results/{wildcards.dataset}/state --out {output.model:q} "
        "--metrics {output.metrics:q} 2>&1 | tee {log:q}"
