rule audit:
    input:
        after=dag.results,
    output:
        audit="results/{dataset}/audit.json",
        provenance="results/{dataset}/provenance.json",
    log:
        "logs/{dataset}/audit.log",
    benchmark:
        "logs/{dataset}/audit.tsv"
    threads: 1
    resources:
        mem_mb=dag.memory("audit"),
        runtime=dag.minutes("audit"),
    params:
        config=dag.section("audit"),
        settings=dag.settings,
        after=dag.lists.of("after"),
        version=dag.version("audit"),
    message:
        "Auditing results/{wildcards.dataset}"
    shell:
        "python -m landloom audit --config {params.config:q} --root results/{wildcards.dataset} "
        "--settings {params.settings:q} --after {params.after} --out {output.audit:q} "
        "--provenance {output.provenance:q} 2>&1 | tee {log:q}"
