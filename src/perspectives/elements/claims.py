"""What The Elements of Differentiable Programming says in numbers, and how each is decided; written before the runs.

Source: Blondel and Roulet, The Elements of Differentiable Programming, and its companion code (diffprog/code, commit
3aa73e1b). The text of the book was not at hand: chapters are those of the companion code's folders, and no page or
equation is cited. Most statements are theorems; a number that misses its criterion is a fault of ours or of theirs,
and docs/elements.md says whose. Thresholds are those of a prototype with other random streams, unless their reason
says more.
"""

from perspectives.workbench.claims import Claim, Criterion, Figure, Finding, Ledger

FULL_SIZE = ("default", "extended", "paper")

_ROUNDING = Criterion(high=1e-12, reason="an identity; rounding of a few thousand float64 operations")
_FOUR_DEVIATIONS = Criterion(high=4.0, reason="largest |z| of a few dozen unbiased means: chance of about one in 500")
_ORDER = "log-log slope in the window where truncation is the larger error"

CLAIMS = (
    # --- E1, numerical differentiation
    Claim(
        id="elements-01",
        statement="Forward differences are of order 1.",
        source="Finite differences",
        quantity="differentiation:order_forward",
        criterion=Criterion(low=0.98, high=1.02, reason=f"{_ORDER}, steps 1e-6 to 1e-1"),
    ),
    Claim(
        id="elements-02",
        statement="Central differences are of order 2.",
        source="Finite differences",
        quantity="differentiation:order_central",
        criterion=Criterion(low=1.98, high=2.02, reason=f"{_ORDER}, steps 10^-3.5 to 1e-1"),
    ),
    Claim(
        id="elements-03",
        statement="The complex step has no cancellation: its error stays at rounding however small the step is.",
        source="Finite differences",
        quantity="differentiation:largest_complex_error",
        criterion=Criterion(high=1e-15, reason="steps up to 1e-8, where truncation is below rounding; 4 ulp of a half"),
    ),
    Claim(
        id="elements-04",
        statement="Forward and central differences are best near steps eps^(1/2) and eps^(1/3).",
        source="Finite differences",
        quantity="differentiation:best_step_factor",
        criterion=Criterion(
            high=3.0, reason="median over 41 points of best over theory, or its inverse; f''/f is of order one only"
        ),
    ),
    # --- E2, smoothing by optimization
    Claim(
        id="elements-05",
        statement="The gradient of a relaxed maximum is the softmax, or the projection onto the simplex (Danskin).",
        source="Smoothing by optimization",
        quantity="relaxation:largest_gradient_difference",
        criterion=_ROUNDING,
    ),
    Claim(
        id="elements-06",
        statement="The relaxed maxima exceed the maximum by at most log n and (1 - 1/n) / 2.",
        source="Smoothing by optimization",
        quantity="relaxation:largest_bound_violation",
        criterion=Criterion(high=1e-12, reason="a proven bound has no tolerance but rounding"),
    ),
    Claim(
        id="elements-07",
        statement="The Fenchel-Young losses of the Shannon and Gini entropies are the logistic and sparsemax losses.",
        source="Smoothing by optimization",
        quantity="relaxation:largest_loss_difference",
        criterion=_ROUNDING,
    ),
    Claim(
        id="elements-08",
        statement="Moreau envelopes on a grid are the closed forms of ReLU, ramp and step.",
        source="Smoothing by optimization",
        quantity="relaxation:envelope_error_over_spacing",
        criterion=Criterion(
            high=2.0, reason="largest error in units of the grid's spacing; the step jumps within a cell"
        ),
    ),
    Claim(
        id="elements-09",
        statement="The smoothed biconjugate tends to the convex hull: tenfold less smoothing, four times less gap.",
        source="Smoothing by integration",
        quantity="relaxation:smallest_biconjugate_drop",
        criterion=Criterion(
            low=4.0, reason="smoothing .1, .01, .001; the gap falls like the smoothing times a logarithm"
        ),
    ),
    Claim(
        id="elements-10",
        statement="The smoothed biconjugate is convex.",
        source="Smoothing by integration",
        quantity="relaxation:smallest_biconjugate_curvature",
        criterion=Criterion(
            low=-1e-10, reason="second difference over the squared spacing; rounding times its inverse"
        ),
    ),
    # --- E3, exponential-family losses
    Claim(
        id="elements-11",
        statement="Newton's method on the loss of a log-partition function fits generalized linear models.",
        source="Probabilistic learning",
        quantity="families:newton_minus_scikit_learn",
        criterion=Criterion(
            high=1e-6, reason="largest difference of a coefficient; scikit-learn's solver stops at 1e-8"
        ),
    ),
    Claim(
        id="elements-12",
        statement="At the fit the moments match: the mean of the statistic is that of the model.",
        source="Probabilistic learning",
        quantity="families:moment_residual",
        criterion=_ROUNDING,
    ),
    Claim(
        id="elements-13",
        statement="Gradient and Hessian of the log-partition function are mean and variance, in four families.",
        source="Probabilistic learning",
        quantity="families:moments_minus_library",
        criterion=Criterion(high=1e-10, reason="largest absolute difference from scipy's distributions"),
    ),
    # --- E4, differentiating through optimization
    Claim(
        id="elements-14",
        statement="Implicit and unrolled hypergradients, both converged, are the direct one.",
        source="Differentiating through optimization",
        quantity="bilevel:largest_hypergradient_difference",
        criterion=Criterion(
            high=1e-10, reason="relative; the inner solver stops at 1e-13 or so, and ridge conditions it"
        ),
    ),
    Claim(
        id="elements-15",
        statement="At a truncated inner iterate the implicit hypergradient is nearer than the unrolled one.",
        source="Differentiating through optimization",
        quantity="bilevel:largest_implicit_over_unrolled",
        criterion=Criterion(high=1.0, reason="largest ratio of errors over 10 to 300 inner steps: always nearer"),
    ),
    Claim(
        id="elements-16",
        statement="Descent on the hypergradient ends at the kernel width that a search of a grid finds.",
        source="Differentiating through optimization",
        quantity="bilevel:cells_from_grid_minimum",
        criterion=Criterion(high=1.0, reason="distance from the grid's best point in cells; the optimum is inside one"),
    ),
    Claim(
        id="elements-17",
        statement="The derivative of the inner minimum is its partial derivative (envelope theorem).",
        source="Differentiating through optimization",
        quantity="bilevel:envelope_difference",
        criterion=Criterion(high=1e-12, reason="relative; an identity at an exact inner solution"),
    ),
    # --- E5, differentiating through integration
    Claim(
        id="elements-18",
        statement="Explicit Euler's method is of order 1 on the Lotka-Volterra equations.",
        source="Differentiating through integration",
        quantity="integration:order_euler",
        criterion=Criterion(low=0.95, high=1.05, reason="log-log slope at steps small beside the period"),
    ),
    Claim(
        id="elements-19",
        statement="Discretise, then differentiate: reverse mode and forward mode give one gradient.",
        source="Differentiating through integration",
        quantity="integration:recursive_minus_forward",
        criterion=Criterion(
            high=1e-12, reason="relative, at every solver tolerance; the same discrete map, transposed"
        ),
    ),
    Claim(
        id="elements-20",
        statement="The continuous adjoint is near the discrete gradient at a solver tolerance of 1e-6.",
        source="Differentiating through integration",
        quantity="integration:backsolve_gap_1e-6",
        criterion=Criterion(high=1e-3, reason="relative; three decades of error growth over six periods"),
    ),
    Claim(
        id="elements-21",
        statement="The continuous adjoint tends to the discrete gradient: the same at a tolerance of 1e-10.",
        source="Differentiating through integration",
        quantity="integration:backsolve_gap_1e-10",
        criterion=Criterion(high=1e-6, reason="relative; four decades of error growth over six periods"),
    ),
    Claim(
        id="elements-22",
        statement="With fixed Euler steps the gap of the continuous adjoint is of the order of the step.",
        source="Differentiating through integration",
        quantity="integration:order_backsolve_gap",
        criterion=Criterion(low=0.9, high=1.1, reason="log-log slope over halvings; 0.1 for finite steps"),
    ),
    Claim(
        id="elements-23",
        statement="From either of two wrong starts, fits over growing windows recover the parameters of the data.",
        source="Differentiating through integration",
        quantity="integration:largest_z",
        criterion=Criterion(high=4.0, reason="largest of eight |estimate - truth| over Gauss-Newton's standard error"),
    ),
    # --- E6, graphical models
    Claim(
        id="elements-24",
        statement="The marginals of a chain are the gradient of its log-partition function.",
        source="Graphical models",
        quantity="chains:largest_marginal_difference",
        criterion=Criterion(high=1e-12, reason="against sums over all paths; rounding of up to 4^8 terms"),
    ),
    Claim(
        id="elements-25",
        statement="The gradient of the maximum's value marks the most probable path.",
        source="Graphical models",
        quantity="chains:wrong_path_states",
        criterion=Criterion(
            high=0.0, reason="states that differ from the enumerated best path; ties have probability 0"
        ),
    ),
    Claim(
        id="elements-26",
        statement="Entropy is log-partition minus expected score.",
        source="Graphical models",
        quantity="chains:entropy_difference",
        criterion=_ROUNDING,
    ),
    Claim(
        id="elements-27",
        statement="Dynamic programming with the sparse maximum gives a distribution over transitions at each step.",
        source="Graphical models",
        quantity="chains:sparse_mass_difference",
        criterion=Criterion(high=1e-12, reason="largest |sum of a step - 1|; rounding"),
    ),
    Claim(
        id="elements-28",
        statement="That distribution is sparse: some transitions have no probability at all.",
        source="Graphical models",
        quantity="chains:sparse_zeros",
        criterion=Criterion(low=1.0, reason="a count of exact zeros; with the soft maximum it is none"),
    ),
    # --- E7, smoothing by integration
    Claim(
        id="elements-29",
        statement="Score-function and pathwise estimators target the smoothed derivative, 3 sigma^2 off that of u^3.",
        source="Smoothing by integration",
        quantity="estimators:largest_bias_difference",
        criterion=Criterion(high=1e-10, reason="means by quadrature, exact for polynomials up to rounding"),
    ),
    Claim(
        id="elements-30",
        statement="Taking a forward difference lowers the score-function estimator's deviation at least fivefold.",
        source="Smoothing by integration",
        quantity="estimators:deviation_plain_over_forward",
        criterion=Criterion(low=5.0, reason="deviations by quadrature; u^3 at 3.5 is 43, the difference is about 4"),
    ),
    Claim(
        id="elements-31",
        statement="The pathwise estimator's deviation is at least ten times lower still.",
        source="Smoothing by integration",
        quantity="estimators:deviation_forward_over_pathwise",
        criterion=Criterion(low=10.0, reason="deviations by quadrature"),
    ),
    Claim(
        id="elements-32",
        statement="Their errors fall like the root of the number of draws.",
        source="Smoothing by integration",
        quantity="estimators:furthest_slope",
        criterion=Criterion(
            low=-0.55, high=-0.45, reason="log-log slope of the root mean square error over repetitions"
        ),
        presets=FULL_SIZE,
    ),
    Claim(
        id="elements-33",
        statement="The maximum of scores with Gumbel noise: softmax frequencies, and log-sum-exp in the mean.",
        source="Smoothing by integration",
        quantity="estimators:gumbel_largest_z",
        criterion=_FOUR_DEVIATIONS,
    ),
    # --- E8, control flows
    Claim(
        id="elements-34",
        statement="Soft and and or keep the corners of logic, associativity and De Morgan's law.",
        source="Control flows",
        quantity="control:largest_logic_violation",
        criterion=Criterion(high=1e-14, reason="rounding of three operations on numbers up to one"),
    ),
    Claim(
        id="elements-35",
        statement="Smoothing a whole conditional gives its exact expectation under Gaussian noise.",
        source="Control flows",
        quantity="control:global_minus_expectation",
        criterion=Criterion(high=1e-4, reason="against quadrature, which the jumps of an indicator limit"),
    ),
    Claim(
        id="elements-36",
        statement="Smoothing its comparisons one by one does not.",
        source="Control flows",
        quantity="control:global_over_local_error",
        criterion=Criterion(high=0.1, reason="ratio of the two distances from the expectation; ten times as far"),
    ),
    # --- E9, sorting and transport
    Claim(
        id="elements-37",
        statement="Bubble sort with soft swaps conserves the sum.",
        source="Control flows",
        quantity="sorting:largest_sum_drift",
        criterion=_ROUNDING,
    ),
    Claim(
        id="elements-38",
        statement="It tends to sorting as its temperature falls.",
        source="Control flows",
        quantity="sorting:error_coldest",
        criterion=Criterion(high=1e-10, reason="at temperature 0.03 on the companion's six numbers"),
    ),
    Claim(
        id="elements-39",
        statement="The cost of an entropic plan of n unit masses exceeds the assignment's by at most n epsilon log n.",
        source="Smoothing by optimization",
        quantity="sorting:largest_entropic_violation",
        criterion=Criterion(high=1e-4, reason="over plans that converged to a mass error of 1e-9 only; costs up to 10"),
    ),
    Claim(
        id="elements-40",
        statement="optax and scipy find assignments of one cost.",
        source="Smoothing by optimization",
        quantity="sorting:largest_assignment_difference",
        criterion=Criterion(high=1e-10, reason="optima may differ, their costs may not; float64 sums"),
    ),
    # --- E10, optimization
    Claim(
        id="elements-41",
        statement="Gradient descent and momentum on a quadratic converge at the spectral radius of their iteration.",
        source="Optimization basics",
        quantity="optimization:largest_rate_difference",
        criterion=Criterion(high=1e-3, reason="measured over the last of 400 steps; diverging steps included"),
    ),
    Claim(
        id="elements-42",
        statement="Pinsker's inequality: KL is at least half the squared L1 distance.",
        source="Optimization basics",
        quantity="optimization:smallest_pinsker_gap",
        criterion=Criterion(low=-1e-15, reason="a proven bound on a grid of distributions; rounding"),
    ),
    Claim(
        id="elements-43",
        statement="It is tight where the distributions are equal.",
        source="Optimization basics",
        quantity="optimization:pinsker_contact_gap",
        criterion=Criterion(high=1e-15, reason="zero against zero; rounding"),
    ),
    Claim(
        id="elements-44",
        statement="The progress ratios of five rates tend to 1, 1, 1, 1/e and 0: sublinear, linear, superlinear.",
        source="Optimization basics",
        quantity="optimization:largest_progress_difference",
        criterion=Criterion(high=1e-3, reason="at iteration 10^4, where 1/k^2 has come within 2e-4 of its limit"),
    ),
    # --- E11, forward gradients
    Claim(
        id="elements-45",
        statement="Forward gradients are unbiased; their second moment is d + 2 times |g|^2 with Gaussian directions.",
        source="Optimization basics",
        quantity="forward:gaussian_moment_over_theory",
        criterion=Criterion(low=0.95, high=1.05, reason="the furthest of dimensions 2 to 100; 5 % for finite draws"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="elements-46",
        statement="With signs as directions their second moment is d times |g|^2.",
        source="Optimization basics",
        quantity="forward:rademacher_moment_over_theory",
        criterion=Criterion(low=0.95, high=1.05, reason="the furthest of dimensions 2 to 100; 5 % for finite draws"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="elements-47",
        statement="With a random coordinate as direction the mean is the gradient over d.",
        source="Optimization basics",
        quantity="forward:coordinate_largest_z",
        criterion=_FOUR_DEVIATIONS,
    ),
    # --- E12, transformers and dictionaries
    Claim(
        id="elements-48",
        statement="Sinusoidal encodings have one norm, inner products of the offset alone, and shift by a linear map.",
        source="Transformers",
        quantity="attention:encoding_difference",
        criterion=Criterion(high=1e-11, reason="sines of arguments up to 200 and sums of 50; rounding"),
    ),
    Claim(
        id="elements-49",
        statement="A masked decoder does not look ahead: derivatives by future tokens are exactly zero.",
        source="Transformers",
        quantity="attention:largest_future_derivative",
        criterion=Criterion(high=0.0, reason="masked weights are exact zeros"),
    ),
    Claim(
        id="elements-50",
        statement="A soft dictionary is softmax attention.",
        source="Data structures",
        quantity="attention:dictionary_minus_attention",
        criterion=Criterion(high=1e-6, reason="against jax.nn.dot_product_attention, whose softmax is in float32"),
    ),
    Claim(
        id="elements-51",
        statement="A tiny decoder learns to copy.",
        source="Transformers",
        quantity="attention:copy_loss_over_log_vocabulary",
        criterion=Criterion(high=0.1, reason="of the loss of guessing, on new sequences: most tokens are predicted"),
        presets=FULL_SIZE,
    ),
    # --- E13, cost of derivatives
    Claim(
        id="elements-52",
        statement="A gradient costs at most five times its function (Baur and Strassen).",
        source="Differentiation",
        quantity="costs:gradient_over_function",
        criterion=Criterion(high=5.0, reason="compiled operations; the theorem counts arithmetic operations"),
    ),
    Claim(
        id="elements-53",
        statement="A Hessian-vector product costs at most ten times the function.",
        source="Differentiation",
        quantity="costs:hessian_vector_over_function",
        criterion=Criterion(high=10.0, reason="compiled operations; the larger of both nestings"),
    ),
    Claim(
        id="elements-54",
        statement="Recursive checkpointing with 16 checkpoints needs less than a hundredth of the memory of a tape.",
        source="Differentiation",
        quantity="costs:recursive_over_tape_memory",
        criterion=Criterion(high=0.01, reason="temporary bytes of 4096 steps: 16 states of 4096, and a segment's"),
        presets=FULL_SIZE,
    ),
    Claim(
        id="elements-55",
        statement="Checkpointing does not change the gradient.",
        source="Differentiation",
        quantity="costs:largest_checkpointing_difference",
        criterion=Criterion(high=1e-12, reason="relative; the same operations in the same order"),
    ),
    Claim(
        id="elements-56",
        statement="With a reversible solver the adjoint solved backwards is nearer the gradient than with Heun's.",
        source="Differentiating through integration",
        quantity="costs:reversible_over_heun_mismatch",
        criterion=Criterion(high=0.2, reason="ratio of relative mismatches at one step size: a different order"),
    ),
)

FINDINGS = (
    Finding(
        id="elements-finding-01",
        statement="plot_soft_comparison's 'logistic' equality is sech(t) for sech^2(t/2): a bracket; the largest gap.",
        source="companion, control_flows/plot_soft_comparison",
        quantity="control:companion_equality_gap",
    ),
    Finding(
        id="elements-finding-02",
        statement="The panel labelled Gini has Tsallis' exponent 1.5: its value at the uniform distribution.",
        source="companion, smoothing_by_optimization/plot_entropies_contours",
        quantity="relaxation:companion_gini_at_uniform",
    ),
    Finding(
        id="elements-finding-03",
        statement="The Gini entropy's own value there.",
        source="ours",
        quantity="relaxation:gini_at_uniform",
    ),
    Finding(
        id="elements-finding-04",
        statement="plot_soft_thresholding's variance is unweighted: at x = 2, over the law of total variance's.",
        source="companion, control_flows/plot_soft_thresholding",
        quantity="control:companion_variance_over_true",
    ),
    Finding(
        id="elements-finding-05",
        statement="Its weights by steps do not sum to one: their sum at x = 2.",
        source="companion, control_flows/plot_soft_thresholding",
        quantity="control:companion_weight_sum",
    ),
    Finding(
        id="elements-finding-06",
        statement="plot_denoising mixes two grids: its effective width over the labelled one.",
        source="companion, smoothing_by_integration/plot_denoising",
        quantity="estimators:companion_denoising_width",
    ),
    Finding(
        id="elements-finding-07",
        statement="plot_smoothed_biconjugate convolves with an even length, half a cell aside: the largest error.",
        source="companion, smoothing_by_integration/plot_smoothed_biconjugate",
        quantity="relaxation:companion_biconjugate_shift",
    ),
    Finding(
        id="elements-finding-08",
        statement="plot_sfe_error measures against f' itself, so its curves end at the bias 3 sigma^2.",
        source="companion, smoothing_by_integration/plot_sfe_error",
        quantity="estimators:companion_floor",
    ),
    Finding(
        id="elements-finding-09",
        statement="plot_foward_sgd's coordinate directions shrink the step: its mean over the gradient, at d = 2.",
        source="companion, optimization_basics/plot_foward_sgd",
        quantity="forward:companion_step_factor",
    ),
    Finding(
        id="elements-finding-10",
        statement="plot_gaussian's loss lacks its half: its gradient over that of the negative log-likelihood.",
        source="companion, proba_learning/plot_gaussian",
        quantity="families:companion_gaussian_factor",
    ),
    Finding(
        id="elements-finding-11",
        statement="Automatic differentiation's largest relative error on the function of elements-01.",
        source="ours",
        quantity="differentiation:automatic_error",
    ),
    Finding(
        id="elements-finding-12",
        statement="Kinks at which automatic differentiation gives neither one-sided derivative nor one between them.",
        source="ours",
        quantity="differentiation:kinks_outside_subdifferential",
    ),
    Finding(
        id="elements-finding-13",
        statement="Gradients that L-BFGS takes to an error of 1e-8, over those of gradient descent at its best step.",
        source="ours",
        quantity="optimization:lbfgs_over_gradient_descent",
    ),
    Finding(
        id="elements-finding-14",
        statement="Entropic plans that did not converge in the iterations allowed.",
        source="ours",
        quantity="sorting:unconverged_plans",
    ),
    Finding(
        id="elements-finding-15",
        statement="Excess cost of the permutation rounded from the sharpest converged plan.",
        source="ours",
        quantity="sorting:rounded_excess",
    ),
    Finding(
        id="elements-finding-16",
        statement="Kernel width of least validation loss at the companion's ridge of 0.001; its data have width 0.2.",
        source="companion, differentiating_optimization/plot_bilevel_regression",
        quantity="bilevel:best_width_small_ridge",
    ),
    Finding(
        id="elements-finding-17",
        statement="Fits over the whole window at once that missed the truth, of two starts in raw and log parameters.",
        source="ours",
        quantity="integration:missed_whole_window_fits",
    ),
    Finding(
        id="elements-finding-18",
        statement="Gap of the continuous adjoint with fixed Euler steps of 0.01, relative.",
        source="ours",
        quantity="integration:backsolve_gap_euler",
    ),
    Finding(
        id="elements-finding-19",
        statement="The same for the derivative of the weights: largest ratio of implicit to unrolled error.",
        source="ours, on elements-15",
        quantity="bilevel:largest_implicit_over_unrolled_weights",
    ),
    Finding(
        id="elements-finding-20",
        statement="Reversible Heun undone step by step: its largest distance from the discrete gradient, relative.",
        source="ours, on elements-56",
        quantity="costs:largest_undone_mismatch",
    ),
)

FIGURES = (
    Figure(
        id="differentiation",
        title="Kinks, and the error of numerical differentiation",
        claims=("elements-01", "elements-02", "elements-03", "elements-04"),
    ),
    Figure(
        id="conjugates", title="Conjugates and affine lower bounds", illustrative="draws the definition of a conjugate"
    ),
    Figure(id="envelopes", title="Moreau envelopes and Huber losses", claims=("elements-08",)),
    Figure(id="entropies", title="Entropies", illustrative="draws the regularisers of the relaxed maxima"),
    Figure(
        id="relaxed_maximum",
        title="Relaxed maxima and arguments of the maximum",
        claims=("elements-05", "elements-06", "elements-07"),
    ),
    Figure(id="families", title="Four exponential families", claims=("elements-11", "elements-12", "elements-13")),
    Figure(
        id="bilevel",
        title="A kernel width by hypergradients",
        claims=("elements-14", "elements-15", "elements-16", "elements-17"),
    ),
    Figure(
        id="integration",
        title="Gradients and fits of Lotka-Volterra trajectories",
        claims=("elements-18", "elements-19", "elements-20", "elements-21", "elements-22", "elements-23"),
    ),
    Figure(
        id="chains",
        title="Marginals of a chain, soft, hard and sparse",
        claims=("elements-24", "elements-25", "elements-26", "elements-27", "elements-28"),
    ),
    Figure(
        id="smoothing",
        title="Smoothing by integration",
        claims=("elements-09", "elements-10"),
    ),
    Figure(
        id="estimators",
        title="Estimators of a smoothed derivative",
        claims=("elements-29", "elements-30", "elements-31", "elements-32", "elements-33"),
    ),
    Figure(id="logic", title="Soft comparisons and logic", claims=("elements-34",)),
    Figure(id="branches", title="Soft branches", claims=("elements-35", "elements-36")),
    Figure(
        id="sorting",
        title="Soft sorting and entropic transport",
        claims=("elements-37", "elements-38", "elements-39", "elements-40"),
    ),
    Figure(
        id="optimization",
        title="Rates of convergence",
        claims=("elements-41", "elements-42", "elements-43", "elements-44"),
    ),
    Figure(
        id="forward_gradients",
        title="Forward gradients",
        claims=("elements-45", "elements-46", "elements-47"),
    ),
    Figure(
        id="attention",
        title="Positions, dictionaries and a decoder",
        claims=("elements-48", "elements-49", "elements-50", "elements-51"),
    ),
    Figure(
        id="costs",
        title="What derivatives cost",
        claims=("elements-52", "elements-53", "elements-54", "elements-55", "elements-56"),
    ),
)

LEDGER = Ledger(study="elements", claims=CLAIMS, findings=FINDINGS, figures=FIGURES)
