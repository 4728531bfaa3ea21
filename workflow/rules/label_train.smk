rule label_train:
    input:
        statistics="results/{dataset}/statistics.json",
        data=trained_models.files(dag.trained.label_data),
    output:
        model=directory("results/{dataset}/{generator}/label"),
        metrics="results/{dataset}/{generator}/label.metrics.jsonl",
    log:
        "logs/{dataset}/{generator}/label_train.log",
    benchmark:
        "logs/{dataset}/{generator}/label_train.tsv"
    priority: 1  # the longest way to the end leads through it
    threads: dag.cpus("label_train")
    resources:
        mem_mb=dag.memory("label_train"),
        runtime=dag.minutes("label_train"),
        gpu=dag.gpus("label_train"),
    params:
        config=dag.section("label_train"),
        seed=dag.seed,
        data=trained_models.words(dag.trained.label_data, dag.lists),
        version=dag.version("label_train"),
    message:
        "Training the mask generator of {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom label_train --config {params.config:q} --seed {params.seed} "
        "--statistics {input.statistics:q} {params.data} "
        "--state results/{wildcards.dataset}/state --out {output.model:q} --metrics {output.metrics:q} "
        "2>&1 | tee {log:q}"
