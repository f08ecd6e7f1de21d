"""What is claimed about permutations of Bayesian neural networks, and how each statement is decided; before the runs.

Source: Rossi, Singh, Hannagan, On permutation symmetries in Bayesian neural network posteriors: a variational
perspective, NeurIPS 2023. Only its abstract could be retrieved. It says that a suitable permutation leaves posteriors
with *nearly zero* marginalized loss barriers, without a number. No other value is published as far as we know, so the
thresholds are ours: those of a prototype of three pairs, or hypotheses that were written down first.
"""

from perspectives.workbench.claims import Claim, Criterion, Figure, Finding, Known, Law, Ledger

FULL_SIZE = ("default", "extended", "paper")
WITH_MNIST = ("extended", "paper")

_NEARLY_ZERO = Criterion(
    high=0.02, reason="our reading of 'nearly zero': 5 % of the networks' loss of about 0.4 nats; all of the interval"
)
_NOT_RISING = Criterion(high=0.0, reason="the 95 % interval of the log-log slope must exclude a barrier that stays")
_LOWER = Criterion(high=0.0, reason="the 95 % interval of the paired difference must exclude zero")
_HIGHER = Criterion(low=0.0, reason="the 95 % interval of the paired difference must exclude zero")
_NONE = Criterion(high=0.0, reason="a count of exceptions to an exact statement")

