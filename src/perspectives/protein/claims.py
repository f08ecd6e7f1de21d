"""What VLGPO and its neighbours say in numbers, and how each is decided; written before the runs.

Source: Bogensperger et al., A Variational Perspective on Generative Protein Fitness Optimization, ICML 2025
(arXiv:2501.19200), its released code and checkpoints (uzh-dqbm-cmi/VLGPO at 9909084), and Kirjner et al., Improving
Protein Optimization with Smoothed Fitness Landscapes, ICLR 2024. The first paper's text was not at hand: its headline
numbers are those that a later paper's table quotes, and what is only recalled is called so. GB1 is our own landscape:
no number about it is published. Tolerances come from a prototype with other random streams, unless their reason says
more.
"""

from perspectives.workbench.claims import Claim, Criterion, Figure, Finding, Known, Law, Ledger

FULL_SIZE = ("default", "extended", "paper")
WITH_AAV = ("extended", "paper")
_EXACT = Criterion(low=0.0, high=0.0, reason="a count, which is right or wrong")
_QUOTED = "The VLGPO paper's table, as a later paper quotes it"
_CODE = "Released code and checkpoints of VLGPO"
_OURS = "our own task, after the paper's method"
_ROUNDING = "float32 sums in another order, ten times what a prototype met; a wrong layer misses by more than 0.1"

