rule audit:
    input:
        dag.audited,
    output:
        "results/{dataset}/audit.json",
    log:
        "logs/{dataset}/audit.log",
    benchmark:
        "logs/{dataset}/audit.tsv"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        config=dag.section("audit"),
        version=dag.version("audit"),
    message:
        "Auditing results/{wildcards.dataset}"
    shell:
        "python -m landloom audit --config {params.config:q} --root results/{wildcards.dataset} "
        "--after {input:q} --out {output:q} 2>&1 | tee {log:q}"
