"""What the variational perspective on diffusion says in numbers, and how each is decided; written before the runs.

Source: Huang, Lim and Courville, A Variational Perspective on Diffusion-Based Generative Models and Score Matching,
NeurIPS 2021, and its released code (CW-Huang/sdeflow-light). The paper's text was not at hand: no equation is cited by
number, and no number but the curves of the released README, digitised, is called published. Thresholds are those of a
prototype with other random streams, unless their reason says more. Identities that can be computed without sampling are
laws.
"""

from perspectives.workbench.claims import Claim, Criterion, Figure, Finding, Known, Law, Ledger

FULL_SIZE = ("default", "extended", "paper")

_THREE_ERRORS = Criterion(high=3.0, reason="largest |z| of a few means that should be zero: chance of about one in 100")
_FOUR_ERRORS = Criterion(high=4.0, reason="largest |z| of a few dozen means: chance of about one in 500")
_QUADRATURE = Criterion(high=1e-8, reason="both sides by quadrature in one dimension, converged to ten digits")
_SEEDS = "the 95 % t-interval over paired seeds; wider than two standard errors, which is what seeds this few allow"

CLAIMS = (
    # --- The density as an expectation over paths
    Claim(
        id="diffusion-01",
        statement="The density of a generative SDE is an expectation over paths of another SDE (Feynman-Kac).",
        source="Feynman-Kac representation",
        quantity="paths:feynman_kac_error",
        criterion=Criterion(
            high=0.03,
            reason="log density at x = 0.5 by 1600 Euler steps under the optimal drift; the bias is of order 1/n",
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-02",
        statement="The rest of that error is discretisation: a quarter of the step leaves a quarter of it.",
        source="Feynman-Kac representation",
        quantity="paths:feynman_kac_error_ratio",
        criterion=Criterion(
            low=2.5, reason="error at 400 over error at 1600 steps; 4 in the limit, less sampling noise"
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-03",
        statement="Reweighted after a change of drift (Girsanov) the expectation is the same for every drift.",
        source="Girsanov's theorem",
        quantity="paths:largest_girsanov_z",
        criterion=Criterion(
            high=3.0,
            reason="drifts .8 and .5 of the optimal against it, 400 steps; exact for Euler's chains at any step",
        ),
    ),
    Claim(
        id="diffusion-04",
        statement="With any drift the mean of the logarithm is below the log density: the continuous-time ELBO.",
        source="Continuous-time ELBO",
        quantity="bounds:smallest_perturbed_gap_z",
        criterion=Criterion(low=-3.0, reason="gap over its standard error for three perturbed drifts, each"),
    ),
    Claim(
        id="diffusion-05",
        statement="At the optimal drift the logarithm of the weight has no variance: the bound is tight.",
        source="Tightness of the ELBO",
        quantity="paths:weight_deviation_ratio",
        criterion=Criterion(
            low=1.7, high=2.3, reason="deviation at 400 over that at 1600 steps; strong order 1/2 halves it"
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-06",
        statement="Without noise the formula is the change of variables of a continuous normalizing flow: no bias.",
        source="Continuous normalizing flows as a special case",
        quantity="bounds:flow_mean_error",
        criterion=Criterion(high=1e-3, reason="|mean| over all points in the plane, tolerance 1e-6, exact score"),
    ),
    Claim(
        id="diffusion-07",
        statement="The same at every point.",
        source="Continuous normalizing flows as a special case",
        quantity="bounds:flow_largest_error",
        criterion=Criterion(high=2e-2, reason="largest error; points far out start where the score varies fastest"),
    ),
    Claim(
        id="diffusion-08",
        statement="The ELBO of a hierarchical VAE with L layers tends to the continuous-time ELBO like 1/L.",
        source="Infinitely deep VAE",
        quantity="bounds:layers_order",
        criterion=Criterion(
            low=-1.2, high=-0.6, reason="log-log slope of the gap, L = 100 to 1000; sampling noise in the last"
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-09",
        statement="With a thousand layers nearly nothing is missing.",
        source="Infinitely deep VAE",
        quantity="bounds:layers_last_gap",
        criterion=Criterion(high=0.1, reason="nats, exact score; 1/L from a gap of about 2 at L = 10 gives .02"),
        presets=FULL_SIZE,
    ),
    # --- Score matching is the ELBO
    Claim(
        id="diffusion-10",
        statement="Explicit, implicit and denoising score matching differ by constants.",
        source="Score matching losses",
        quantity="losses:largest_loss_z",
        criterion=_FOUR_ERRORS,
    ),
    Claim(
        id="diffusion-11",
        statement="Implicit, sliced and denoising score matching have one gradient.",
        source="Score matching losses",
        quantity="losses:largest_gradient_z",
        criterion=_FOUR_ERRORS,
    ),
    Claim(
        id="diffusion-12",
        statement="What a wrong score loses in ELBO is half its g^2-weighted squared error.",
        source="Score matching maximises the ELBO",
        quantity="bounds:largest_drop_z",
        criterion=_THREE_ERRORS,
    ),
    # --- The family of reverse equations
    Claim(
        id="diffusion-13",
        statement="With the true score all members of the family generate the data.",
        source="Appendix C, Fig. 5",
        quantity="family:largest_distance_over_floor",
        criterion=Criterion(
            high=1.5, reason="largest W1 to data over that between two samples, 9 members, one dimension, 1000 steps"
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-14",
        statement="With a learned score they nearly do: none is much further from the data than the reverse SDE.",
        source="Appendix C, Fig. 5",
        quantity="lambda:largest_distance_over_reverse_sde",
        criterion=Criterion(high=2.0, reason="sliced W2 over that of lambda = 0; a wrong score tells members apart"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-15",
        statement="With the true score every member's ELBO is the log density.",
        source="Appendix C",
        quantity="bounds:largest_family_z",
        criterion=_THREE_ERRORS,
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-16",
        statement="The nearer a member is to the ODE, the less its bound fluctuates.",
        source="Appendix C",
        quantity="bounds:largest_deviation_ratio",
        criterion=Criterion(
            high=1.0, reason="largest ratio of the deviation to that of the next smaller lambda: monotone"
        ),
    ),
    # --- Debiasing
    Claim(
        id="diffusion-17",
        statement="Training with debiased times gives a better ELBO than training with uniform ones: swiss roll.",
        source="Debiased score matching",
        quantity="swiss_roll:debiasing_minus_uniform",
        criterion=Criterion(low=0.0, reason=_SEEDS),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-18",
        statement="The proposal g^2/v lowers the variance of the loss at equal mean.",
        source="Debiased score matching",
        quantity="losses:loss_variance_ratio",
        criterion=Criterion(low=5.0, reason="uniform over debiasing times, true weight, 16 dimensions, s >= 1e-3"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-19",
        statement="It lowers the variance of the gradient.",
        source="Debiased score matching",
        quantity="losses:gradient_variance_ratio",
        criterion=Criterion(low=2.0, reason="of the gradient by the network's output, summed over its entries"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-20",
        statement="It changes neither's mean.",
        source="Debiased score matching",
        quantity="losses:largest_proposal_z",
        criterion=_FOUR_ERRORS,
    ),
    Claim(
        id="diffusion-21",
        statement="The ELBO of a trained model is a bound: it stays below the log density.",
        source="Continuous-time ELBO",
        quantity="swiss_roll:smallest_gap_z",
        criterion=Criterion(low=-3.0, reason="mean gap over its standard error, the least over all trainings"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-22",
        statement="After debiased training the bound is near the log density.",
        source="Continuous-time ELBO",
        quantity="swiss_roll:debiasing_gap",
        criterion=Criterion(
            high=0.3, reason="nats a point, mean over seeds with its interval; fixed before any training"
        ),
        presets=FULL_SIZE,
    ),
    # --- Images
    Claim(
        id="diffusion-23",
        statement="Debiased training gives fewer bits per dimension: digits.",
        source="Released README, on CIFAR-10",
        quantity="images:digits_uniform_minus_debiasing",
        criterion=Criterion(low=0.0, reason=_SEEDS),
        presets=FULL_SIZE,
    ),
    Claim(
        id="diffusion-24",
        statement="The same on Fashion-MNIST.",
        source="Released README, on CIFAR-10",
        quantity="images:fashion-mnist_uniform_minus_debiasing",
        criterion=Criterion(low=0.0, reason=_SEEDS),
        presets=("extended", "paper"),
    ),
    Claim(
        id="diffusion-25",
        statement="The same on MNIST.",
        source="Released README, on CIFAR-10",
        quantity="images:mnist_uniform_minus_debiasing",
        criterion=Criterion(low=0.0, reason=_SEEDS),
        presets=("extended", "paper"),
    ),
    Claim(
        id="diffusion-26",
        statement="The same on CIFAR-10.",
        source="Released README, curve of bits per dimension",
        quantity="images:cifar-10_uniform_minus_debiasing",
        criterion=Criterion(low=0.0, reason=_SEEDS),
        published="0.30",
        known=Known.DIGITISED,
        presets=("paper",),
    ),
    Claim(
        id="diffusion-27",
        statement="Bits per dimension of CIFAR-10 after uniform training.",
        source="Released README, curve of bits per dimension",
        quantity="images:cifar-10_uniform_curve_end",
        criterion=Criterion(
            low=3.26, high=3.56, reason="mean of the last ten evaluations; 0.15 is the published error of a single one"
        ),
        published="3.41",
        known=Known.DIGITISED,
        presets=("paper",),
    ),
    Claim(
        id="diffusion-28",
        statement="Bits per dimension of CIFAR-10 after debiased training.",
        source="Released README, curve of bits per dimension",
        quantity="images:cifar-10_debiasing_curve_end",
        criterion=Criterion(
            low=2.96, high=3.26, reason="mean of the last ten evaluations; 0.15 is the published error of a single one"
        ),
        published="3.11",
        known=Known.DIGITISED,
        presets=("paper",),
    ),
)

LAWS = (
    Law(
        id="diffusion-law-01",
        statement="Closed-form means and variances of the VP, VE and sub-VP equations solve their moment equations.",
        source="Song et al. 2021, section 3.4 (equation numbers not checked)",
        quantity="identities:largest_marginal_error",
        criterion=Criterion(high=1e-8, reason="against an adaptive solver at relative tolerance 1e-9"),
    ),
    Law(
        id="diffusion-law-02",
        statement="Marginals of a mixture under the inference SDE solve its Fokker-Planck equation.",
        source="Fokker-Planck equation",
        quantity="identities:fokker_planck_residual",
        criterion=Criterion(high=1e-9, reason="automatic differentiation in float64, relative to the largest term"),
    ),
    Law(
        id="diffusion-law-03",
        statement="So do they with the drift and noise of every member of the family, reversed in time.",
        source="Appendix C",
        quantity="identities:family_fokker_planck_residual",
        criterion=Criterion(high=1e-9, reason="automatic differentiation in float64, relative to the largest term"),
    ),
    Law(
        id="diffusion-law-04",
        statement="Denoising less implicit score matching is d / 2v, explicit less implicit half E |grad log q|^2.",
        source="Vincent 2011, Hyvarinen 2005",
        quantity="identities:largest_loss_difference",
        criterion=_QUADRATURE,
    ),
    Law(
        id="diffusion-law-05",
        statement="log q - ELBO, averaged, is KL(q_T, p_0) plus half the g^2-weighted squared error of the score.",
        source="Score matching maximises the ELBO",
        quantity="identities:gap_identity_error",
        criterion=Criterion(
            high=1e-6, reason="both sides by quadrature over s and y; the integrand has kinks in neither"
        ),
    ),
    Law(
        id="diffusion-law-06",
        statement="The debiasing proposal's distribution function, its inverse and its density belong together.",
        source="Released code, VariancePreservingTruncatedSampling",
        quantity="identities:largest_proposal_error",
        criterion=Criterion(high=1e-9, reason="round trip and derivative in float64, on a grid of both branches"),
    ),
    Law(
        id="diffusion-law-07",
        statement="Drawn and written for Euler's chain, Girsanov's weights make all drifts' expectations equal.",
        source="Girsanov's theorem in discrete time",
        quantity="identities:girsanov_quadrature_error",
        criterion=Criterion(high=1e-10, reason="one Euler step by Gauss-Hermite quadrature with 200 nodes"),
    ),
    Law(
        id="diffusion-law-08",
        statement="Hutchinson's estimate of a divergence, averaged over all Rademacher probes, is the divergence.",
        source="Hutchinson 1989",
        quantity="identities:hutchinson_error",
        criterion=Criterion(high=1e-12, reason="all 64 probes in six dimensions; rounding"),
    ),
    Law(
        id="diffusion-law-09",
        statement="Bits per dimension undo dequantisation and logit: a uniform density costs log2 of the levels.",
        source="Released code, train_img.py",
        quantity="identities:bits_error",
        criterion=Criterion(high=1e-10, reason="rounding of a sum over 64 pixels in float64"),
    ),
    Law(
        id="diffusion-law-10",
        statement="At lambda = 1 the ELBO of the family, integrated as an ODE, is the flow's log density.",
        source="Appendix C",
        quantity="identities:flow_bound_difference",
        criterion=Criterion(high=1e-6, reason="two formulas, solved at relative tolerance 1e-9"),
    ),
)

FINDINGS = (
    Finding(
        id="diffusion-finding-01",
        statement="Effective share of the paths with no change of drift: pure Feynman-Kac wastes nearly all of them.",
        source="Feynman-Kac representation",
        quantity="paths:effective_share_0",
    ),
    Finding(
        id="diffusion-finding-02",
        statement="The same at .8 of the optimal drift.",
        source="Girsanov's theorem",
        quantity="paths:effective_share_0.8",
    ),
    Finding(
        id="diffusion-finding-03",
        statement="The bound with no drift at all, less the log density, nats.",
        source="Continuous-time ELBO",
        quantity="paths:bound_gap_0",
    ),
    Finding(
        id="diffusion-finding-04",
        statement="The exact score's bound on a mixture in the plane, less the mean log density, nats.",
        source="Tightness of the ELBO",
        quantity="bounds:exact_gap",
    ),
    Finding(
        id="diffusion-finding-05",
        statement="Deviation of a bound at lambda = 0, one path a point, nats.",
        source="Appendix C",
        quantity="bounds:family_deviation_0",
    ),
    Finding(
        id="diffusion-finding-06",
        statement="Deviation of a Hutchinson divergence with Rademacher over that with Gaussian probes.",
        source="Released code, option vtype",
        quantity="losses:probe_deviation_ratio",
    ),
    Finding(
        id="diffusion-finding-07",
        statement="Share of debiased times below 1e-3, where the proposal is truncated and the loss stays biased.",
        source="Released code, VariancePreservingTruncatedSampling",
        quantity="losses:truncated_share",
    ),
    Finding(
        id="diffusion-finding-08",
        statement="Low-discrepancy times: variance of a batch's loss with independent over that with stratified times.",
        source="Kingma et al. 2021, appendix I.1 (not checked)",
        quantity="losses:stratified_variance_ratio",
    ),
    Finding(
        id="diffusion-finding-09",
        statement="A proposal learnt from squared losses: variance of the loss with g^2/v over that with it.",
        source="our own, after importance sampling",
        quantity="losses:learned_variance_ratio",
    ),
    Finding(
        id="diffusion-finding-10",
        statement="Swiss roll: log density less likelihood by the ODE after debiased training, nats.",
        source="Probability-flow ODE",
        quantity="swiss_roll:debiasing_flow_gap",
    ),
    Finding(
        id="diffusion-finding-11",
        statement="The same after uniform training.",
        source="Probability-flow ODE",
        quantity="swiss_roll:uniform_flow_gap",
    ),
    Finding(
        id="diffusion-finding-12",
        statement="Swiss roll: log density less ELBO after uniform training, nats.",
        source="Continuous-time ELBO",
        quantity="swiss_roll:uniform_gap",
    ),
    Finding(
        id="diffusion-finding-13",
        statement="What averaging the weights gives in ELBO after debiased training, nats.",
        source="our own; the released code has no average",
        quantity="swiss_roll:average_gain",
    ),
    Finding(
        id="diffusion-finding-14",
        statement="Digits: bits per dimension after debiased training.",
        source="digits, not in the paper",
        quantity="images:digits_debiasing_bits",
    ),
    Finding(
        id="diffusion-finding-15",
        statement="Digits: bits per dimension after uniform training.",
        source="digits, not in the paper",
        quantity="images:digits_uniform_bits",
    ),
    Finding(
        id="diffusion-finding-16",
        statement="Digits: KL(q_T, p_0) that the bound pays for stopping at T = 1, bits per dimension.",
        source="Score matching maximises the ELBO",
        quantity="images:digits_terminal_bits",
    ),
    Finding(
        id="diffusion-finding-17",
        statement="Fashion-MNIST: bits per dimension after debiased training.",
        source="not in the paper",
        quantity="images:fashion-mnist_debiasing_bits",
    ),
    Finding(
        id="diffusion-finding-18",
        statement="MNIST: bits per dimension after debiased training.",
        source="the released code trains it; no number is published there",
        quantity="images:mnist_debiasing_bits",
    ),
    Finding(
        id="diffusion-finding-19",
        statement="CIFAR-10: standard error of an evaluation, debiased over uniform training; published .167 / .136.",
        source="Released README, curve of standard errors, digitised",
        quantity="images:cifar-10_error_ratio",
    ),
    Finding(
        id="diffusion-finding-20",
        statement="Generative paths in one dimension: log density less what the neural ODE reaches, nats.",
        source="Fig. 1",
        quantity="generative_paths:no_noise_gap",
    ),
    Finding(
        id="diffusion-finding-21",
        statement="The same for fixed noise with both drifts learnt.",
        source="Fig. 1",
        quantity="generative_paths:fixed_noise_gap",
    ),
    Finding(
        id="diffusion-finding-22",
        statement="The same for fixed inference, the plug-in reverse SDE.",
        source="Fig. 1",
        quantity="generative_paths:fixed_inference_gap",
    ),
    Finding(
        id="diffusion-finding-23",
        statement="Fewest evaluations of the score for a log likelihood within 1e-3 nats, over all solvers.",
        source="our own",
        quantity="solvers:fewest_evaluations",
    ),
    Finding(
        id="diffusion-finding-24",
        statement="Relative error of the likelihood's gradient by the backsolve adjoint at tolerance 1e-3.",
        source="our own",
        quantity="solvers:backsolve_gradient_error",
    ),
    Finding(
        id="diffusion-finding-25",
        statement="The same by recursive checkpoints: the gradient of what was computed.",
        source="our own",
        quantity="solvers:checkpoint_gradient_error",
    ),
)

FIGURES = (
    Figure(
        id="path_weights",
        title="Densities as expectations over paths",
        claims=("diffusion-01", "diffusion-02", "diffusion-03", "diffusion-05"),
    ),
    Figure(
        id="bounds",
        title="The ELBO in depth, in the score's error and along the family",
        claims=(
            "diffusion-04",
            "diffusion-06",
            "diffusion-07",
            "diffusion-08",
            "diffusion-09",
            "diffusion-12",
            "diffusion-15",
            "diffusion-16",
        ),
    ),
    Figure(
        id="score_matching",
        title="Score matching losses and proposals of times",
        claims=("diffusion-10", "diffusion-11", "diffusion-18", "diffusion-19", "diffusion-20"),
    ),
    Figure(id="exact_family", title="The family with the true score", claims=("diffusion-13",)),
    Figure(
        id="generative_paths",
        title="Three ways to generate one dimension",
        illustrative="Fig. 1 of the paper, its hyperparameters unknown: what three special cases look like",
    ),
    Figure(
        id="swiss_roll",
        title="Swiss roll: bounds, likelihoods and truth",
        claims=("diffusion-17", "diffusion-21", "diffusion-22"),
    ),
    Figure(id="lambda_family", title="Swiss roll along the family of reverse equations", claims=("diffusion-14",)),
    Figure(
        id="swiss_roll_trajectories",
        title="Trajectories of the reverse SDE and of the ODE",
        illustrative="what the two ends of the family do to single points, on the density that they cross",
    ),
    Figure(
        id="solvers",
        title="Solvers and adjoints of the likelihood",
        illustrative="our own study: which solver and adjoint to pick; the paper claims nothing about it",
    ),
    Figure(
        id="image_bits",
        title="Bits per dimension during training",
        claims=(
            "diffusion-23",
            "diffusion-24",
            "diffusion-25",
            "diffusion-26",
            "diffusion-27",
            "diffusion-28",
        ),
    ),
    Figure(
        id="image_samples",
        title="Images and samples",
        illustrative="samples cannot pass or fail; they show what the bits per dimension stand for",
    ),
)

LEDGER = Ledger(study="diffusion", claims=CLAIMS, laws=LAWS, findings=FINDINGS, figures=FIGURES)
