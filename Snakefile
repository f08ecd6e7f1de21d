"""Five works on variational perspectives, from raw data to figures, verdicts and archive."""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"
include: "workflow/rules/lock.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/highres.smk"
include: "workflow/rules/diffusion_trainings.smk"
include: "workflow/rules/diffusion.smk"
include: "workflow/rules/alignment_arms.smk"
include: "workflow/rules/alignment.smk"
include: "workflow/rules/protein_models.smk"
include: "workflow/rules/protein.smk"
include: "workflow/rules/elements.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/archive.smk"


rule all:
    default_target: True
    input:
        FIGURES,
        CLAIMS,
        REPORT,
