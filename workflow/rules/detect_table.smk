rule detect_table:
    input:
        statistics="results/{dataset}/statistics.json",
        runs=dag.detectors(),
    output:
        report(
            "results/{dataset}/evaluation/detection.csv",
            caption="../report/detection.rst",
            category="Does it help?",
        ),
    log:
        "logs/{dataset}/detect_table.log",
    benchmark:
        "logs/{dataset}/detect_table.tsv"
    threads: dag.cpus("detect_table")
    resources:
        mem_mb=dag.memory("detect_table"),
        runtime=dag.minutes("detect_table"),
    params:
        config=dag.section("detect_table"),
        runs=dag.lists.of("runs"),
        version=dag.version("detect_table"),
    message:
        "Writing the table of detectors of {wildcards.dataset}"
    shell:
        "python -m landloom detect_table --config {params.config:q} --statistics {input.statistics:q} "
        "--runs {params.runs} --out {output:q} 2>&1 | tee {log:q}"