CLAIMS = (
    Claim(
        id="alignment-01",
        statement="At width 256 on Fashion-MNIST alignment leaves a small part of the marginalized barrier.",
        source="our reading of the abstract",
        quantity="barriers:fashion-mnist_w256_w2_over_identity",
        criterion=Criterion(high=0.2, reason="twice the ratio of a prototype of three pairs after 5 epochs"),
        published="nearly zero after, no number",
        known=Known.STATED,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-02",
        statement="On CIFAR-10 the aligned barrier of the widest ResNet20 is nearly zero.",
        source="abstract",
        quantity="barriers:cifar-10_widest_w2",
        criterion=_NEARLY_ZERO,
        published="nearly zero, no number",
        known=Known.STATED,
        presets=("paper",),
    ),
    Claim(
        id="alignment-03",
        statement="On Fashion-MNIST the aligned barrier of the widest perceptron is nearly zero.",
        source="abstract",
        quantity="barriers:fashion-mnist_widest_w2",
        criterion=_NEARLY_ZERO,
        published="nearly zero, no number",
        known=Known.STATED,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-04",
        statement="On MNIST the aligned barrier of the widest perceptron is nearly zero.",
        source="abstract",
        quantity="barriers:mnist_widest_w2",
        criterion=_NEARLY_ZERO,
        published="nearly zero, no number",
        known=Known.STATED,
        presets=WITH_MNIST,
    ),
    Claim(
        id="alignment-05",
        statement="On Fashion-MNIST the fitted slope in width, 32 to 256, is at most -1/2 (point estimate).",
        source="our hypothesis",
        quantity="barriers:fashion-mnist_slope_w2",
        criterion=Criterion(high=-0.5, reason="log-log slope; a prototype of three widths had about -0.8"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-06",
        statement="On Fashion-MNIST the aligned barrier falls with width, widths 32 to 256.",
        source="our hypothesis",
        quantity="barriers:fashion-mnist_slope_w2_interval",
        criterion=_NOT_RISING,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-07",
        statement="So it does at temperature 0.01, where underfitting is no explanation.",
        source="our hypothesis",
        quantity="barriers:fashion-mnist_cold_slope_w2_interval",
        criterion=_NOT_RISING,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-08",
        statement="On digits W2 alignment leaves a lower barrier than matching means alone (6 disjoint pairs).",
        source="our hypothesis; a prototype saw no difference",
        quantity="barriers:digits_w2_minus_mean",
        criterion=_LOWER,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-09",
        statement="On Fashion-MNIST W2 alignment leaves a lower barrier than matching means alone (6 disjoint pairs).",
        source="our hypothesis; a prototype saw no difference",
        quantity="barriers:fashion-mnist_w2_minus_mean",
        criterion=_LOWER,
        presets=WITH_MNIST,
    ),
    Claim(
        id="alignment-10",
        statement="On Fashion-MNIST, width 128, aligned posteriors have a lower barrier than point estimates.",
        source="our hypothesis",
        quantity="barriers:fashion-mnist_vi_minus_map",
        criterion=_LOWER,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-11",
        statement="On Fashion-MNIST, width 128, T = 0.01 has a higher aligned barrier than T = 1.",
        source="our hypothesis",
        quantity="barriers:fashion-mnist_cold_minus_reference",
        criterion=_HIGHER,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-12",
        statement="On Fashion-MNIST, width 128, a tenth of the prior variance lowers the aligned barrier.",
        source="our hypothesis",
        quantity="barriers:fashion-mnist_v0.2_minus_reference",
        criterion=_LOWER,
        presets=FULL_SIZE,
    ),
    Claim(
        id="alignment-13",
        statement="Sixteen draws suffice: the marginalized loss differs little from that of 64.",
        source="our numerics",
        quantity="members:fashion-mnist_loss_16_minus_64_draws",
        criterion=Criterion(high=0.01, reason="largest absolute difference over members, nats; a tenth of a barrier"),
        presets=FULL_SIZE,
    ),
)

LAWS = (
    Law(
        id="alignment-law-01",
        statement="Permuting means, deviations and noise changes no prediction, float64.",
        source="algebra: W -> P W P'^T",
        quantity="identities:invariance",
        criterion=Criterion(high=1e-12, reason="rounding of some hundred float64 products and sums"),
    ),
    Law(
        id="alignment-law-02",
        statement="Forgetting to permute the deviations changes predictions: the check above can fail.",
        source="mutant of alignment-law-01",
        quantity="identities:invariance_of_mutant",
        criterion=Criterion(low=1e-3, reason="nine decades above the law's bound"),
    ),
    Law(
        id="alignment-law-03",
        statement="The mixture of two posteriors never has a barrier, with draws in common.",
        source="convexity of -log",
        quantity="identities:mixture_barrier",
        criterion=Criterion(high=1e-10, reason="rounding of means of log-likelihoods"),
    ),
    Law(
        id="alignment-law-04",
        statement="On the geodesic W2(q0, q_t) = t W2(q0, q1).",
        source="McCann 1997",
        quantity="identities:geodesic",
        criterion=Criterion(high=1e-6, reason="relative error, float32 arrays summed in float64"),
    ),
    Law(
        id="alignment-law-05",
        statement="With one hidden layer the alignment is the best of all permutations.",
        source="brute force over 5! orders, 20 cases, W2 and KL",
        quantity="identities:brute_force_disagreements",
        criterion=_NONE,
    ),
    Law(
        id="alignment-law-06",
        statement="No accepted update raises the objective, and no further update is possible at the end.",
        source="coordinate descent",
        quantity="identities:descent_violations",
        criterion=_NONE,
    ),
    Law(
        id="alignment-law-07",
        statement="A planted permutation is found: no distance is left.",
        source="q1 = P # q0",
        quantity="identities:planted_distance",
        criterion=Criterion(high=1e-12, reason="equal arrays have distance zero; W2 over that of the unaligned"),
    ),
    Law(
        id="alignment-law-08",
        statement="After a planted permutation is undone no barrier is left.",
        source="q1 = P # q0",
        quantity="identities:planted_barrier",
        criterion=Criterion(high=1e-12, reason="equal posteriors with equal draws have equal losses"),
    ),
    Law(
        id="alignment-law-09",
        statement="The kernel form of KL(q0 || P # q1) is that divergence.",
        source="three products of features",
        quantity="identities:kl_kernel",
        criterion=Criterion(high=1e-5, reason="relative error; differences of large sums"),
    ),
    Law(
        id="alignment-law-10",
        statement="Inferred symmetries are those written by hand: perceptron, VGG, ResNet20.",
        source="the architectures; Ainsworth et al. 2023 for VGG and ResNet20",
        quantity="identities:partition_disagreements",
        criterion=_NONE,
    ),
)


def _finding(number: int, statement: str, quantity: str, source: str = "ours") -> Finding:
    return Finding(id=f"alignment-finding-{number:02}", statement=statement, source=source, quantity=quantity)


FINDINGS = (
    _finding(1, "W2 minus mean-only barrier, Fashion-MNIST reference arm.", "barriers:fashion-mnist_w2_minus_mean"),
    _finding(2, "KL minus W2 barrier, Fashion-MNIST reference arm.", "barriers:fashion-mnist_kl_minus_w2"),
    _finding(
        3, "Part of the barrier that deviations alone remove, reference arm.", "barriers:fashion-mnist_deviation_share"
    ),
    _finding(4, "Log-log slope of the barrier without alignment.", "barriers:fashion-mnist_slope_identity_interval"),
    _finding(5, "Log-log slope of aligned point estimates.", "barriers:fashion-mnist_point_slope_mean_interval"),
    _finding(6, "Log-log slope of the aligned barrier on digits.", "barriers:digits_slope_w2_interval"),
    _finding(7, "Train minus test aligned barrier, reference arm.", "barriers:fashion-mnist_train_minus_test"),
    _finding(8, "Augmented minus plain aligned barrier.", "barriers:fashion-mnist_augmented_minus_reference"),
    _finding(9, "Laplace minus Gaussian prior, aligned barrier.", "barriers:fashion-mnist_laplace_minus_reference"),
    _finding(10, "Tenfold prior variance minus reference.", "barriers:fashion-mnist_v20_minus_reference"),
    _finding(11, "Bias of the log-mean-exp at the path's middle, W2.", "barriers:fashion-mnist_jackknife_bias"),
    _finding(12, "Same in the barrier itself, common draws.", "barriers:fashion-mnist_barrier_bias"),
    _finding(13, "Best against median of the restarts, relative in W2^2.", "barriers:fashion-mnist_restart_spread"),
    _finding(14, "Share of active hidden units, widest, T = 1.", "members:fashion-mnist_active_share_widest"),
    _finding(15, "The same at the narrowest width.", "members:fashion-mnist_active_share_narrowest"),
    _finding(16, "The same, widest, T = 0.01.", "members:fashion-mnist_active_share_widest_cold"),
    _finding(17, "Test loss, widest minus reference.", "members:fashion-mnist_loss_widest_minus_reference"),
    _finding(18, "Loss at the barycentre of all members minus their mean, unaligned.", "barycentre:excess_before"),
    _finding(19, "The same, members aligned to it.", "barycentre:excess_after"),
    _finding(20, "Excess of rounded Sinkhorn over the exact assignment.", "sinkhorn:excess"),
    _finding(21, "Langevin: 1 when converged, by R-hat below 1.01 and step halving; else 0.", "langevin:converged"),
    _finding(22, "Langevin: change when the step is halved.", "langevin:step_halving_change"),
    _finding(23, "Loss of mean-field minus that of Langevin.", "langevin:mean_field_minus_langevin_loss"),
    _finding(24, "Total variation between the two predictives.", "langevin:total_variation"),
    _finding(25, "Between-chain share of weight variance before alignment.", "langevin:between_share_before"),
    _finding(26, "The same after alignment.", "langevin:between_share_after"),
    _finding(27, "Share of effective units, widest, T = 1.", "members:fashion-mnist_effective_share_widest"),
    _finding(28, "The same at the narrowest width, T = 1.", "members:fashion-mnist_effective_share_narrowest"),
    _finding(29, "The same, widest, T = 0.01.", "members:fashion-mnist_effective_share_widest_cold"),
    _finding(30, "Share of active units on digits, widest.", "members:digits_active_share_widest"),
    _finding(31, "Share of active units on digits, narrowest.", "members:digits_active_share_narrowest"),
    _finding(32, "VI minus MAP on digits, aligned barrier, reference width.", "barriers:digits_vi_minus_map"),
)  # fmt: skip

FIGURES = (
    Figure(
        id="paths",
        title="Marginalized loss between two posteriors",
        claims=("alignment-01", "alignment-03", "alignment-08", "alignment-09", "alignment-13"),
    ),
    Figure(
        id="width",
        title="Barrier against width",
        claims=("alignment-02", "alignment-03", "alignment-04", "alignment-05", "alignment-06", "alignment-07",
                "alignment-10"),
    ),
    Figure(id="prior", title="Barrier against the prior's variance", claims=("alignment-12",)),
    Figure(id="temperature", title="Barrier against temperature", claims=("alignment-11",)),
    Figure(
        id="augmentation",
        title="Barrier with augmented images and with another prior family",
        illustrative="nothing is known of the paper's result and no direction was hypothesised",
    ),
    Figure(
        id="plane",
        title="The plane through two posteriors and the second one aligned",
        illustrative="a picture of what alignment does; the paths carry the claims",
    ),
    Figure(
        id="langevin",
        title="Langevin reference of a small network",
        illustrative="no statement of the paper; what mean-field inference misses",
    ),
)  # fmt: skip

LEDGER = Ledger(study="alignment", claims=CLAIMS, laws=LAWS, findings=FINDINGS, figures=FIGURES)
