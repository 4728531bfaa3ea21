rule plan:
    input:
        statistics="results/{dataset}/statistics.json",
        ratios="results/{dataset}/ratios.parquet",
        tables=dag.plan_files,
        captions=dag.bank,
    output:
        "results/{dataset}/{generator}/plan.parquet",
    log:
        "logs/{dataset}/{generator}/plan.log",
    localrule: True
    params:
        config=dag.section("plan"),
        caption=dag.words,
        seed=dag.seed,
        split=dag.plan_split,
        captions=dag.lists.of("captions"),
        tables=dag.lists.of("tables"),
        version=dag.version("plan"),
    message:
        "Planning the class mixes of {wildcards.generator} ({wildcards.dataset})"
    shell:
        "python -m landloom plan --config {params.config:q} --caption {params.caption:q} "
        "--seed {params.seed} --statistics {input.statistics:q} --ratios {input.ratios:q} "
        "--captions {params.captions} --tables {params.tables} --split {params.split} "
        "--out {output:q} 2>&1 | tee {log:q}"
