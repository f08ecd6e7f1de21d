# The trainings of the diffusion study, by name: what the rules of diffusion.smk expand over.

from perspectives.diffusion.image_trainings import settings_of, trainings

D = SETTINGS.diffusion
D_RUNS = f"{RESULTS}/diffusion/runs"
D_TABLES = f"{RESULTS}/diffusion/tables"

D_VARIANTS = ("no_noise", "fixed_noise", "fixed_inference")
D_IMAGES = f"{D_RUNS}/images/{{dataset}}/{{proposal}}_{{member}}"
D_TRAININGS = [training._asdict() for training in trainings(D.images)]


wildcard_constraints:
    variant="|".join(D_VARIANTS),
    proposal="uniform|debiasing",
    member=r"\d+",


def images_settings(wildcards):
    return settings_of(D.images, wildcards.dataset).canonical()