CLAIMS = (
    # --- GB1: a landscape that is measured, models trained from scratch
    Claim(
        id="protein-01",
        statement="An oracle of additive effects behind one nonlinearity ranks GB1's held-out double mutants.",
        source="Tareen et al. 2022, global epistasis",
        quantity="oracles:epistasis_rank_correlation",
        criterion=Criterion(low=0.95, reason="Spearman, input counts of at least 100; a prototype reached 0.969"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-02",
        statement="It predicts their fitness.",
        source="Tareen et al. 2022, global epistasis",
        quantity="oracles:epistasis_r2",
        criterion=Criterion(low=0.93, reason="R^2; a prototype reached 0.954 where counting noise allows 0.974"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-03",
        statement="Anchored, both oracles give the wild type its fitness of 0, which no row of the data fixes.",
        source="our own: two mutations a row leave the intercept free",
        quantity="oracles:largest_wild_type_error",
        criterion=Criterion(high=0.05, reason="log2 units, the larger of two; unanchored it is 2 to 4"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-04",
        statement="A ridge regression on 2000 rows below the wild type ranks doubles of substitutions it has seen.",
        source=_OURS,
        quantity="gb1_default:smallest_predictor_rank_correlation",
        criterion=Criterion(low=0.80, reason="Spearman, the least over seeds; 0.85 to 0.87 on four seeds before"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-05",
        statement="The autoencoder learns mutations and not only the wild type.",
        source=_OURS,
        quantity="gb1_default:smallest_mutation_recall",
        criterion=Criterion(
            low=0.60, reason="least over seeds; from 0.13 to 0.87 within a few hundred steps: past that transition"
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-06",
        statement="Guidance raises fitness: GB1, by the additive oracle.",
        source=_OURS,
        quantity="gb1_default:smallest_guidance_gain",
        criterion=Criterion(
            low=0.10,
            reason="median of the selected less that of all prior samples, each seed; half of 0.19 seen before",
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-07",
        statement="The same by the other oracle.",
        source=_OURS,
        quantity="gb1_default:smallest_guidance_gain_perceptron",
        criterion=Criterion(low=0.10, reason="as the last; the oracles agree to .94 on two mutations"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="protein-08",
        statement="Designs that were measured are fitter than the wild type, though no row of the base set is.",
        source=_OURS,
        quantity="gb1_default:smallest_measured_gain",
        criterion=Criterion(
            low=0.0, reason="measured median less the wild type's, each seed; undecided with fewer than 15 designs"
        ),
        presets=FULL_SIZE,
    ),
    # --- AAV: tasks and released models
    Claim(
        id="protein-09",
        statement="Released base sets are the ground truth's rows by percentile and Hamming distance to its best.",
        source=_CODE,
        quantity="aav_tasks:hamming_mismatches",
        criterion=_EXACT,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-10",
        statement="By Levenshtein distance there are as many as Kirjner et al. say: 2139 and 3448.",
        source="Kirjner et al. 2024, table of tasks",
        quantity="aav_tasks:levenshtein_count_error",
        criterion=_EXACT,
        published="2139, 3448",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-11",
        statement="Fitness of AAV is scaled by the ground truth's least and largest value.",
        source=_CODE,
        quantity="aav_tasks:scale_error",
        criterion=Criterion(high=1e-9, reason="0 and 19.53645667061 to the digits that the evaluation has"),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-12",
        statement="Oracles and predictors give what they give in PyTorch.",
        source=_CODE,
        quantity="released:largest_predictor_difference",
        criterion=Criterion(high=1e-4, reason=_ROUNDING),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-13",
        statement="So do velocities, encoders and decoders.",
        source=_CODE,
        quantity="released:largest_generator_difference",
        criterion=Criterion(high=1e-3, reason=_ROUNDING),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-14",
        statement="The released autoencoder of AAV, medium, reconstructs 92.5 % of the tokens of its base set.",
        source=_CODE,
        quantity="released:aav_medium_token_accuracy",
        criterion=Criterion(low=0.920, high=0.930, reason="0.9254 by the authors' own code; first 512 rows, means"),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-15",
        statement="An autoencoder trained here reconstructs three quarters of the tokens: AAV, medium.",
        source=_CODE,
        quantity="aav_medium:token_accuracy",
        criterion=Criterion(low=0.75, reason="a fifth of the released training; a prototype had 0.835 at half of this"),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-16",
        statement="Trained as long as the released one it reconstructs as much.",
        source=_CODE,
        quantity="aav_medium:token_accuracy",
        criterion=Criterion(low=0.90, reason="0.925 released, less a spread of trainings that nobody measured"),
        presets=("paper",),
    ),
    Claim(
        id="protein-17",
        statement="Guidance raises fitness: AAV, medium, models trained here.",
        source="The paper's ablation, recalled; no number of it was at hand",
        quantity="aav_medium:own_unsmoothed_guidance_gain",
        criterion=Criterion(low=0.10, reason="oracle median of the selected less that of prior samples; 0.24 before"),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-18",
        statement="Guided designs are fitter than the best of the base set: AAV, medium.",
        source=_QUOTED,
        quantity="aav_medium:own_unsmoothed_gain_on_best",
        criterion=Criterion(low=0.0, reason="oracle median less the best measured score, 0.383; seed mean, interval"),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-19",
        statement="The same on AAV, hard, with the smoothed predictor.",
        source=_QUOTED,
        quantity="aav_hard:own_smoothed_gain_on_best",
        criterion=Criterion(low=0.0, reason="oracle median less the best measured score, 0.329; seed mean, interval"),
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-20",
        statement="The released models give the published fitness: AAV, medium, unsmoothed.",
        source=_QUOTED,
        quantity="aav_medium:released_unsmoothed_fitness",
        criterion=Criterion(low=0.54, high=0.62, reason="0.58 +- 0.04; spreads over seeds reach 0.1 in these tables"),
        published="0.58",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-21",
        statement="The same: AAV, hard, smoothed.",
        source=_QUOTED,
        quantity="aav_hard:released_smoothed_fitness",
        criterion=Criterion(low=0.57, high=0.65, reason="0.61 +- 0.04; spreads over seeds reach 0.1 in these tables"),
        published="0.61",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-22",
        statement="Their novelty: AAV, hard, smoothed.",
        source=_QUOTED,
        quantity="aav_hard:released_smoothed_novelty",
        criterion=Criterion(low=5.2, high=7.2, reason="6.2; a median of whole numbers moves by one"),
        published="6.2",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-23",
        statement="Their diversity: AAV, hard, smoothed.",
        source=_QUOTED,
        quantity="aav_hard:released_smoothed_diversity",
        criterion=Criterion(low=2.79, high=5.79, reason="4.29; selection of fewer designs changes it by about one"),
        published="4.29",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-24",
        statement="With one predictor VLGPO beats AdaLead and Gibbs with gradients: AAV, medium, unsmoothed.",
        source=_QUOTED,
        quantity="aav_medium:own_unsmoothed_lead",
        criterion=Criterion(low=0.0, reason="fitness less the better of the two, seed mean with its interval"),
        published="0.12 = 0.58 - 0.46",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    Claim(
        id="protein-25",
        statement="The same with the smoothed predictor, AdaLead+GS and GGS: AAV, hard.",
        source=_QUOTED,
        quantity="aav_hard:own_smoothed_lead",
        criterion=Criterion(
            low=0.0, reason="fitness less the better of the two; a prototype's evolution already had 0.62 here"
        ),
        published="0.01 = 0.61 - 0.60",
        known=Known.STATED,
        presets=WITH_AAV,
    ),
    # --- At the papers' sizes
    Claim(
        id="protein-26",
        statement="An oracle trained here from the ground truth ranks AAV's held-out tenth as the released one does.",
        source="Kirjner et al. 2024, oracle",
        quantity="aav_oracle:rank_correlation",
        criterion=Criterion(low=0.90, reason="Spearman of both oracles; the released one has seen these rows"),
        presets=("paper",),
    ),
    Claim(
        id="protein-27",
        statement="The released models give the fitness of GFP, medium, smoothed.",
        source="The VLGPO paper's table, recalled",
        quantity="gfp_medium:released_smoothed_fitness",
        criterion=Criterion(low=0.75, reason="0.87 as recalled, less what recollection and few seeds may miss"),
        published="0.87",
        known=Known.RECALLED,
        presets=("paper",),
    ),
    Claim(
        id="protein-28",
        statement="The same: GFP, hard, smoothed.",
        source="The VLGPO paper's table, recalled",
        quantity="gfp_hard:released_smoothed_fitness",
        criterion=Criterion(low=0.65, reason="0.75 as recalled, less what recollection and few seeds may miss"),
        published="0.75",
        known=Known.RECALLED,
        presets=("paper",),
    ),
)

LAWS = (
    Law(
        id="protein-law-01",
        statement="GB1 has 530,737 different rows, each two mutations from the commonest residues.",
        source="Olson, Wu and Sun 2014, as MAVE-NN has it",
        quantity="gb1:rows_off",
        criterion=_EXACT,
    ),
    Law(
        id="protein-law-02",
        statement="Its fitness is log2 (selected + 1) / (input + 1), less a constant.",
        source="MAVE-NN's table",
        quantity="gb1:largest_fitness_error",
        criterion=Criterion(high=1e-9, reason="rounding of float64; the constant is .78967, read off"),
    ),
    Law(
        id="protein-law-03",
        statement="157,456 rows lie below the wild type and two substitutions or more from the best hundredth.",
        source=_OURS,
        quantity="gb1:pool_error",
        criterion=_EXACT,
    ),
    Law(
        id="protein-law-04",
        statement="Autoencoders have 124,660 and 299,956 parameters, the velocity 60,321, the predictor 157,953.",
        source=_CODE,
        quantity="identities:parameter_count_error",
        criterion=_EXACT,
    ),
    Law(
        id="protein-law-05",
        statement="Thirty-two Euler steps of diffrax are those of the released loop.",
        source=_CODE,
        quantity="identities:euler_difference",
        criterion=Criterion(high=1e-5, reason="float32 rounding over 32 steps; one step's time off by 1/32 gives .01"),
    ),
    Law(
        id="protein-law-06",
        statement="The optimal velocity between normals carries one into the other.",
        source="Lipman et al. 2023, conditional flow matching; closed form",
        quantity="identities:normal_transport_error",
        criterion=Criterion(high=1e-6, reason="mean and covariance of the flow's affine map, tolerance 1e-9"),
    ),
    Law(
        id="protein-law-07",
        statement="The split scheme of guidance tends to the guided ODE at first order in the step.",
        source="our own reading of the released sampler",
        quantity="identities:guidance_order",
        criterion=Criterion(low=0.8, high=1.2, reason="slope of the error over 32 to 256 steps, linear-quadratic case"),
    ),
    Law(
        id="protein-law-08",
        statement="Conjugate gradients solve (I + gamma L) y = f.",
        source="Kirjner et al. 2024, graph-based smoothing",
        quantity="gb1_default:smoothing_residual",
        criterion=Criterion(high=1e-5, reason="relative residual, recomputed; the solver is asked for 1e-8"),
    ),
    Law(
        id="protein-law-09",
        statement="Smoothing lowers the Dirichlet energy.",
        source="Kirjner et al. 2024, graph-based smoothing",
        quantity="gb1_default:smoothing_energy_ratio",
        criterion=Criterion(high=1 - 1e-9, reason="after over before; below one unless the signal is in the kernel"),
    ),
)

FINDINGS = (
    Finding(
        id="protein-finding-01",
        statement="Scaled fitness of GB1's wild type, which a design reaches by doing nothing.",
        source="MAVE-NN's table: fitness 0 is the wild type's, inferred",
        quantity="gb1:wild_type_score",
    ),
    Finding(
        id="protein-finding-02",
        statement="R^2 that counting noise leaves to an oracle of GB1, input counts of at least 100.",
        source="Poisson deviations of log2 ratios",
        quantity="oracles:noise_ceiling",
    ),
    Finding(
        id="protein-finding-03",
        statement="R^2 of the perceptron oracle of GB1.",
        source=_OURS,
        quantity="oracles:perceptron_r2",
    ),
    Finding(
        id="protein-finding-04",
        statement="Rank correlation of both oracles on combined good mutations, two of them.",
        source=_OURS,
        quantity="oracles:agreement_2",
    ),
    Finding(
        id="protein-finding-05",
        statement="The same, eight of them.",
        source=_OURS,
        quantity="oracles:agreement_8",
    ),
    Finding(
        id="protein-finding-06",
        statement="GB1: fitness of guided designs less that of evolution with the same predictor.",
        source=_OURS,
        quantity="gb1_default:unsmoothed_lead_evolution",
    ),
    Finding(
        id="protein-finding-07",
        statement="The same, less that of predicting all doubles: search is no problem on this landscape.",
        source=_OURS,
        quantity="gb1_default:unsmoothed_lead_exhaustive",
    ),
    Finding(
        id="protein-finding-08",
        statement="Share of guided designs that were measured.",
        source=_OURS,
        quantity="gb1_default:measured_share",
    ),
    Finding(
        id="protein-finding-09",
        statement="Share of guided designs with at most one mutation.",
        source=_OURS,
        quantity="gb1_default:unsmoothed_near_wild_type_share",
    ),
    Finding(
        id="protein-finding-10",
        statement="Share of guided samples that are different sequences.",
        source=_OURS,
        quantity="gb1_default:unsmoothed_unique_share",
    ),
    Finding(
        id="protein-finding-11",
        statement="Mean difference of the two oracles on guided designs.",
        source=_OURS,
        quantity="gb1_default:oracle_disagreement",
    ),
    Finding(
        id="protein-finding-12",
        statement="Rank correlation over methods of median oracle fitness and median measured fitness.",
        source=_OURS,
        quantity="gb1_default:method_rank_agreement",
    ),
    Finding(
        id="protein-finding-13",
        statement="Guidance gain on GB1, medium, least over seeds.",
        source=_OURS,
        quantity="gb1_medium:smallest_guidance_gain",
    ),
    Finding(
        id="protein-finding-14",
        statement="Guidance gain on GB1, hard, least over seeds.",
        source=_OURS,
        quantity="gb1_hard:smallest_guidance_gain",
    ),
    Finding(
        id="protein-finding-15",
        statement="Fitness with the velocity at the new time in the end-point estimate, less that at the old.",
        source="Released sampler, whose estimate mixes both times",
        quantity="gb1_default:unsmoothed_new_time_less_old",
    ),
    Finding(
        id="protein-finding-16",
        statement="Fitness of the guided ODE's samples less that of the split scheme's.",
        source="our own reading of the released sampler",
        quantity="gb1_default:unsmoothed_guided_ode_less_split",
    ),
    Finding(
        id="protein-finding-17",
        statement="Fitness when the prior was fitted to posterior means, less that with draws.",
        source="not released which",
        quantity="gb1_default:unsmoothed_mean_codes_less_draws",
    ),
    Finding(
        id="protein-finding-18",
        statement="Fitness by Gibbs with gradients as released, acceptance the wrong way round, less the textbook's.",
        source="Released code of GGS",
        quantity="gb1_default:unsmoothed_inverted_acceptance_less_textbook",
    ),
    Finding(
        id="protein-finding-19",
        statement="Rows of AAV's base sets whose sequence occurs more than once, medium.",
        source=_CODE,
        quantity="aav_tasks:medium_repeated_rows",
    ),
    Finding(
        id="protein-finding-20",
        statement="AAV, medium, released models: share of samples that are different sequences.",
        source=_CODE,
        quantity="aav_medium:released_unsmoothed_unique_share",
    ),
    Finding(
        id="protein-finding-21",
        statement="AAV, hard, released models: fitness with the velocity at the new time, less that at the old.",
        source="Released sampler, whose estimate mixes both times",
        quantity="aav_hard:released_smoothed_new_time_less_old",
    ),
    Finding(
        id="protein-finding-22",
        statement="AAV, hard: fitness of evolution with the released smoothed predictor.",
        source="AdaLead+GS, published as 0.44",
        quantity="aav_hard:released_smoothed_evolution_fitness",
    ),
    Finding(
        id="protein-finding-23",
        statement="AAV, hard: diversity of these.",
        source="AdaLead+GS, published as 2.9",
        quantity="aav_hard:released_smoothed_evolution_diversity",
    ),
)

FIGURES = (
    Figure(
        id="landscapes",
        title="Measured fitness and the base sets cut from it",
        claims=("protein-09", "protein-10", "protein-11"),
    ),
    Figure(
        id="oracles",
        title="How far the oracles can be trusted",
        claims=("protein-01", "protein-02", "protein-03", "protein-26"),
    ),
    Figure(
        id="models",
        title="What the autoencoders and predictors have learnt",
        claims=("protein-04", "protein-05", "protein-12", "protein-13", "protein-14", "protein-15", "protein-16"),
    ),
    Figure(
        id="fitness",
        title="Fitness of base set, prior and guided designs",
        claims=(
            "protein-06",
            "protein-07",
            "protein-17",
            "protein-20",
            "protein-21",
            "protein-27",
            "protein-28",
        ),
    ),
    Figure(
        id="methods",
        title="Fitness and diversity of all methods, same predictor",
        claims=(
            "protein-08",
            "protein-18",
            "protein-19",
            "protein-22",
            "protein-23",
            "protein-24",
            "protein-25",
        ),
    ),
    Figure(
        id="guidance_map",
        title="Fitness over strength and number of gradient steps",
        illustrative="an ablation of the paper whose numbers were not at hand",
    ),
    Figure(
        id="step_counts",
        title="Fitness over the number of steps of the prior",
        illustrative="an ablation of the paper whose numbers were not at hand",
    ),
    Figure(
        id="logos",
        title="The best designs against the wild type",
        illustrative="sequences to look at",
    ),
)

LEDGER = Ledger(study="protein", claims=CLAIMS, laws=LAWS, findings=FINDINGS, figures=FIGURES)
